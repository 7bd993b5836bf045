/** The object tables behind `FakeTarget`: changes are applied one by one, checked at the end, and undone if refused. */
import { formatCidr, formatIp, parseCidr, parseIp } from '../../base/ip.js';
import { claimsOf, identityText } from './claims.js';
import { OpiError, type OpiErrorCode } from './errors.js';
import { keyText, parseKeyText, type KeyText, type ObjectKey, type ObjectKind } from './key.js';
import type { EndpointMatch, GroupRef } from './match.js';
import { specText } from './plan.js';
import { RefIndex } from './ref-index.js';
import { refsOf } from './refs.js';
import type { AnyObject, MemberType, NetworkPolicySpec, SpecByKind } from './specs.js';
import type { TargetCapabilities } from './target.js';

/** What the tables refuse beside broken references. */
export interface FakeStoreOptions {
  readonly limits: TargetCapabilities['limits'];
  readonly compactRules: boolean;
}

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const IP_PORT = /^([^,]+),(\d{1,3}):(\d{1,5})$/;

/** Objects, memberships, and who refers to and holds what. */
export class FakeStore {
  readonly objects = new Map<KeyText, AnyObject>();
  readonly members = new Map<string, Set<string>>();
  private readonly options: FakeStoreOptions;
  private readonly refs = new RefIndex<KeyText>();
  private readonly holders = new Map<string, Set<KeyText>>();
  private readonly counts = new Map<ObjectKind, number>();
  private undo: (() => void)[] = [];
  private touched = new Map<KeyText, number | undefined>();
  /** The last object of each kind that came new: what a full table has no room for. */
  private grown = new Map<ObjectKind, { readonly key: ObjectKey; readonly operation?: number }>();

  constructor(options: FakeStoreOptions) {
    this.options = options;
  }

  /**
   * Runs `change` as one atomic step: what it did stays only if it and the state it ends in are allowed.
   * @throws OpiError of the first problem; nothing is changed then.
   */
  atomically(change: (store: FakeStore) => void): void {
    this.undo = [];
    this.touched = new Map();
    this.grown = new Map();
    try {
      change(this);
      this.check();
    } catch (thrown) {
      for (const step of this.undo.reverse()) step();
      throw thrown;
    }
  }

  /** Creates; an equal object is left as it is. `operation` names the place in a batch. */
  create(object: AnyObject, members?: Iterable<string>, operation?: number): void {
    this.validate(object, operation);
    const existing = this.objects.get(keyText(object.key));
    if (existing !== undefined && specText(existing) !== specText(object)) {
      throw refusal('ALREADY_EXISTS', object.key, 'exists with another spec', operation);
    }
    if (object.key.kind !== 'addressGroup') {
      if (existing === undefined) this.put(object, operation);
      return;
    }
    if (existing === undefined) {
      this.put(object, operation);
      this.setMembers(object.key.id, new Set(members), operation);
    } else if (members !== undefined && !this.hasMembers(object.key.id, new Set(members))) {
      throw refusal('ALREADY_EXISTS', object.key, 'exists with other members', operation);
    }
  }

  /** Replaces a spec, and a group's membership if one is given. */
  update(object: AnyObject, members?: Iterable<string>, operation?: number): void {
    this.validate(object, operation);
    const existing = this.objects.get(keyText(object.key));
    if (existing === undefined) {
      throw refusal('NOT_FOUND', object.key, 'does not exist', operation);
    }
    if (identityText(existing) !== identityText(object)) {
      throw refusal('INVALID', object.key, 'changes a field that is immutable', operation);
    }
    this.put(object, operation);
    if (members !== undefined) this.setMembers(object.key.id, new Set(members), operation);
  }

  /** Deletes; a missing object is success. */
  delete(key: ObjectKey, operation?: number): void {
    const text = keyText(key);
    const existing = this.objects.get(text);
    if (existing === undefined) return;
    this.touched.set(text, operation);
    this.remove(existing);
    this.undo.push(() => this.insert(existing));
    const members = this.members.get(key.id);
    if (key.kind !== 'addressGroup' || members === undefined) return;
    this.members.delete(key.id);
    this.undo.push(() => this.members.set(key.id, members));
  }

