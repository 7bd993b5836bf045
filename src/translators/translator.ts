/** Desired state to Plan, incrementally: the same state by any route gives the same plan, byte for byte. */
import type { DesiredState, DirtySet } from '../desired/state.js';
import type { ObjectKey } from '../opi/objects/key.js';
import type { PlanDelta, PlanEntry } from '../opi/objects/plan.js';
import type { TargetCapabilities } from '../opi/objects/target.js';
import type { Degradation } from './degradation.js';
import type { TranslatorSettings } from './settings.js';

/** What an endpoint needs on the XPU before it is up. */
export interface EndpointExpectation {
  /** Workload or host endpoint key: the origin its objects carry. */
  readonly key: string;
  readonly kind: 'workload' | 'host';
  /** Objects that must be acknowledged; what they refer to is implied. Empty and no `error` = up at once. */
  readonly objects: readonly ObjectKey[];
  /** Why nothing is programmed: resolved to no interface, interface held by another endpoint, ... */
  readonly error?: string;
}

/** What the agent asks of a translator. Construct: `new Translator(settings, capabilities)`. */
export interface Translation {
  /**
   * Brings the plan up to date and tells what changed in it. `dirty` is what `DesiredStore.takeDirty` gave; the state
   * must be that of the same moment.
   */
  translate(state: DesiredState, dirty: DirtySet | 'replaced'): PlanDelta;
  /** The whole plan of the last `translate`. */
  plan(): Iterable<PlanEntry>;
  /** Every narrowing now, sorted. */
  degradations(): readonly Degradation[];
  /** Every endpoint of the state: what must be acknowledged before it is up, or why it cannot be. */
  expectations(): ReadonlyMap<string, EndpointExpectation>;
  /** Endpoints whose expectation changed or went since the last call, and forgets them. */
  takeChangedEndpoints(): ReadonlySet<string>;
}

/** Makes a translator for a target of these capabilities; another level or feature needs a new translator. */
export type TranslatorFactory = (
  settings: TranslatorSettings,
  capabilities: TargetCapabilities,
) => Translation;
