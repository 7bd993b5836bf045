/** A small node for packet tests: host port, two pods, an uplink; objects are made by short words. */
import type { ObjectKind } from '../../src/opi/objects/key.js';
import type { PolicyRuleSpec } from '../../src/opi/objects/match.js';
import type {
  AnyObject,
  PolicyBindingSpec,
  SpecByKind,
  StageSpec,
  VnicSpec,
} from '../../src/opi/objects/specs.js';
import type { ObjectStore } from '../../src/soft-xpu/store/object-store.js';
import {
  binding,
  HOST,
  HOST6,
  key,
  object,
  POD_A,
  POD_A6,
  POD_B,
  POD_B6,
  rule,
  stage,
} from './node-words.js';

/** The node. Pods are bound with a profile that allows everything unless a test says otherwise. */
export class NodeObjects {
  readonly store: ObjectStore;

  /** `bound`: the pods have bindings. */
  constructor(store: ObjectStore, bound: boolean) {
    this.store = store;
    this.network();
    if (bound) {
      this.policy('allow-all', [rule('ALLOW')], [rule('ALLOW')]);
      this.bindPod('a');
      this.bindPod('b');
    }
  }

  /** Creates or replaces one object. */
  put(made: AnyObject): this {
    this.store.apply({ op: 'update', object: made, allowMissing: true });
    return this;
  }

  remove(kind: ObjectKind, id: string): this {
    this.store.apply({ op: 'delete', key: key(kind, id) });
    return this;
  }

  policy(
    id: string,
    ingressRules: readonly PolicyRuleSpec[],
    egressRules: readonly PolicyRuleSpec[] = [],
  ): this {
    return this.put(object('networkPolicy', id, { ingressRules, egressRules }));
  }

  group(id: string, memberType: 'PREFIX' | 'IP_PORT', members: readonly string[]): this {
    this.store.apply({
      op: 'create',
      object: object('addressGroup', id, { memberType }),
      members: { members },
    });
    return this;
  }

  /** Binds pod a or b; without stages it has a profile that allows everything. */
  bindPod(
    pod: 'a' | 'b',
    stages: readonly StageSpec[] = [
      stage('WORKLOAD', 'FROM_PORT', [], ['allow-all']),
      stage('WORKLOAD', 'TO_PORT', [], ['allow-all']),
    ],
    more: Partial<PolicyBindingSpec> = {},
  ): this {
    const allowedSources =
      pod === 'a' ? [`${POD_A}/32`, `${POD_A6}/128`] : [`${POD_B}/32`, `${POD_B6}/128`];
    const port = { vnic: key('vnic', `vnic-${pod}`) };
    const spec = binding(port, stages, { allowedSources, ...more });
    return this.put(object('policyBinding', `bind-${pod}`, spec));
  }

  /** Binds the uplink or the tunnel. */
  bindPort(
    port: 'UPLINK' | 'TUNNEL',
    stages: readonly StageSpec[],
    more: Partial<PolicyBindingSpec> = {},
  ): this {
    const spec = binding({ port }, stages, { deniedEncapsulation: { ipip: false }, ...more });
    return this.put(object('policyBinding', `bind-${port.toLowerCase()}`, spec));
  }

  /** Spec of a pod's binding. */
  bindingSpec(pod: 'a' | 'b'): PolicyBindingSpec {
    const stored = this.store.get(key('policyBinding', `bind-${pod}`));
    return stored?.object.spec as PolicyBindingSpec;
  }

  vnic(id: string, ifname: string, vf: boolean, lists: Partial<VnicSpec> = {}): this {
    this.put(object('interface', `if-${id}`, { ifname, vf, adminUp: true }));
    return this.put(
      object('vnic', id, {
        subnet: key('subnet', 'pool'),
        hostInterface: key('interface', `if-${id}`),
        sourceGuard: true,
        mac: macOf(id),
        ingressV4: [],
        ingressV6: [],
        egressV4: [],
        egressV6: [],
        ...lists,
      }),
    );
  }

  mapping(id: string, ip: string, vnic: string): this {
    return this.put(
      object('mapping', id, {
        vpc: key('vpc', 'cluster'),
        subnet: key('subnet', 'pool'),
        ip,
        destination: key('vnic', vnic),
      }),
    );
  }

  route(id: string, prefix: string, via: SpecByKind['route']['via']): this {
    const table = prefix.includes(':') ? 'table-6' : 'table-4';
    return this.put(object('route', id, { table: key('routeTable', table), prefix, via }));
  }

  private network(): void {
    this.put(object('routeTable', 'table-4', { family: 4 }));
    this.put(object('routeTable', 'table-6', { family: 6 }));
    const v4RouteTable = key('routeTable', 'table-4');
    const v6RouteTable = key('routeTable', 'table-6');
    this.put(object('vpc', 'cluster', { v4RouteTable, v6RouteTable }));
    this.put(object('subnet', 'pool', { vpc: key('vpc', 'cluster'), v4RouterIp: '10.65.0.254' }));
    this.vnic('vnic-host', 'host0', false).vnic('vnic-a', 'cali-a', true);
    this.vnic('vnic-b', 'cali-b', true);
    this.mapping('map-host', HOST, 'vnic-host').mapping('map-host6', HOST6, 'vnic-host');
    this.mapping('map-a', POD_A, 'vnic-a').mapping('map-a6', POD_A6, 'vnic-a');
    this.mapping('map-b', POD_B, 'vnic-b').mapping('map-b6', POD_B6, 'vnic-b');
  }
}

/** MAC address of a Vnic: locally administered, from its id. */
function macOf(id: string): string {
  const bytes = [...new TextEncoder().encode(id)];
  const sum = bytes.reduce((total, byte) => (total * 31 + byte) % 0x10000, 7);
  const [high, low] = [sum >> 8, sum & 255].map((byte) => byte.toString(16).padStart(2, '0'));
  return `02:00:00:00:${high}:${low}`;
}
