/** Changes of memberships inside a transaction, each with its undo. */
import { keyText, type ObjectKey } from '../../opi/objects/key.js';
import type { MemberType } from '../../opi/objects/specs.js';
import { invalidField, StoreError } from './errors.js';
import { GroupDelta } from './group-delta.js';
import type { Limits } from './limits.js';
import {
  canonicalMember,
  emptyMembers,
  type IpPortMembers,
  type MemberSet,
  type PrefixMembers,
} from './members.js';
import type { GroupState, Tables } from './tables.js';
import type { Uploads } from './uploads.js';

/** Members as a caller gives them: texts, and the token of staged ones that are added to them. */
export interface GivenMembers {
  readonly members?: Iterable<string>;
  readonly uploadToken?: string;
}

/** Result of a member change. */
export interface MemberResult {
  readonly generation: number;
  readonly addedCount: number;
  readonly removedCount: number;
  readonly memberCount: number;
}

type GroupKey = ObjectKey<'addressGroup'>;

/** See the file head. The undo list is the transaction's. */
export class GroupChanges {
  private readonly tables: Tables;
  private readonly uploads: Uploads;
  private readonly limits: Limits;
  private readonly undo: (() => void)[];
  /** Tokens that the transaction used up. */
  readonly usedTokens = new Set<string>();
  /** Changed memberships by group id. */
  readonly changed = new Map<string, GroupDelta>();

  constructor(tables: Tables, uploads: Uploads, limits: Limits, undo: (() => void)[]) {
    this.tables = tables;
    this.uploads = uploads;
    this.limits = limits;
    this.undo = undo;
  }

  /** Begins the membership of a new group. */
  create(key: GroupKey, type: MemberType, given: GivenMembers): void {
    const members = this.build(key, type, given);
    this.set(key.id, { members, generation: this.tables.nextGeneration() });
  }

  /** True if nothing is given, or exactly what the group holds; a token is used up. */
  holdsAll(key: GroupKey, given: GivenMembers): boolean {
    const held = this.require(key).members;
    const texts = new Set(this.texts(key, held.type, given));
    if (texts.size === 0) return true;
    if (texts.size !== held.size) return false;
    for (const text of held.texts()) if (!texts.has(text)) return false;
    return true;
  }

  /** Ends the membership of a deleted group. */
  remove(id: string): void {
    this.set(id, undefined);
  }

  /** Adds and then removes members; one in both lists ends removed. Throws NOT_FOUND, ABORTED, INVALID_ARGUMENT. */
  modify(
    key: GroupKey,
    added: GivenMembers,
    removed: GivenMembers,
    expectedGeneration?: number,
  ): MemberResult {
    const { members, generation } = this.require(key, expectedGeneration);
    const { type } = members;
    const addedTexts = this.texts(key, type, added);
    const removedTexts = this.texts(key, type, removed);
    const came = [...addedTexts].filter((text) => this.addOne(members, text));
    const went = [...removedTexts].filter((text) => this.removeOne(members, text));
    this.requireRoom(key, members.size);
    const [addedCount, removedCount] = [came.length, went.length];
    if (addedCount + removedCount === 0) {
      return { generation, addedCount, removedCount, memberCount: members.size };
    }
    this.delta(key.id).change(came, went);
    const next = this.tables.nextGeneration();
    this.set(key.id, { members, generation: next });
    return { generation: next, addedCount, removedCount, memberCount: members.size };
  }

  /** Puts a whole membership in place of the group's. Throws NOT_FOUND, ABORTED, INVALID_ARGUMENT. */
  replace(key: GroupKey, given: GivenMembers, expectedGeneration?: number): MemberResult {
    const before = this.require(key, expectedGeneration);
    const members = this.build(key, before.members.type, given);
    const generation = this.tables.nextGeneration();
    this.set(key.id, { members, generation });
    return {
      generation,
      addedCount: members.size,
      removedCount: before.members.size,
      memberCount: members.size,
    };
  }

