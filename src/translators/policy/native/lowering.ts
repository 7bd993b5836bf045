/**
 * Native lowering (network/k8s): a set is an AddressGroup, a policy or profile a NetworkPolicy that all ports share, a
 * port a PolicyBinding. A member touches one group, a rule one policy, an endpoint one binding.
 */
import type { IpSetId } from '../../../model/ids.js';
import { MATCH_ALL } from '../../../opi/objects/match.js';
import type { ObjectKey } from '../../../opi/objects/key.js';
import type { PlanEntry } from '../../../opi/objects/plan.js';
import type { AnyObject } from '../../../opi/objects/specs.js';
import type { Degradation } from '../../degradation.js';
import type { ObjectNames } from '../../names.js';
import { nodeEntry } from '../../network.js';
import { ReverseIndex } from '../../reverse-index.js';
import {
  type PolicyChange,
  type PolicyLowering,
  type PolicyOutput,
  type PolicyView,
  portUnit,
  type RuleSource,
  type SourceKey,
} from '../lowering.js';
import { setUses } from '../set-uses.js';
import { bindingEntry } from './binding.js';
import { nativeRule } from './rules.js';

/** Lowering for targets with the extension. Narrows nothing. */
export class NativeLowering implements PolicyLowering {
  readonly sensitivity = 'structure';
  private readonly names: ObjectNames;
  private readonly groupUsers = new ReverseIndex<IpSetId, SourceKey>();
  private readonly groups = new Map<IpSetId, ObjectKey<'addressGroup'>>();

  constructor(names: ObjectNames) {
    this.names = names;
  }

  update(view: PolicyView, change: PolicyChange): PolicyOutput {
    const units = new Map<string, readonly PlanEntry[]>();
    const sets = new Set(change.sets);
    for (const key of change.sources) this.updateSource(view, key, units, sets);
    for (const id of sets) units.set(`set:${id}`, this.groupEntries(view, id));
    for (const subject of change.ports) {
      const port = view.port(subject);
      units.set(portUnit(subject), port === undefined ? [] : [bindingEntry(port, this.names)]);
    }
    units.set('deny-all', [this.denyAllPolicy()]);
    return { units, vnics: new Set() };
  }

  lists(): undefined {
    return undefined;
  }

  closedLists(): undefined {
    return undefined;
  }

  group(id: IpSetId): ObjectKey<'addressGroup'> | undefined {
    return this.groups.get(id);
  }

  degradations(): readonly Degradation[] {
    return [];
  }

  /** Renews a policy's object; adds to `sets` those that gained or lost a user. */
  private updateSource(
    view: PolicyView,
    key: SourceKey,
    units: Map<string, readonly PlanEntry[]>,
    sets: Set<IpSetId>,
  ): void {
    const source = view.source(key);
    const rules = source === undefined ? [] : [...source.ingress, ...source.egress];
    const named = new Set(rules.flatMap(setUses).map(({ id }) => id));
    for (const id of this.groupUsers.namedBy(key)) if (!named.has(id)) sets.add(id);
    for (const id of named) if (!this.groups.has(id)) sets.add(id);
    this.groupUsers.set(key, named);
    units.set(key, source === undefined ? [] : [this.policyEntry(key, source)]);
  }

  private policyEntry(key: SourceKey, source: RuleSource): PlanEntry {
    const object: AnyObject = {
      key: this.names.policy(key),
      spec: {
        ingressRules: source.ingress.map((rule) => nativeRule(rule, this.names)),
        egressRules: source.egress.map((rule) => nativeRule(rule, this.names)),
      },
    };
    return { object, origins: [key] };
  }

  /** A set that no rule names is no group. */
  private groupEntries(view: PolicyView, id: IpSetId): PlanEntry[] {
    const set = view.set(id);
    if (set === undefined || this.groupUsers.of(id).size === 0) {
      this.groups.delete(id);
      return [];
    }
    const key = this.names.group(id, set.type);
    this.groups.set(id, key);
    const object: AnyObject = {
      key,
      spec: { memberType: set.type === 'net' ? 'PREFIX' : 'IP_PORT' },
    };
    return [{ object, origins: [`set:${id}`], members: set.members }];
  }

  private denyAllPolicy(): PlanEntry {
    const rules = [{ ruleId: 'deny-all', action: 'DENY', match: MATCH_ALL }] as const;
    const spec = { ingressRules: rules, egressRules: rules };
    return nodeEntry({ key: this.names.denyAllPolicy, spec });
  }
}
