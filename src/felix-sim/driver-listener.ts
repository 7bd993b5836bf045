/** Reads what a driver says to Felix, as Felix would: a message it could not take is an error of the driver. */
import type { Readable } from 'node:stream';
import { errorText } from '../base/errors.js';
import { FrameReader } from '../driver/frame.js';
import { decodeFromDataplane } from '../driver/message.js';
import type { FromDataplane, WorkloadEndpointID } from '../gen/felix/types.js';
import { SimError } from './errors.js';

/** Felix itself has no limit; a length above this is no message. */
const FRAME_BYTES_MAX = 16 * 1024 * 1024;

/** Last status told for each endpoint, by `k8s/NS%2FPOD/eth0` or `host/NAME`. */
export type ReportedStatuses = ReadonlyMap<string, string>;

/** Follows one driver's fd 4. */
export class DriverListener {
  private readonly reported = new Map<string, string>();
  private readonly clockMs: () => number;
  private quietSinceMs: number;
  private fault: SimError | undefined;
  /** Messages read so far, by payload. */
  readonly counts = new Map<string, number>();

  /** `clockMs` gives monotonic milliseconds. */
  constructor(fromDriver: Readable, clockMs: () => number) {
    this.clockMs = clockMs;
    this.quietSinceMs = clockMs();
    void this.follow(fromDriver);
  }

  /** Endpoint statuses as last told. */
  get statuses(): ReportedStatuses {
    return this.reported;
  }

  /** What the driver wrote that Felix could not read; Felix would shut down. */
  get error(): SimError | undefined {
    return this.fault;
  }

  /** Milliseconds since the last message. */
  quietMs(): number {
    return this.clockMs() - this.quietSinceMs;
  }

  private async follow(fromDriver: Readable): Promise<void> {
    const reader = new FrameReader(FRAME_BYTES_MAX);
    try {
      for await (const chunk of fromDriver) {
        this.fault = this.read(reader, chunk as Buffer);
        if (this.fault !== undefined) return;
      }
    } catch {
      // The pipe broke: the driver is gone, which its process tells better.
    }
  }

  private read(reader: FrameReader, chunk: Buffer): SimError | undefined {
    try {
      reader.append(chunk);
      for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
        this.take(decodeFromDataplane(frame.body));
      }
      return undefined;
    } catch (cause) {
      return cause instanceof SimError ? cause : frameError(errorText(cause), cause);
    }
  }

  private take(message: FromDataplane): void {
    this.quietSinceMs = this.clockMs();
    const payload = message.payload ?? 'unknown';
    this.counts.set(payload, (this.counts.get(payload) ?? 0) + 1);
    switch (message.payload) {
      case 'workload_endpoint_status_update': {
        const { id, status, endpoint } = message.workload_endpoint_status_update;
        if (!id || !status || !endpoint)
          throw frameError(`${payload} lacks id, status or endpoint`);
        this.reported.set(workloadText(id), status.status);
        return;
      }
      case 'workload_endpoint_status_remove': {
        const { id } = message.workload_endpoint_status_remove;
        if (!id) throw frameError(`${payload} lacks its id`);
        this.reported.delete(workloadText(id));
        return;
      }
      case 'host_endpoint_status_update': {
        const { id, status } = message.host_endpoint_status_update;
        if (!id || !status) throw frameError(`${payload} lacks id or status`);
        this.reported.set(hostText(id.endpoint_id), status.status);
        return;
      }
      case 'host_endpoint_status_remove': {
        const { id } = message.host_endpoint_status_remove;
        if (!id) throw frameError(`${payload} lacks its id`);
        this.reported.delete(hostText(id.endpoint_id));
        return;
      }
      default:
        return;
    }
  }
}

function workloadText(id: WorkloadEndpointID): string {
  return [id.orchestrator_id, id.workload_id, id.endpoint_id].map(encodeURIComponent).join('/');
}

function hostText(endpointId: string): string {
  return `host/${encodeURIComponent(endpointId)}`;
}

function frameError(message: string, cause?: unknown): SimError {
  return new SimError({ code: 'driver-frame', op: 'read driver', message, cause });
}