  private require(key: GroupKey, expectedGeneration?: number): GroupState {
    const group = this.tables.groups.get(key.id);
    if (group === undefined) throw refused('NOT_FOUND', key, 'does not exist', 'NOT_FOUND');
    if (expectedGeneration !== undefined && expectedGeneration !== group.generation) {
      const problem = `generation is ${group.generation}, not ${expectedGeneration}`;
      throw refused('ABORTED', key, problem, 'STALE_GENERATION');
    }
    return group;
  }

  private build(key: GroupKey, type: MemberType, given: GivenMembers): GroupState['members'] {
    const staged = this.staged(key, type, given.uploadToken);
    const members = staged ?? emptyMembers(type);
    for (const text of given.members ?? []) {
      const member = memberOf(type, text, key);
      // Staged members outlive a refused transaction, so what is added to them is undone.
      if (staged === undefined) members.add(member);
      else this.addOne(staged, member);
    }
    this.requireRoom(key, members.size);
    return members;
  }

  private texts(key: GroupKey, type: MemberType, given: GivenMembers): Iterable<string> {
    const direct = [...(given.members ?? [])].map((text) => memberOf(type, text, key));
    const staged = this.staged(key, type, given.uploadToken);
    return staged === undefined ? direct : [...direct, ...staged.texts()];
  }

  private staged(
    key: GroupKey,
    type: MemberType,
    token: string | undefined,
  ): PrefixMembers | IpPortMembers | undefined {
    if (token === undefined) return undefined;
    if (this.usedTokens.has(token)) {
      throw refused('NOT_FOUND', key, `upload token "${token}" is used up`, 'UPLOAD_TOKEN_UNKNOWN');
    }
    const staged = this.uploads.staged(token);
    const other = type === 'PREFIX' ? staged.IP_PORT : staged.PREFIX;
    if (other.size > 0) throw wrongType(key, `${other.size} staged ${other.type} members`, type);
    this.usedTokens.add(token);
    return staged[type];
  }

  private addOne(members: MemberSet, text: string): boolean {
    if (!members.add(text)) return false;
    this.undo.push(() => members.delete(text));
    return true;
  }

  private removeOne(members: MemberSet, text: string): boolean {
    if (!members.delete(text)) return false;
    this.undo.push(() => members.add(text));
    return true;
  }

  private set(id: string, state: GroupState | undefined): void {
    const previous = this.tables.groups.get(id);
    if (previous?.members !== state?.members) {
      this.delta(id).replace(previous?.members, state?.members);
    }
    setOrDelete(this.tables.groups, id, state);
    this.undo.push(() => setOrDelete(this.tables.groups, id, previous));
  }

  private delta(id: string): GroupDelta {
    let delta = this.changed.get(id);
    if (delta === undefined) this.changed.set(id, (delta = new GroupDelta()));
    return delta;
  }

  private requireRoom(key: GroupKey, size: number): void {
    const limit = this.limits.groupMembers;
    if (limit === undefined || size <= limit) return;
    const problem = `gets ${size} members, the table holds ${limit}`;
    throw refused('RESOURCE_EXHAUSTED', key, problem, 'GROUP_FULL');
  }
}

/** Canonical form of a member. Throws INVALID_ARGUMENT naming it. */
function memberOf(type: MemberType, text: string, key: ObjectKey): string {
  const member = canonicalMember(type, text);
  if (member === undefined) throw wrongType(key, `"${text}"`, type);
  return member;
}

function wrongType(key: ObjectKey, what: string, type: MemberType): StoreError {
  return invalidField(
    `store ${keyText(key)}`,
    'members',
    `${what}, the group holds ${type} members`,
  );
}

/** A refusal that names the object. */
export function refused(
  code: StoreError['code'],
  key: ObjectKey,
  problem: string,
  reason: string,
): StoreError {
  return new StoreError({ code, op: 'store', message: `${keyText(key)} ${problem}`, reason });
}

function setOrDelete<K, V>(map: Map<K, V>, key: K, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
