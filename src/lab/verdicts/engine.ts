/** What a verdict run asks of whatever judges the probes. */
import type { Probe } from './probe.js';

/** `oracle`: Calico's semantics on the messages. `native`, `plain`: driver, gRPC and soft-xpu at that API level. */
export const WALK_ENGINE_NAMES = ['oracle', 'native', 'plain'] as const;

/** Name of an engine that walks packets through objects or messages and needs no root. */
export type WalkEngineName = (typeof WALK_ENGINE_NAMES)[number];

/** Name of an engine. `linux`: frames through the kernel behind soft-xpu. */
export type EngineName = WalkEngineName | 'linux';

/** What an engine says of one probe. */
export interface ProbeVerdict {
  /** The packet is let through, wherever it comes out. */
  readonly allow: boolean;
  /** Where it comes out: `namespace/pod`, `host` or `wire`; empty when it is dropped. */
  readonly exit: string;
  /** The decisions on its way, in order. */
  readonly path: readonly string[];
  /** Why the policy of the ports it meets is narrower than Calico's, if it is. */
  readonly reasons: readonly string[];
}

/** Judges probes of the state that a stream of Felix's frames has built. */
export interface VerdictEngine {
  /** Ends the session that ran, if any, and begins that of a restarted Felix. */
  startSession(): Promise<void>;
  /** Delivers frame bodies of the session; returns once their effect is in force. */
  advance(frames: readonly Uint8Array[]): Promise<void>;
  /** Judges each probe with no connection tracked, in order. */
  judge(probes: readonly Probe[]): Promise<readonly ProbeVerdict[]>;
  /** Ends the session and frees what the engine holds. */
  close(): Promise<void>;
}
