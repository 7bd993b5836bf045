/**
 * Everything that serves one node, wired: Felix streams into the pipeline, endpoint status back, flight recorder, status. The
 * same for the resident agent and for the standalone driver; they differ in where streams come from.
 */
import { join } from 'node:path';
import type { Clock } from '../base/clock.js';
import { errorText } from '../base/errors.js';
import type { Logger } from '../base/log.js';
import { EndpointStatusFiles } from '../driver/endpoint-status-files.js';
import type { FelixPipes } from '../driver/pipes.js';
import { FlightRecorder } from '../driver/recorder.js';
import type { SessionFrame } from '../driver/session.js';
import { parseFelixConfig, xpuSettings, type FelixConfig } from '../model/config.js';
import { FelixReporter } from './felix-reporter.js';
import { FelixStream } from './felix-stream.js';
import { metricsText } from './metrics.js';
import { Pipeline } from './pipeline.js';
import { readSettings, unheededSettings, type Settings } from './settings.js';
import type { AgentSnapshot } from './snapshot.js';
import { buildStatus, felixStatus } from './status-report.js';
import type { AgentStatus, FelixStatus } from './status.js';
import type { XpuConnection, XpuLink } from './xpu-link.js';

/** What a node's agent is made of. */
export interface NodeAgentOptions {
  readonly mode: 'agent' | 'standalone';
  readonly version: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Host name, where neither settings nor Felix name the node. */
  readonly hostname: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Opens the line to the XPU of these settings. May wait for the writer's lock. */
  readonly connect: (settings: Settings, node: string) => XpuConnection;
  /** Living on would be wrong. */
  readonly onFatal: (error: unknown) => void;
}

/** One node's agent. */
export class NodeAgent {
  private readonly options: NodeAgentOptions;
  private readonly pipeline: Pipeline;
  private readonly reporter: FelixReporter;
  private readonly recorder: FlightRecorder | undefined;
  private settings: Settings;
  private connection: XpuConnection | undefined;
  private stream: FelixStream | undefined;
  private configProblems: readonly string[] = [];
  /** What Felix passed on when the line to the XPU was opened. */
  private passedOn: ReadonlyMap<string, string> | undefined;

  /** Throws `SettingsError` or `DriverError` for settings that cannot be used. */
  constructor(options: NodeAgentOptions) {
    this.options = options;
    const { clock, logger } = options;
    this.settings = readSettings(options.environment);
    this.recorder = openRecorder(this.settings, clock, logger);
    this.pipeline = new Pipeline({
      clock,
      logger,
      link: (config) => this.openLink(config),
      onEndpoint: (key, status) => this.reporter.endpoint(key, status),
      onInSync: (state) => this.reporter.inSync(state),
      onFatal: options.onFatal,
    });
    this.reporter = new FelixReporter({
      clock,
      send: (message) => this.stream?.send(message),
      state: () => this.pipeline.store.state,
    });
  }

  /**
   * Serves one Felix stream to its end. A stream that is still open is closed first: the newest Felix is the one that
   * lives. Rejects with `FrameError` if the stream cannot be read.
   */
  async serve(pipes: FelixPipes): Promise<void> {
    const { clock, logger } = this.options;
    this.stream?.close();
    this.recorder?.beginSession();
    this.pipeline.beginSession();
    const stream: FelixStream = new FelixStream({
      ...pipes,
      frameBytesMax: this.settings.frameBytesMax,
      clock,
      logger,
      onFrame: (frame) => {
        if (this.stream === stream) this.frame(frame);
      },
    });
    this.stream = stream;
    try {
      await stream.run();
    } finally {
      stream.close();
      if (this.stream === stream) this.endStream();
    }
  }

  /** Whole status. */
  status(): AgentStatus {
    const { mode, version } = this.options;
    return buildStatus({
      mode,
      version,
      node: this.nodeName(this.pipeline.store.config),
      address: this.settings.address,
      pipeline: this.pipeline,
      connection: this.connection,
      connected: this.stream !== undefined,
      configProblems: this.configProblems,
    });
  }