  /** Removes and then adds members, idempotently. */
  modifyMembers(
    key: ObjectKey<'addressGroup'>,
    added: readonly string[],
    removed: readonly string[],
    operation?: number,
  ): void {
    const members = this.requireMembers(key, operation);
    this.checkMembers(key, added, operation);
    this.checkMembers(key, removed, operation);
    for (const member of removed) {
      if (members.delete(member)) this.undo.push(() => members.add(member));
    }
    for (const member of added) {
      if (members.has(member)) continue;
      members.add(member);
      this.undo.push(() => members.delete(member));
    }
    this.requireRoom('groupMembers', members.size, key, operation);
  }

  /** Puts a whole membership in place of a group's. */
  replaceMembers(
    key: ObjectKey<'addressGroup'>,
    members: ReadonlySet<string>,
    operation?: number,
  ): void {
    this.requireMembers(key, operation);
    this.setMembers(key.id, new Set(members), operation);
  }

  /** Membership of a group. Throws NOT_FOUND. */
  requireMembers(key: ObjectKey<'addressGroup'>, operation?: number): Set<string> {
    const members = this.members.get(key.id);
    if (members === undefined) throw refusal('NOT_FOUND', key, 'does not exist', operation);
    return members;
  }

  private put(object: AnyObject, operation: number | undefined): void {
    const text = keyText(object.key);
    const previous = this.objects.get(text);
    this.touched.set(text, operation);
    if (previous === undefined) {
      const { key } = object;
      this.grown.set(key.kind, operation === undefined ? { key } : { key, operation });
    }
    this.insert(object);
    this.undo.push(() => {
      this.remove(object);
      if (previous !== undefined) this.insert(previous);
    });
  }

  private insert(object: AnyObject): void {
    const text = keyText(object.key);
    const previous = this.objects.get(text);
    if (previous !== undefined) this.remove(previous);
    this.objects.set(text, object);
    this.refs.set(text, refsOf(object).map(keyText));
    this.counts.set(object.key.kind, (this.counts.get(object.key.kind) ?? 0) + 1);
    for (const claim of claimsOf(object)) {
      const holders = this.holders.get(claim) ?? new Set();
      this.holders.set(claim, holders.add(text));
    }
  }

  private remove(object: AnyObject): void {
    const text = keyText(object.key);
    this.objects.delete(text);
    this.refs.delete(text);
    this.counts.set(object.key.kind, (this.counts.get(object.key.kind) ?? 1) - 1);
    for (const claim of claimsOf(object)) {
      const holders = this.holders.get(claim);
      holders?.delete(text);
      if (holders?.size === 0) this.holders.delete(claim);
    }
  }

  private hasMembers(id: string, wanted: ReadonlySet<string>): boolean {
    const held = this.members.get(id);
    return held?.size === wanted.size && [...wanted].every((member) => held.has(member));
  }

  private setMembers(id: string, members: Set<string>, operation: number | undefined): void {
    const key: ObjectKey<'addressGroup'> = { kind: 'addressGroup', id };
    this.checkMembers(key, members, operation);
    this.requireRoom('groupMembers', members.size, key, operation);
    const previous = this.members.get(id);
    this.members.set(id, members);
    this.undo.push(() => {
      if (previous === undefined) this.members.delete(id);
      else this.members.set(id, previous);
    });
  }

  private check(): void {
    for (const [text, operation] of this.touched) {
      const object = this.objects.get(text);
      if (object === undefined) this.checkUnused(parseKeyText(text), operation);
      else this.checkState(object, operation);
    }
    for (const [kind, { key, operation }] of this.grown) {
      this.requireRoom(kind, this.counts.get(kind) ?? 0, key, operation);
    }
  }

  private checkUnused(key: ObjectKey, operation: number | undefined): void {
    const [referrer] = this.refs.referrers(keyText(key));
    if (referrer === undefined) return;
    throw refusal('PRECONDITION', key, `is in use by ${referrer}`, operation);
  }

  private checkState(object: AnyObject, operation: number | undefined): void {
    const text = keyText(object.key);
    for (const ref of this.refs.refs(text)) {
      if (this.objects.has(ref)) continue;
      throw refusal('PRECONDITION', object.key, `refers to ${ref}, which is missing`, operation);
    }
    for (const claim of claimsOf(object)) {
      for (const holder of this.holders.get(claim) ?? []) {
        if (holder === text) continue;
        throw refusal('PRECONDITION', object.key, `${claim} is held by ${holder}`, operation);
      }
    }
    this.checkGroupTypes(object, operation);
  }

