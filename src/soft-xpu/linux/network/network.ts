/**
 * The kernel's network state as the objects want it, and what was put in place of it. Follows one object at a time; what
 * several objects want of one thing is what the first of them by key wants, so that the way to a state does not matter.
 */
import {
  keyText,
  OBJECT_KINDS,
  parseKeyText,
  type KeyText,
  type ObjectKind,
} from '../../../opi/objects/key.js';
import type { Commit, ObjectStore } from '../../store/object-store.js';
import {
  Contributions,
  uplinkItems,
  type NetworkSurroundings,
  type Uplink,
} from './contributions.js';
import { touch } from './dependents.js';
import type { DomainNumbers } from './domains.js';
import { isBeforePolicy, type NetItem } from './item.js';
import { Refusals, type Refusal } from './refusals.js';
import { underlayText, type UnderlayRoute } from './underlay.js';
import { stepsOf, type ItemChange, type NetworkSteps } from './steps.js';
import { closedWithoutMark } from './routing.js';

/** Who wants an item: an object, or the XPU itself. */
type Owner = KeyText | 'uplink' | 'namespace';

function isObject(owner: Owner): owner is KeyText {
  return owner !== 'uplink' && owner !== 'namespace';
}

/** A netdev as it is. */
export interface LinkState {
  readonly index: number;
  readonly mtu: number;
  readonly up: boolean;
}

/** See the file head. */
export class Network {
  private readonly store: ObjectStore;
  private readonly domains: DomainNumbers;
  private readonly contributions: Contributions;
  private around: NetworkSurroundings;
  private readonly wants = new Map<Owner, readonly NetItem[]>();
  private readonly wanted = new Map<string, Map<Owner, NetItem>>();
  private readonly applied = new Map<string, NetItem>();
  private readonly appliedOn = new Map<string, Set<string>>();
  private readonly dirty = new Set<string>();
  private readonly refusals = new Refusals();
  private readonly waiting = new Map<string, Set<string>>();
  private indexes = new Map<string, number>();

  constructor(store: ObjectStore, domains: DomainNumbers, around: NetworkSurroundings) {
    this.store = store;
    this.domains = domains;
    this.around = around;
    this.contributions = new Contributions(store, domains);
    if (around.uplink) this.want('uplink', uplinkItems(around.uplink));
    if (!around.foreign) this.want('namespace', closedWithoutMark());
  }

  /** Takes a commit; the store is as it is after it. */
  follow({ objects }: Pick<Commit, 'objects'>): void {
    const causes = new Map<KeyText, KeyText[]>();
    for (const change of objects) {
      const { key, after } = change;
      if (key.kind === 'vpc' && after === undefined) this.domains.release(key.id);
      const touched = new Set<KeyText>();
      touch(change, this.store, touched);
      for (const text of touched) causes.set(text, [...(causes.get(text) ?? []), keyText(key)]);
    }
    for (const [text, changed] of causes) this.lookAt(text, changed);
  }

  /** Looks at every object of the store. */
  followAll(): void {
    for (const owner of [...this.wants.keys()]) {
      if (isObject(owner)) this.lookAt(owner);
    }
    this.followKinds(OBJECT_KINDS);
  }

  private followKinds(kinds: readonly ObjectKind[]): void {
    for (const kind of kinds) {
      for (const { object } of this.store.list(kind)) this.lookAt(keyText(object.key));
    }
  }

  /** The uplink has another MTU. */
  setUplink(uplink: Uplink | undefined): void {
    const { uplink: before } = this.around;
    if (before?.name === uplink?.name && before?.mtu === uplink?.mtu) return;
    this.around = { ...this.around, uplink };
    this.want('uplink', uplink ? uplinkItems(uplink) : []);
    this.followKinds(['vnic', 'tunnel', 'mapping']);
  }

  /** The main table is another. */
  setUnderlay(underlay: readonly UnderlayRoute[]): void {
    if (underlayText(underlay) === underlayText(this.around.underlay)) return;
    this.around = { ...this.around, underlay };
    this.followKinds(['route']);
  }

  /** Steps from what is in place to what is wanted. Costs as much as what changed. */
  steps(): NetworkSteps {
    const changes: ItemChange[] = [];
    for (const id of this.dirty) this.refusals.try(id);
    for (const id of this.dirty) {
      const [before, wanted] = [this.applied.get(id), this.wantedItem(id)];
      const after = wanted && this.isHeld(wanted) ? undefined : wanted;
      if (wanted !== after && wanted !== undefined) this.wait(wanted);
      if (before?.content !== after?.content) changes.push({ id, before, after });
      else this.refusals.settle(id);
    }
    this.dirty.clear();
    return stepsOf(changes);
  }

  /** True if an item stands on a netdev of ours that the kernel refused: somebody else may have its name. */
  isHeld({ kind, device }: NetItem): boolean {
    return kind !== 'link' && device !== undefined && this.refusals.isRefused(`link ${device}`);
  }

  /** The kernel refused a step about an item. True if it says something new. */
  refuse(id: string, complaint: string): boolean {
    return this.refusals.refuse(id, complaint);
  }

