/**
 * What Felix wants now. A new session (a restarted Felix) builds a second state; the one in force stays until the new
 * one is in sync, then is replaced whole (felix-protocol: start of day).
 */
import { invariant } from '../base/errors.js';
import { type Logger, silentLogger } from '../base/log.js';
import type { Delta } from '../model/delta.js';
import { DirtyMarks } from './dirty.js';
import { foldDelta } from './fold.js';
import { ProblemCounter, type StateProblem } from './problems.js';
import type { DesiredState, DirtySet } from './state.js';
import { StateTables } from './tables.js';

interface Session {
  readonly tables: StateTables;
  dirty: DirtyMarks;
  inSync: boolean;
}

/** Folds Deltas into state. Cheap per Delta: no I/O, work proportional to the Delta. */
export class DesiredStore {
  readonly problems = new ProblemCounter();
  private readonly log: Logger;
  private inForce: Session | undefined;
  private building: Session | undefined;
  private replaced = false;

  constructor(log: Logger = silentLogger) {
    this.log = log;
  }

  /** A new stream begins: an unfinished one is forgotten, the state in force stays. */
  beginSession(): void {
    this.building = { tables: new StateTables(), dirty: new DirtyMarks(), inSync: false };
  }

  /** Applies one change to the newest session. */
  fold(delta: Delta): void {
    const session = this.building ?? this.inForce;
    invariant(session !== undefined, 'a Delta before the first session');
    if (delta.type === 'in-sync') return this.becomeInSync(session);
    foldDelta(
      { tables: session.tables, dirty: session.dirty, report: (problem) => this.report(problem) },
      delta,
    );
  }

  /** True once some session reached InSync: from then on `state` may be programmed. */
  get inSync(): boolean {
    return this.inForce !== undefined;
  }

  /** True if the newest session reached InSync, as opposed to an older one whose state is still in force. */
  get sessionInSync(): boolean {
    return this.inForce !== undefined && this.building === undefined;
  }

  /** The state in force; `undefined` before the first InSync, when nothing may be programmed from it. */
  get state(): DesiredState | undefined {
    return this.inForce?.tables;
  }

  /** Felix configuration of the newest session, known before its InSync; raw texts. */
  get config(): ReadonlyMap<string, string> {
    return (this.building ?? this.inForce)?.tables.config ?? new Map<string, string>();
  }

  /**
   * What changed in `state` since the last call, and forgets it: `replaced` after an InSync (compare everything),
   * `undefined` if nothing did.
   */
  takeDirty(): DirtySet | 'replaced' | undefined {
    const session = this.inForce;
    if (session === undefined) return undefined;
    const { dirty } = session;
    dirty.settle();
    if (!this.replaced && dirty.isEmpty) return undefined;
    session.dirty = new DirtyMarks();
    const { replaced } = this;
    this.replaced = false;
    return replaced ? 'replaced' : dirty;
  }

  private becomeInSync(session: Session): void {
    if (session.inSync) {
      this.report({ code: 'repeated-in-sync', delta: 'in-sync', subject: 'session' });
      return;
    }
    session.inSync = true;
    this.inForce = session;
    this.building = undefined;
    this.replaced = true;
  }

  private report(problem: StateProblem): void {
    this.problems.add(problem);
    this.log.warn({ ...problem }, 'the stream contradicts the state');
  }
}
