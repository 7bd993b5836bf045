/** What driver and agent tell about themselves: the JSON of the status socket. */
import type { Degradation } from '../translators/degradation.js';
import type { OverlayReport } from '../translators/translator.js';

/** State of one endpoint towards Felix. */
export interface EndpointStatus {
  readonly status: 'up' | 'down' | 'error';
  /** Why it is not up; empty when it is. */
  readonly reason: string;
}

/** The Felix side. Counters start anew with each session. */
export interface FelixStatus {
  /** Sessions seen by this process; 0 = none yet. */
  readonly session: number;
  readonly connected: boolean;
  /** Frames received in this session. */
  readonly received: number;
  /** Frames of this session whose effect the XPU has acknowledged or finally refused. */
  readonly applied: number;
  readonly inSync: boolean;
  readonly calicoVersion: string;
  readonly sequenceGaps: number;
  /** Payloads that are known and have no effect here, by name. */
  readonly ignored: Readonly<Record<string, number>>;
  /** Frames with an unknown payload. */
  readonly unknown: number;
  /** Messages that contradict the state, counted by what is wrong with them. */
  readonly problems: Readonly<Record<string, number>>;
}

/** The XPU side. Call counters live as long as the process. */
export interface XpuStatus {
  readonly address: string;
  readonly connected: boolean;
  readonly level: 'native' | 'plain' | 'unknown';
  readonly bootId: string;
  /** Why it is not connected, or the last failure. */
  readonly reason: string;
  /** Calls by method. */
  readonly calls: Readonly<Record<string, number>>;
  /** Calls that change something. */
  readonly writes: number;
}

/** An object that the XPU does not have as wanted. */
export interface UnreadyObject {
  readonly key: string;
  readonly state: 'pending' | 'failed';
  readonly reason: string;
}

/** The whole status. */
export interface AgentStatus {
  readonly version: string;
  readonly pid: number;
  readonly mode: 'agent' | 'standalone';
  readonly node: string;
  readonly felix: FelixStatus;
  readonly xpu: XpuStatus;
  /** Objects wanted, by kind. */
  readonly wanted: Readonly<Record<string, number>>;
  readonly pending: number;
  /** Objects that the XPU refused, or that wait for a refused one. */
  readonly failed: number;
  /** Bounded list; `pending` and `failed` have the whole counts. */
  readonly unready: readonly UnreadyObject[];
  /** By endpoint key: `k8s/NS%2FPOD/eth0`, `host/NAME`. */
  readonly endpoints: Readonly<Record<string, EndpointStatus>>;
  readonly degraded: readonly Degradation[];
  /** VXLAN in use and the MTU that it leaves to pods; absent until something was translated. */
  readonly overlay?: OverlayReport;
  /** Configuration values that fell back to their default. */
  readonly configProblems: readonly string[];
}
