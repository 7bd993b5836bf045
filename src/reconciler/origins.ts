/** Who owns which objects, and who has to be told when their state changes. */
import { parseKeyText, type KeyText } from '../opi/objects/key.js';
import type { Origin } from '../opi/objects/plan.js';
import type { FailureReason, ObjectStatus, OriginListener, OriginStatus } from './types.js';

const ABSENT: OriginStatus = { state: 'absent', pending: [], failed: [], tableFull: false };

/** Index of origins. An origin keeps an object until the XPU has acknowledged its deletion. */
export class Origins {
  private readonly keysOf = new Map<Origin, Set<KeyText>>();
  private readonly ownersOf = new Map<KeyText, readonly Origin[]>();
  private readonly listeners = new Set<OriginListener>();
  private readonly touched = new Set<Origin>();
  private readonly told = new Map<Origin, string>();
  private readonly statusOf: (text: KeyText) => ObjectStatus;

  constructor(statusOf: (text: KeyText) => ObjectStatus) {
    this.statusOf = statusOf;
  }

  /** Sets who owns an object; nobody does = an empty list. */
  own(text: KeyText, owners: readonly Origin[]): void {
    for (const origin of this.ownersOf.get(text) ?? []) this.take(origin, text);
    if (owners.length === 0) this.ownersOf.delete(text);
    else this.ownersOf.set(text, owners);
    for (const origin of owners) {
      const keys = this.keysOf.get(origin);
      if (keys === undefined) this.keysOf.set(origin, new Set([text]));
      else keys.add(text);
      this.touched.add(origin);
    }
  }

  /** Something about the object's state changed. */
  touch(text: KeyText): void {
    for (const origin of this.ownersOf.get(text) ?? []) this.touched.add(origin);
  }

  /** State of everything an origin owns. Cost: its objects. */
  status(origin: Origin): OriginStatus {
    const keys = this.keysOf.get(origin);
    if (keys === undefined) return ABSENT;
    const pending: OriginStatus['pending'][number][] = [];
    const failed: { key: OriginStatus['pending'][number]; why: FailureReason }[] = [];
    let tableFull = false;
    for (const text of keys) {
      const status = this.statusOf(text);
      if (status.state === 'pending') pending.push(parseKeyText(text));
      if (status.state !== 'failed') continue;
      failed.push({ key: parseKeyText(text), why: status.why });
      tableFull ||= (status.why.root ?? status.why.code) === 'EXHAUSTED';
    }
    const state = failed.length > 0 ? 'failed' : pending.length > 0 ? 'pending' : 'ready';
    return { state, pending, failed, tableFull };
  }

  /** Every origin that owns any of the objects. */
  ownersOfAll(texts: Iterable<KeyText>): Set<Origin> {
    const owners = new Set<Origin>();
    for (const text of texts)
      for (const origin of this.ownersOf.get(text) ?? []) owners.add(origin);
    return owners;
  }

  /** Adds a listener; gives the function that removes it. */
  listen(listener: OriginListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Tells the listeners which touched origins are in another state than last told. */
  flush(): void {
    const changed = new Map<Origin, OriginStatus>();
    for (const origin of this.touched) {
      const status = this.status(origin);
      const text = summary(status);
      if (this.told.get(origin) === text) continue;
      if (status.state === 'absent') this.told.delete(origin);
      else this.told.set(origin, text);
      changed.set(origin, status);
    }
    this.touched.clear();
    if (changed.size === 0) return;
    for (const listener of this.listeners) listener(changed);
  }

  private take(origin: Origin, text: KeyText): void {
    const keys = this.keysOf.get(origin);
    keys?.delete(text);
    if (keys?.size === 0) this.keysOf.delete(origin);
    this.touched.add(origin);
  }
}

function summary(status: OriginStatus): string {
  return [status.state, ...status.failed.map(({ why }) => `${why.code} ${why.message}`)].join('\n');
}
