/**
 * Tells Felix, and the readers of status files, which endpoints are programmed. Messages go to whatever session is connected;
 * files say the same for CNI and BGP.
 */
import type { Clock, Timer } from '../base/clock.js';
import type { DesiredState } from '../desired/state.js';
import type { EndpointStatusFiles } from '../driver/endpoint-status-files.js';
import {
  hostStatus,
  hostStatusRemove,
  processStatus,
  workloadStatus,
  workloadStatusRemove,
  type StatusMessage,
} from '../driver/status-messages.js';
import type { WorkloadEndpoint } from '../model/endpoint.js';
import type { HostEndpointKey, WorkloadId, WorkloadKey } from '../model/ids.js';
import type { EndpointStatus } from './status.js';

/** What a reporter needs. */
export interface FelixReporterOptions {
  readonly clock: Clock;
  /** Sends one message to the connected Felix; drops it when there is none. */
  readonly send: (message: StatusMessage) => void;
  readonly state: () => DesiredState | undefined;
}

/** Felix's own data plane reports for the first time after this long; we do so no later than the interval says. */
const FIRST_REPORT_MS = 10_000;

/** Reports endpoint changes, and the process's life at the interval Felix configures. */
export class FelixReporter {
  private readonly options: FelixReporterOptions;
  private readonly startedMs: number;
  /** Host endpoint ids by key, for the removal message: the state no longer has them then. */
  private readonly hostIds = new Map<string, string>();
  private readonly workloadIds = new Map<string, WorkloadId>();
  private timer: Timer | undefined;
  private files: EndpointStatusFiles | undefined;

  constructor(options: FelixReporterOptions) {
    this.options = options;
    this.startedMs = options.clock.monotonic();
  }

  /** Where status files go from now on; `undefined` = nowhere. */
  useFiles(files: EndpointStatusFiles | undefined): void {
    // Two queues into one folder could overtake each other.
    if (files === undefined || files.prefix !== this.files?.prefix) this.files = files;
  }

  /** One endpoint's status changed, or it is gone. */
  endpoint(key: string, status: EndpointStatus | undefined): void {
    if (status === undefined) this.gone(key);
    else this.changed(key, status);
  }

  /** A new session is in sync: files of endpoints that are no more go. */
  inSync(state: DesiredState): void {
    this.files?.removeStale([...state.workloads.values()].map(({ id }) => id));
  }

  /** Starts the process reports of one session; `intervalMs` 0 = off. */
  startProcessReports(intervalMs: number): void {
    this.stopProcessReports();
    if (intervalMs <= 0) return;
    this.reportLater(Math.min(FIRST_REPORT_MS, intervalMs), intervalMs);
  }

  /** The session is over. */
  stopProcessReports(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  /** Settles when the status files say what was told so far. */
  async flushed(): Promise<void> {
    await this.files?.flushed();
  }

  private reportLater(delayMs: number, intervalMs: number): void {
    this.timer = this.options.clock.after(delayMs, () => {
      const { clock, send } = this.options;
      send(processStatus(clock.now(), clock.monotonic() - this.startedMs));
      this.reportLater(intervalMs, intervalMs);
    });
  }

  private changed(key: string, status: EndpointStatus): void {
    const state = this.options.state();
    const workload = state?.workloads.get(key as WorkloadKey);
    if (workload !== undefined) {
      this.workload(workload, status);
      return;
    }
    const host = state?.hostEndpoints.get(key as HostEndpointKey);
    if (host === undefined) return;
    this.hostIds.set(key, host.id);
    this.options.send(hostStatus(host.id, status.status));
  }

  private workload(endpoint: WorkloadEndpoint, status: EndpointStatus): void {
    this.workloadIds.set(endpoint.key, endpoint.id);
    // One that is not active is programmed as deny-all: Calico calls that down.
    const up = status.status === 'up' && endpoint.state === 'active';
    this.options.send(workloadStatus(endpoint, up ? 'up' : 'down'));
    if (up) this.files?.write(endpoint);
    else this.files?.remove(endpoint.id);
  }

  private gone(key: string): void {
    const hostId = this.hostIds.get(key);
    const workloadId = this.workloadIds.get(key);
    if (hostId !== undefined) this.options.send(hostStatusRemove(hostId));
    if (workloadId !== undefined) {
      this.options.send(workloadStatusRemove(workloadId));
      this.files?.remove(workloadId);
    }
    this.hostIds.delete(key);
    this.workloadIds.delete(key);
  }
}
