/** Commits that the kernel does not have yet, as one change. */
import { keyText, type KeyText } from '../../opi/objects/key.js';
import type { MappingSpec } from '../../opi/objects/specs.js';
import type { MemberDelta } from '../store/group-delta.js';
import type { Commit } from '../store/object-store.js';
import type { SavedChange, SavedPlace } from './saved-state.js';

/** An address that a Mapping left. */
export interface VpcAddress {
  readonly vpc: string;
  readonly ip: string;
}

interface MemberSets {
  readonly added: Set<string>;
  readonly removed: Set<string>;
  /** The group was made anew: `added` is its whole membership. */
  readonly anew: boolean;
}

/** See the file head. */
export class PendingChange {
  private readonly objects = new Map<KeyText, object | null>();
  private readonly members = new Map<string, MemberSets>();
  private readonly left = new Map<string, VpcAddress>();

  /** Adds a commit, just made. */
  add({ objects, groups }: Commit): void {
    for (const { key, before, after } of objects) {
      this.objects.set(keyText(key), after?.spec ?? null);
      if (key.kind === 'addressGroup' && after === undefined) {
        this.members.set(key.id, { added: new Set(), removed: new Set(), anew: true });
      }
      if (key.kind === 'mapping' && before !== undefined) {
        const { vpc, ip } = before.spec as MappingSpec;
        this.left.set(`${vpc.id} ${ip}`, { vpc: vpc.id, ip });
      }
    }
    for (const [id, delta] of groups) {
      if (this.objects.get(`addressGroup/${id}`) !== null) this.addMembers(id, delta.net());
    }
  }

  /** True if nothing was added. */
  get isEmpty(): boolean {
    return this.objects.size + this.members.size === 0;
  }

  /** Addresses that were left, or changed hands. */
  get leftAddresses(): readonly VpcAddress[] {
    return [...this.left.values()];
  }

  /** The change as it is kept. */
  saved(place: SavedPlace): SavedChange {
    const members = [...this.members]
      .filter(([id]) => this.objects.get(`addressGroup/${id}`) !== null)
      .map(([id, { added, removed, anew }]) => [id, [[...added], [...removed], anew]] as const);
    return {
      ...place,
      objects: Object.fromEntries(this.objects),
      members: Object.fromEntries(members) as SavedChange['members'],
    };
  }

  private addMembers(id: string, { added, removed }: MemberDelta): void {
    let sets = this.members.get(id);
    if (sets === undefined)
      this.members.set(id, (sets = { added: new Set(), removed: new Set(), anew: false }));
    for (const text of removed) if (!sets.added.delete(text)) sets.removed.add(text);
    for (const text of added) if (!sets.removed.delete(text)) sets.added.add(text);
  }
}
