/**
 * Every enforced policy and every profile in normalised form, with what uses which set. A policy is normalised when it
 * changes, and checked again when a set it names comes, goes or changes type.
 */
import { isDeepStrictEqual } from 'node:util';
import type { DesiredState, DirtySet } from '../../desired/state.js';
import { type IpSetId, type PolicyId, type PolicyKey, type ProfileName } from '../../model/ids.js';
import type { RuleSet } from '../../model/policy.js';
import type { SetTable } from '../sets.js';
import { ReverseIndex } from '../reverse-index.js';
import { type RuleSource, type SourceKey, sourceKey } from './lowering.js';
import { denyEverything, normaliseRule, type RuleProblem } from './normalise.js';
import type { NormalRule, RuleList, RuleOrigin } from './program.js';
import { checkSets, setUses } from './set-uses.js';

type ListDirection = RuleOrigin['direction'];

/** Rules as normalised, before the sets are looked at. */
interface ReadList {
  readonly rules: readonly NormalRule[];
  readonly problems: readonly RuleProblem[];
}

interface Entry {
  /** What was read: an equal one need not be read again. */
  readonly input: RuleSet;
  readonly read: Readonly<Record<ListDirection, ReadList>>;
  source: RuleSource;
  problems: Readonly<Record<ListDirection, readonly RuleProblem[]>>;
}

/** What an update changed. */
export interface CatalogChanges {
  /** New, gone, or with other rules. */
  readonly sources: ReadonlySet<SourceKey>;
  /** New or gone: ports that name them must be looked at. */
  readonly presence: ReadonlySet<SourceKey>;
}

/** Policies and profiles of the state. */
export class Catalog {
  private readonly entries = new Map<SourceKey, Entry>();
  private readonly users = new ReverseIndex<IpSetId, SourceKey>();
  private readonly problematic = new Set<SourceKey>();
  private readonly sets: SetTable;

  constructor(sets: SetTable) {
    this.sets = sets;
  }

  /** Follows the state. `health`: sets whose presence or type changed. */
  update(
    state: DesiredState,
    dirty: Pick<DirtySet, 'policies' | 'profiles'>,
    health: ReadonlySet<IpSetId>,
  ): CatalogChanges {
    const changes = { sources: new Set<SourceKey>(), presence: new Set<SourceKey>() };
    for (const key of dirty.policies) this.updatePolicy(state, key, changes);
    for (const name of dirty.profiles) this.updateProfile(state, name, changes);
    for (const id of health) {
      for (const key of this.users.of(id)) {
        if (!changes.sources.has(key)) this.recheck(key, changes.sources);
      }
    }
    return changes;
  }

  source(key: SourceKey): RuleSource | undefined {
    return this.entries.get(key)?.source;
  }

  /** Every source, in no order. */
  *sources(): Iterable<RuleSource> {
    for (const { source } of this.entries.values()) yield source;
  }

  /** Sources whose rules name the set. */
  usersOf(id: IpSetId): ReadonlySet<SourceKey> {
    return this.users.of(id);
  }

  /** The list of a policy for a port; a missing one denies everything in its place. */
  policyList(key: PolicyKey, id: PolicyId, tier: string, direction: ListDirection): RuleList {
    const source: RuleOrigin['source'] = { kind: 'policy', id, tier };
    return this.list('policy', key, direction, source);
  }

  /** The list of a profile for a port; a missing one denies everything in its place. */
  profileList(name: ProfileName, direction: ListDirection): RuleList {
    return this.list('profile', name, direction, { kind: 'profile', name });
  }

  /** Why a list is narrower than asked. */
  problems(list: RuleList, direction: ListDirection): readonly RuleProblem[] {
    return this.entries.get(sourceKey(list))?.problems[direction] ?? [];
  }

  /** Sources some rule of which is narrower than asked. */
  withProblems(): ReadonlySet<SourceKey> {
    return this.problematic;
  }

  private list(
    kind: RuleList['kind'],
    name: string,
    direction: ListDirection,
    source: RuleOrigin['source'],
  ): RuleList {
    const entry = this.entries.get(sourceKey({ kind, name }));
    const missing = entry === undefined;
    const rules = entry?.source[direction] ?? [denyEverything({ source, direction, index: 0 })];
    return { kind, name, missing, rules };
  }

  private updatePolicy(state: DesiredState, key: PolicyKey, changes: MutableChanges): void {
    const policy = state.policies.get(key);
    const name = sourceKey({ kind: 'policy', name: key });
    if (policy === undefined || policy.staged) return this.remove(name, changes);
    const { id, tier } = policy;
    this.put({ kind: 'policy', name: key }, { kind: 'policy', id, tier }, policy, changes);
  }

  private updateProfile(state: DesiredState, name: ProfileName, changes: MutableChanges): void {
    const profile = state.profiles.get(name);
    if (profile === undefined) return this.remove(sourceKey({ kind: 'profile', name }), changes);
    this.put({ kind: 'profile', name }, { kind: 'profile', name }, profile, changes);
  }

  private put(
    list: Pick<RuleList, 'kind' | 'name'>,
    source: RuleOrigin['source'],
    rules: RuleSet,
    changes: MutableChanges,
  ): void {
    const key = sourceKey(list);
    const known = this.entries.get(key);
    if (known !== undefined && isDeepStrictEqual(known.input, rules)) {
      this.entries.set(key, { ...known, input: rules });
      return;
    }
    const read = {
      ingress: readList(rules.inbound, source, 'ingress'),
      egress: readList(rules.outbound, source, 'egress'),
    };
    const uses = [...read.ingress.rules, ...read.egress.rules].flatMap(setUses);
    this.users.set(key, new Set(uses.map(({ id }) => id)));
    if (known === undefined) changes.presence.add(key);
    const empty = { ingress: [], egress: [] };
    this.entries.set(key, { input: rules, read, source: { ...list, ...empty }, problems: empty });
    this.recheck(key, changes.sources);
  }

  private remove(key: SourceKey, changes: MutableChanges): void {
    if (!this.entries.delete(key)) return;
    this.users.set(key, new Set());
    this.problematic.delete(key);
    changes.sources.add(key);
    changes.presence.add(key);
  }

  private recheck(key: SourceKey, changed: Set<SourceKey>): void {
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    const ingress = this.check(entry.read.ingress);
    const egress = this.check(entry.read.egress);
    entry.source = { ...entry.source, ingress: ingress.rules, egress: egress.rules };
    entry.problems = { ingress: ingress.problems, egress: egress.problems };
    const count = ingress.problems.length + egress.problems.length;
    if (count === 0) this.problematic.delete(key);
    else this.problematic.add(key);
    changed.add(key);
  }

  private check({ rules, problems }: ReadList): ReadList {
    const checked = checkSets(rules, (id) => this.sets.get(id));
    return { rules: checked.rules, problems: [...problems, ...checked.problems] };
  }
}

interface MutableChanges {
  readonly sources: Set<SourceKey>;
  readonly presence: Set<SourceKey>;
}

function readList(
  rules: RuleSet['inbound'],
  source: RuleOrigin['source'],
  direction: ListDirection,
): ReadList {
  const read = rules.map((rule, index) => normaliseRule(rule, { source, direction, index }));
  return {
    rules: read.flatMap(({ rule }) => (rule === undefined ? [] : [rule])),
    problems: read.flatMap(({ problems }) => problems),
  };
}