  /** What was refused and has not been made good. */
  refused(): Generator<Refusal> {
    return this.refusals.list((id) => this.ownersOf(id));
  }

  /** Refused items are compared again at the next `steps`, with what stands on them. */
  retry(): void {
    for (const { id } of this.refused()) {
      this.dirty.add(id);
      const device = this.wantedItem(id)?.device;
      if (id === `link ${device}`) this.wake(device ?? '');
    }
  }

  private ownersOf(id: string): KeyText[] {
    const owners = [...(this.wanted.get(id)?.keys() ?? [])];
    return owners.filter(isObject);
  }

  /** An item is in place, or is not there any more. */
  confirm(id: string, item: NetItem | undefined): void {
    this.refusals.settle(id);
    this.place(id, item);
  }

  /** What was in place of an item that waits or is refused is not there any more. */
  takenAway(id: string): void {
    this.place(id, undefined);
  }

  private place(id: string, item: NetItem | undefined): void {
    const before = this.applied.get(id);
    // A netdev that we made or took away has another index now.
    if ((before ?? item)?.kind === 'link') this.indexes.delete((before ?? item)?.device ?? '');
    if (before?.device !== undefined) this.appliedOn.get(before.device)?.delete(id);
    if (item === undefined) this.applied.delete(id);
    else {
      this.applied.set(id, item);
      if (item.device !== undefined) this.indexDevice(item.device, id);
    }
  }

  /** What is in place of an id. */
  inPlace(id: string): NetItem | undefined {
    return this.applied.get(id);
  }

  /** An item could not be put in place: its netdev is not there, or down. */
  wait({ id, device }: NetItem): void {
    this.refusals.settle(id);
    if (device === undefined) return;
    const ids = this.waiting.get(device);
    if (ids === undefined) this.waiting.set(device, new Set([id]));
    else ids.add(id);
  }

  /** Compares with the netdevs that there are: what stood on one that is gone or down is put in place again, or waits. */
  look(links: ReadonlyMap<string, LinkState>): void {
    for (const [device, ids] of this.appliedOn) {
      const link = links.get(device);
      const known = this.indexes.get(device);
      const replaced = known !== undefined && link !== undefined && link.index !== known;
      if (link === undefined || replaced) this.forget(ids, () => true);
      else if (!link.up) this.forget(ids, (item) => !isBeforePolicy(item));
    }
    for (const [device, { up }] of links) {
      if (up) this.wake(device);
    }
    this.indexes = new Map([...links].map(([device, { index }]) => [device, index]));
  }

  private wake(device: string): void {
    for (const id of this.waiting.get(device) ?? []) this.dirty.add(id);
    this.waiting.delete(device);
  }

  private forget(ids: ReadonlySet<string>, which: (item: NetItem) => boolean): void {
    for (const id of [...ids]) {
      const item = this.applied.get(id);
      if (item === undefined || !which(item)) continue;
      this.confirm(id, undefined);
      this.dirty.add(id);
    }
  }

  /** Takes what the kernel holds as what is in place; everything is compared at the next `steps`. */
  observe(items: Iterable<NetItem>): void {
    this.applied.clear();
    this.appliedOn.clear();
    for (const item of items) this.confirm(item.id, item);
    for (const id of [...this.wanted.keys(), ...this.applied.keys()]) this.dirty.add(id);
  }

  /** Items that are wanted. */
  *items(): Generator<NetItem> {
    for (const id of this.wanted.keys()) {
      const item = this.wantedItem(id);
      if (item !== undefined) yield item;
    }
  }

  private lookAt(text: KeyText, causes: readonly KeyText[] = []): void {
    const before = this.wants.get(text) ?? [];
    const items = this.contributions.of(parseKeyText(text), this.around);
    this.want(text, items);
    if (causes.length === 0) return;
    for (const { id } of [...before, ...items]) this.refusals.blame(id, causes);
  }

  private want(owner: Owner, items: readonly NetItem[]): void {
    const before = this.wants.get(owner) ?? [];
    for (const { id } of before) {
      this.wanted.get(id)?.delete(owner);
      this.dirty.add(id);
    }
    if (items.length === 0) this.wants.delete(owner);
    else this.wants.set(owner, items);
    for (const item of items) {
      let owners = this.wanted.get(item.id);
      if (owners === undefined) this.wanted.set(item.id, (owners = new Map<Owner, NetItem>()));
      owners.set(owner, item);
      this.dirty.add(item.id);
    }
    for (const { id } of before) if (this.wanted.get(id)?.size === 0) this.wanted.delete(id);
  }

  private wantedItem(id: string): NetItem | undefined {
    const owners = this.wanted.get(id);
    if (owners === undefined) return undefined;
    let first: Owner | undefined;
    for (const owner of owners.keys()) if (first === undefined || owner < first) first = owner;
    return first === undefined ? undefined : owners.get(first);
  }

  private indexDevice(device: string, id: string): void {
    const ids = this.appliedOn.get(device);
    if (ids === undefined) this.appliedOn.set(device, new Set([id]));
    else ids.add(id);
  }
}