  /** The Felix part of the status: cheap. */
  felixStatus(): FelixStatus {
    return felixStatus(this.pipeline, this.stream !== undefined);
  }

  /** What is wanted now; `undefined` before the first InSync. */
  snapshot(): AgentSnapshot | undefined {
    const { pipeline, settings } = this;
    const { state, config } = pipeline.store;
    if (state === undefined) return undefined;
    const { ownerId, uplinkInterface, hostInterfaces, uplinkMtu, ruleBudget } = settings;
    const capabilities = pipeline.link?.capabilities;
    return {
      version: this.options.version,
      node: this.nodeName(config),
      settings: { ownerId, uplinkInterface, hostInterfaces, uplinkMtu, ruleBudget },
      ...(capabilities === undefined ? {} : { capabilities }),
      endpoints: Object.fromEntries(pipeline.endpoints.all),
      state,
    };
  }

  /** The status as metrics. */
  metrics(): string {
    return metricsText(this.status(), this.pipeline.latency.counts());
  }

  /** Calls `listener` after each change of session or applied count; gives the way to stop. */
  onProgress(listener: () => void): () => void {
    return this.pipeline.onProgress(listener);
  }

  /** Freezes: stops reading and writing. What the XPU has stays in force. */
  async stop(): Promise<void> {
    this.stream?.close();
    this.reporter.stopProcessReports();
    await this.pipeline.stop();
    await this.reporter.flushed();
    this.recorder?.endSession();
  }

  private endStream(): void {
    this.stream = undefined;
    this.reporter.stopProcessReports();
    this.recorder?.endSession();
  }

  private frame({ frame, gap, deltas }: SessionFrame): void {
    this.recorder?.frame(frame.body);
    if (gap !== undefined) {
      this.pipeline.counters.sequenceGaps++;
      this.options.logger.warn({ ...gap }, 'gap in sequence numbers');
    }
    this.pipeline.frame(deltas);
    if (deltas.some(({ type }) => type === 'config')) this.configure();
  }

  /** Takes over what a ConfigUpdate says of our own reporting. */
  private configure(): void {
    const { config, problems } = parseFelixConfig(this.pipeline.store.config);
    this.configProblems = [
      ...problems.map(({ key, value, reason }) => `${key}="${value}": ${reason}`),
      ...this.unheeded(),
    ];
    for (const problem of this.configProblems)
      this.options.logger.warn({ problem }, 'Felix setting');
    this.reporter.useFiles(this.statusFiles(config));
    this.reporter.startProcessReports(config.reportingIntervalMs);
  }

  private statusFiles(config: FelixConfig): EndpointStatusFiles | undefined {
    const { stateDir, stateDirGiven } = this.settings;
    const prefix = stateDirGiven ? join(stateDir, 'felix') : config.endpointStatusPathPrefix;
    if (config.endpointStatusPathPrefix === '') return undefined;
    return new EndpointStatusFiles(prefix, (error) => {
      this.options.logger.warn({ error: errorText(error) }, 'endpoint status file');
    });
  }

  private unheeded(): string[] {
    const passedOn = xpuSettings(this.pipeline.store.config);
    return unheededSettings(this.options.environment, passedOn, this.passedOn ?? passedOn);
  }

  private openLink(config: ReadonlyMap<string, string>): XpuLink {
    this.passedOn = xpuSettings(config);
    this.settings = readSettings(this.options.environment, this.passedOn);
    this.connection = this.options.connect(this.settings, this.nodeName(config));
    return this.connection.link;
  }

  private nodeName(config: ReadonlyMap<string, string>): string {
    const { environment, hostname } = this.options;
    return (
      config.get('FelixHostname') ||
      environment['FELIX_FELIXHOSTNAME'] ||
      environment['NODENAME'] ||
      hostname
    );
  }
}

function openRecorder(
  settings: Settings,
  clock: Clock,
  logger: Logger,
): FlightRecorder | undefined {
  if (settings.recorderDir === '') return undefined;
  return new FlightRecorder({
    folder: settings.recorderDir,
    bytesMax: settings.recorderBytesMax,
    clock,
    onError: (error) => logger.error({ error: errorText(error) }, 'flight recorder ends'),
  });
}
