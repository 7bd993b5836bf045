/**
 * The engine that goes the whole way: a driver process started as Felix starts it, OPI over gRPC, a soft-xpu process, and
 * its packet walk. I/O edge.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { variableName } from '../../agent/settings.js';
import type { Degradation } from '../../translators/degradation.js';
import { connectDebug, type DebugClient, type WalkPort } from '../../opi/client/debug.js';
import type { WalkResult } from '../../opi/client/debug.js';
import { OpiError } from '../../opi/objects/errors.js';
import { OWN_DRIVER } from '../own-programs.js';
import { DriverSession } from '../replay/driver-session.js';
import { XpuProcess } from '../xpu-process.js';
import type { ProbeVerdict, VerdictEngine } from './engine.js';
import { FelixView } from './felix-view.js';
import { reasonsFor } from './port-reasons.js';
import type { Probe } from './probe.js';

/** How the two processes are started. */
export interface ProcessEngineOptions {
  readonly target: 'native' | 'plain';
  /** Node that the recording was made on. */
  readonly node: string;
  /** Output of the driver. */
  readonly onOutput: (chunk: Buffer) => void;
}

/** Longest wait for a step to be applied. */
const STEP_TIMEOUT_MS = 300_000;
/** Walks in flight. */
const WALKS = 32;

/** See the file head. */
export class ProcessEngine implements VerdictEngine {
  private readonly options: ProcessEngineOptions;
  private readonly folder: string;
  private readonly xpu: XpuProcess;
  private readonly debug: DebugClient;
  private readonly view = new FelixView();
  private driver: DriverSession | undefined;
  private degraded: readonly Degradation[] = [];

  private constructor(options: ProcessEngineOptions, folder: string, xpu: XpuProcess) {
    this.options = options;
    this.folder = folder;
    this.xpu = xpu;
    this.debug = connectDebug({ address: xpu.address, concurrency: WALKS });
  }

  /** Starts an empty soft-xpu. Fails with `SimError`. */
  static async start(options: ProcessEngineOptions): Promise<ProcessEngine> {
    const folder = mkdtempSync(join(tmpdir(), 'calico-xpu-verdicts-'));
    try {
      const listen = `unix:${join(folder, 'opi.sock')}`;
      const { target } = options;
      const xpu = await XpuProcess.start({ listen, mode: 'strict', target, flattened: false });
      return new ProcessEngine(options, folder, xpu);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async startSession(): Promise<void> {
    await this.driver?.stop();
    this.view.startSession();
    this.driver = await DriverSession.start({
      driverFile: OWN_DRIVER,
      foreign: false,
      stateDir: this.folder,
      environment: {
        FELIX_FELIXHOSTNAME: this.options.node,
        [variableName('mode')]: 'standalone',
        [variableName('address')]: this.xpu.address,
        [variableName('target')]: this.options.target,
      },
      play: { speed: 0, splitWritesBytes: 0 },
      stepTimeoutMs: STEP_TIMEOUT_MS,
      onOutput: this.options.onOutput,
    });
  }

  async advance(frames: readonly Uint8Array[]): Promise<void> {
    for (const frame of frames) this.view.frame(frame);
    await this.driver?.play(frames.map((body) => ({ body, atMs: 0 })));
    const status = await this.driver?.applied();
    this.degraded = status?.degraded ?? [];
  }

  async judge(probes: readonly Probe[]): Promise<readonly ProbeVerdict[]> {
    const verdicts: ProbeVerdict[] = [];
    for (let start = 0; start < probes.length; start += WALKS) {
      const some = probes.slice(start, start + WALKS);
      verdicts.push(...(await Promise.all(some.map((probe) => this.judgeOne(probe)))));
    }
    return verdicts;
  }

  async close(): Promise<void> {
    this.debug.close();
    await this.driver?.stop();
    await this.xpu.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async judgeOne(probe: Probe): Promise<ProbeVerdict> {
    const reasons = reasonsFor(probe, this.view, this.degraded);
    const result = await this.walk(probe);
    if (result === undefined) {
      return { allow: false, exit: '', path: [`${probe.from} has no port`], reasons };
    }
    const allow = result.verdict === 'ALLOW';
    return { allow, exit: allow ? this.placeOf(result) : '', path: result.trace, reasons };
  }

  private async walk({ from, packet }: Probe): Promise<WalkResult | undefined> {
    const entry = this.entryPort(from, packet.source);
    if (entry === undefined) return undefined;
    const { icmpType, icmpCode, ...fields } = packet;
    const { sourcePort = 0, destinationPort = 0 } = fields;
    const icmp = icmpType === undefined ? {} : { icmp: { type: icmpType, code: icmpCode ?? 0 } };
    try {
      return await this.debug.walk({
        entry,
        packet: { ...fields, sourcePort, destinationPort, ...icmp },
        freshConnections: true,
      });
    } catch (error) {
      if (error instanceof OpiError && error.code === 'NOT_FOUND') return undefined;
      throw error;
    }
  }

  private entryPort(from: string, source: string): WalkPort | undefined {
    if (from === 'host') return { port: 'HOST' };
    if (from === 'wire') return { port: this.view.isBehindTunnel(source) ? 'TUNNEL' : 'UPLINK' };
    const endpoint = this.view.endpointOf(from);
    return endpoint === undefined ? undefined : { ifname: endpoint.interfaceName };
  }

  private placeOf({ exit, exitIfname }: WalkResult): string {
    if (exit === undefined) return '';
    if ('vnic' in exit) return this.view.workloadOn(exitIfname) ?? exitIfname;
    return exit.port === 'HOST' ? 'host' : 'wire';
  }
}
