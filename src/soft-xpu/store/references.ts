/** Whether the objects that a spec refers to are there and of the form the reference needs. */
import { keyText, parseKeyText, type ObjectKey } from '../../opi/objects/key.js';
import type { EndpointMatch, GroupRef, PolicyRuleSpec } from '../../opi/objects/match.js';
import type {
  AnyObject,
  InterfaceSpec,
  MemberType,
  NetworkPolicySpec,
  PolicyBindingSpec,
  PolicyListsSpec,
  RouteSpec,
  SecurityPolicyRef,
  SpecByKind,
  SubnetSpec,
  VnicSpec,
  VpcSpec,
} from '../../opi/objects/specs.js';
import type { Family } from '../../base/ip.js';
import { invalidField, StoreError } from './errors.js';
import type { StoredObject, Tables } from './tables.js';

/**
 * Checks every reference of an object.
 * @throws StoreError FAILED_PRECONDITION for a missing object, INVALID_ARGUMENT for one of the wrong form.
 */
export function checkReferences(stored: StoredObject, tables: Tables): void {
  const { key } = stored.object;
  for (const ref of stored.refs) {
    if (tables.get(parseKeyText(ref)) !== undefined) continue;
    throw new StoreError({
      code: 'FAILED_PRECONDITION',
      op: `store ${keyText(key)}`,
      message: `refers to ${ref}, which does not exist`,
      reason: 'REFERENCE_MISSING',
    });
  }
  new ReferenceForms(stored.object, tables).check();
}

/** Forms of references: families of tables and policies, member types of groups. */
class ReferenceForms {
  private readonly object: AnyObject;
  private readonly tables: Tables;

  constructor(object: AnyObject, tables: Tables) {
    this.object = object;
    this.tables = tables;
  }

  check(): void {
    const { key, spec } = this.object;
    switch (key.kind) {
      case 'vpc': {
        const vpc = spec as VpcSpec;
        this.family(vpc.v4RouteTable, 4, 'spec.v4RouteTable');
        this.family(vpc.v6RouteTable, 6, 'spec.v6RouteTable');
        this.policyLists(vpc.policies, 'spec.policies');
        return;
      }
      case 'subnet':
        this.policyLists((spec as SubnetSpec).policies, 'spec.policies');
        return;
      case 'route': {
        const route = spec as RouteSpec;
        this.family(route.table, route.prefix.includes(':') ? 6 : 4, 'spec.prefix');
        return;
      }
      case 'vnic':
        this.policyLists(spec as VnicSpec, 'spec');
        return;
      case 'policyBinding':
        this.boundPort(spec as PolicyBindingSpec);
        return;
      case 'networkPolicy': {
        const { ingressRules, egressRules } = spec as NetworkPolicySpec;
        ingressRules.forEach((rule, at) => this.rule(rule, `spec.ingressRules[${at}]`));
        egressRules.forEach((rule, at) => this.rule(rule, `spec.egressRules[${at}]`));
        return;
      }
      default:
        return;
    }
  }

  /** The host port has no binding: what the host may do is said at the uplink. */
  private boundPort({ port }: PolicyBindingSpec): void {
    if (!('vnic' in port)) return;
    const vnic = this.tables.get(port.vnic)?.object.spec as VnicSpec | undefined;
    const host = vnic && (this.tables.get(vnic.hostInterface)?.object.spec as InterfaceSpec);
    if (host?.vf === false) this.fail('spec.port', `${keyText(port.vnic)} is the host port`);
  }

  private policyLists(lists: PolicyListsSpec | undefined, field: string): void {
    if (lists === undefined) return;
    this.familyOfAll(lists.ingressV4, 4, `${field}.ingressV4`);
    this.familyOfAll(lists.egressV4, 4, `${field}.egressV4`);
    this.familyOfAll(lists.ingressV6, 6, `${field}.ingressV6`);
    this.familyOfAll(lists.egressV6, 6, `${field}.egressV6`);
  }

  private familyOfAll(refs: readonly SecurityPolicyRef[], family: Family, field: string): void {
    refs.forEach((ref, at) => this.family(ref, family, `${field}[${at}]`));
  }

  private family(
    ref: ObjectKey<'routeTable' | 'securityPolicy'> | undefined,
    family: Family,
    field: string,
  ): void {
    if (ref === undefined) return;
    const spec = this.tables.get(ref)?.object.spec as
      SpecByKind['routeTable' | 'securityPolicy'] | undefined;
    if (spec?.family !== family) {
      this.fail(field, `${keyText(ref)} is of family ${spec?.family ?? 'unknown'}, not ${family}`);
    }
  }

  private rule(rule: PolicyRuleSpec, field: string): void {
    this.side(rule.match.source, `${field}.match.source`);
    this.side(rule.match.destination, `${field}.match.destination`);
    this.groups(rule.match.ipPortGroups, 'IP_PORT', `${field}.match.ipPortGroups`);
  }

  private side(side: EndpointMatch, field: string): void {
    this.groups(side.groups, 'PREFIX', `${field}.groups`);
    this.groups(side.notGroups, 'PREFIX', `${field}.notGroups`);
    this.groups(side.namedPortGroups, 'IP_PORT', `${field}.namedPortGroups`);
    this.groups(side.notNamedPortGroups, 'IP_PORT', `${field}.notNamedPortGroups`);
  }

  private groups(refs: readonly GroupRef[], wanted: MemberType, field: string): void {
    for (const ref of refs) {
      const type = this.tables.groups.get(ref.id)?.members.type;
      if (type !== wanted) this.fail(field, `${keyText(ref)} is a ${type} group, not ${wanted}`);
    }
  }

  private fail(field: string, problem: string): never {
    throw invalidField(`store ${keyText(this.object.key)}`, field, problem);
  }
}
