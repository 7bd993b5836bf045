/** A corner case as data, so that every judge of packets (oracle, native, plain) is held to the same words. */
import type { Probe } from '../../../src/lab/verdicts/probe.js';
import type { Message } from '../felix/wire.js';
import type { World } from '../felix/world.js';

/** A packet and whether it must arrive at the place it is sent to. */
export type Expectation = readonly [probe: Probe, allowed: boolean];

/** One corner case of Calico's policy. */
export interface CornerCase {
  /** Number in the table of docs/corner-cases.md. */
  readonly corner: number;
  readonly title: string;
  readonly world: World;
  /** Messages after InSync, sent before the packets. */
  readonly then?: readonly Message[];
  readonly expect: readonly Expectation[];
}
