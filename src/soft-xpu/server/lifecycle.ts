/**
 * Creates and deletes that take their time, as today's servers do them (opi.md section 3.1). Packets meet the new state at
 * once; what is delayed is what the server tells of it: a new interface is DOWN for a while and other new objects are
 * not found, a deleted object is still found.
 */
import type { Clock, Timer } from '../../base/clock.js';
import { keyText, type KeyText, type ObjectKey, type ObjectKind } from '../../opi/objects/key.js';
import type { StoredObject } from '../store/tables.js';

interface Entry {
  readonly timer: Timer;
}

interface Leaving extends Entry {
  readonly stored: StoredObject;
}

/** See the file head. */
export class Lifecycle {
  private readonly clock: Clock;
  private readonly settleMs: number;
  private readonly coming = new Map<KeyText, Entry>();
  private readonly leaving = new Map<KeyText, Leaving>();
  private readonly used = new Set<ObjectKind>();

  constructor(clock: Clock, settleMs: number) {
    this.clock = clock;
    this.settleMs = settleMs;
  }

  /** Notes a create. */
  created(key: ObjectKey): void {
    this.used.add(key.kind);
    this.delay(this.coming, key, {});
  }

  /** Notes a delete. */
  deleted(stored: StoredObject): void {
    this.stop(this.coming, stored.object.key);
    this.delay(this.leaving, stored.object.key, { stored });
  }

  /** True while a create is under way. */
  isComing(key: ObjectKey): boolean {
    return this.coming.has(keyText(key));
  }

  /** The object of a delete that is under way. */
  leavingObject(key: ObjectKey): StoredObject | undefined {
    return this.leaving.get(keyText(key))?.stored;
  }

  /** Objects of a kind whose delete is under way. */
  leavingObjects(kind: ObjectKind): StoredObject[] {
    return [...this.leaving.values()]
      .map(({ stored }) => stored)
      .filter(({ object }) => object.key.kind === kind);
  }

  /** False until the first object of a kind was ever made. */
  wasUsed(kind: ObjectKind): boolean {
    return this.used.has(kind);
  }

  /** Stops all timers. */
  close(): void {
    for (const { timer } of [...this.coming.values(), ...this.leaving.values()]) timer.cancel();
    this.coming.clear();
    this.leaving.clear();
  }

  private delay<E extends object>(map: Map<KeyText, Entry & E>, key: ObjectKey, entry: E): void {
    this.stop(map, key);
    const text = keyText(key);
    const timer = this.clock.after(this.settleMs, () => map.delete(text));
    map.set(text, { ...entry, timer });
  }

  private stop(map: Map<KeyText, Entry>, key: ObjectKey): void {
    map.get(keyText(key))?.timer.cancel();
    map.delete(keyText(key));
  }
}