  private checkGroupTypes(object: AnyObject, operation: number | undefined): void {
    if (object.key.kind !== 'networkPolicy') return;
    const { ingressRules, egressRules } = object.spec as NetworkPolicySpec;
    const require = (refs: readonly GroupRef[], type: MemberType): void => {
      for (const ref of refs) {
        if (this.memberType(ref) === type) continue;
        throw refusal('INVALID', object.key, `${keyText(ref)} is no ${type} group`, operation);
      }
    };
    for (const { match } of [...ingressRules, ...egressRules]) {
      for (const side of [match.source, match.destination]) {
        require(prefixGroups(side), 'PREFIX');
        require([...side.namedPortGroups, ...side.notNamedPortGroups], 'IP_PORT');
      }
      require(match.ipPortGroups, 'IP_PORT');
    }
  }

  private memberType(key: ObjectKey<'addressGroup'>): MemberType | undefined {
    const spec = this.objects.get(keyText(key))?.spec as SpecByKind['addressGroup'] | undefined;
    return spec?.memberType;
  }

  private checkMembers(
    key: ObjectKey<'addressGroup'>,
    members: Iterable<string>,
    operation: number | undefined,
  ): void {
    const type = this.memberType(key);
    for (const member of members) {
      if (type === undefined || isMember(type, member)) continue;
      throw refusal('INVALID', key, `"${member}" is no canonical ${type} member`, operation);
    }
  }

  private validate(object: AnyObject, operation: number | undefined): void {
    if (!ID.test(object.key.id)) {
      throw refusal('INVALID', object.key, 'has an id that is no object id', operation);
    }
    const rules = rulesOf(object);
    const ids = new Set(rules.map((rule) => `${rule.list} ${rule.id}`));
    if (ids.size !== rules.length) {
      throw refusal('INVALID', object.key, 'has two rules of one name', operation);
    }
    this.requireRoom('rulesPerPolicy', rules.length, object.key, operation);
    if (object.key.kind !== 'securityPolicy' || this.options.compactRules) return;
    if ((object.spec as SpecByKind['securityPolicy']).format === 'COMPACT') {
      throw refusal('INVALID', object.key, 'has COMPACT rules, which are not offered', operation);
    }
  }

  private requireRoom(
    table: keyof TargetCapabilities['limits'],
    count: number,
    key: ObjectKey,
    operation: number | undefined,
  ): void {
    const limit = this.options.limits[table];
    if (limit === undefined || count <= limit) return;
    throw refusal('EXHAUSTED', key, `needs ${count} of ${limit} ${table} entries`, operation);
  }
}

function prefixGroups(side: EndpointMatch): GroupRef[] {
  return [...side.groups, ...side.notGroups];
}

function rulesOf({ key, spec }: AnyObject): { list: string; id: string }[] {
  if (key.kind === 'securityPolicy') {
    const { rules } = spec as SpecByKind['securityPolicy'];
    return rules.map((rule) => ({ list: 'rules', id: rule.ruleName }));
  }
  if (key.kind !== 'networkPolicy') return [];
  const { ingressRules, egressRules } = spec as NetworkPolicySpec;
  return [
    ...ingressRules.map((rule) => ({ list: 'ingress', id: rule.ruleId })),
    ...egressRules.map((rule) => ({ list: 'egress', id: rule.ruleId })),
  ];
}

function isMember(type: MemberType, text: string): boolean {
  if (type === 'PREFIX') {
    const cidr = parseCidr(text);
    return cidr !== undefined && formatCidr(cidr) === text;
  }
  const match = IP_PORT.exec(text);
  const ip = match?.[1] === undefined ? undefined : parseIp(match[1]);
  if (match === null || ip === undefined) return false;
  return formatIp(ip) === match[1] && Number(match[2]) <= 255 && Number(match[3]) <= 65535;
}

function refusal(
  code: OpiErrorCode,
  key: ObjectKey,
  problem: string,
  operation?: number,
): OpiError {
  return new OpiError({
    code,
    op: `fake ${key.kind}`,
    message: `${keyText(key)} ${problem}`,
    ...(operation === undefined ? {} : { operation }),
  });
}
