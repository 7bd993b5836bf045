/** Random SecurityPolicies and lists for the test node without the extension. */
import type { IpEntrySpec, SecurityRuleSpec } from '../../../../src/opi/objects/match.js';
import type { PolicyListsSpec, VnicSpec } from '../../../../src/opi/objects/specs.js';
import type { StoreOperation } from '../../../../src/soft-xpu/store/object-store.js';
import { key, object } from '../../node-words.js';
import { NodeDraw, PORTS, PROTOCOLS, V4, V6 } from './random-node.js';

const POLICIES = ['one', 'two', 'three'].flatMap((name) => [`list-${name}-4`, `list-${name}-6`]);
const PREFIXES = {
  4: ['0.0.0.0/0', '10.65.0.0/24', '128.0.0.0/1', ...V4.map((ip) => `${ip}/32`)],
  6: ['::/0', 'fd00::/16', '8000::/1', ...V6.map((ip) => `${ip}/128`)],
} as const;
const RANGES: Readonly<Record<4 | 6, readonly IpEntrySpec[]>> = {
  4: [
    { low: '10.65.0.1', high: '10.66.255.255' },
    { low: '0.0.0.0', high: '255.255.255.255' },
  ],
  6: [{ low: 'fd00:65::1', high: 'fd00:66::ffff' }],
};

/** Draws policies and the lists that name them. */
export class RandomLists extends NodeDraw {
  /** Every policy once. */
  begin(): StoreOperation[] {
    return POLICIES.map((id) => this.policy(id));
  }

  /** One change. */
  change(): StoreOperation {
    switch (this.chance.below(6)) {
      case 0:
      case 1:
        return this.policy(this.pick(POLICIES));
      case 2: {
        const spec = {
          vpc: key('vpc', 'cluster'),
          v4RouterIp: '10.65.0.254',
          policies: this.lists(),
        };
        return { op: 'update', object: object('subnet', 'pool', spec) };
      }
      case 3: {
        const [v4RouteTable, v6RouteTable] = [
          key('routeTable', 'table-4'),
          key('routeTable', 'table-6'),
        ];
        const spec = { v4RouteTable, v6RouteTable, policies: this.lists() };
        return { op: 'update', object: object('vpc', 'cluster', spec) };
      }
      default:
        return this.vnic(this.pick(['vnic-a', 'vnic-a', 'vnic-b', 'vnic-host']));
    }
  }

  private vnic(id: string): StoreOperation {
    const spec: VnicSpec = {
      subnet: key('subnet', 'pool'),
      hostInterface: key('interface', `if-${id}`),
      sourceGuard: this.chance.below(3) > 0,
      ...this.lists(),
    };
    return { op: 'update', object: object('vnic', id, spec) };
  }

  private lists(): PolicyListsSpec {
    const draw = (family: 4 | 6): PolicyListsSpec['ingressV4'] => {
      const ids = POLICIES.filter((id) => id.endsWith(`-${family}`));
      return this.some(3, () => key('securityPolicy', this.pick(ids)));
    };
    return { ingressV4: draw(4), ingressV6: draw(6), egressV4: draw(4), egressV6: draw(6) };
  }

  private policy(id: string): StoreOperation {
    const family = id.endsWith('-4') ? 4 : 6;
    const spec = {
      family,
      defaultAction: this.pick(['ALLOW', 'ALLOW', 'DENY'] as const),
      format: 'COMPACT',
      rules: this.some(5, (index) => this.rule(`rule-${index}`, family)),
    } as const;
    return { op: 'update', object: object('securityPolicy', id, spec), allowMissing: true };
  }

  private rule(ruleName: string, family: 4 | 6): SecurityRuleSpec {
    const { chance } = this;
    const withIcmp = chance.below(5) === 0;
    const entries = (): IpEntrySpec[] =>
      this.some(3, () =>
        chance.below(4) === 0 ? this.pick(RANGES[family]) : { prefix: this.pick(PREFIXES[family]) },
      );
    return {
      ruleName,
      priority: chance.below(3),
      action: this.pick(['ALLOW', 'DENY'] as const),
      terminating: chance.below(3) > 0,
      ...(chance.below(2) === 0 ? { protocol: this.pick(PROTOCOLS) } : {}),
      source: entries(),
      destination: entries(),
      sourcePorts: withIcmp || chance.below(4) > 0 ? [] : this.ranges(),
      destinationPorts: withIcmp || chance.below(2) > 0 ? [] : this.ranges(),
      icmp: withIcmp ? [{ type: this.pick([8, 128]) }, { type: 13, code: this.pick([0, 1]) }] : [],
    };
  }

  private ranges(): { low: number; high: number }[] {
    return this.some(3, () => {
      const low = this.pick(PORTS);
      return { low, high: Math.max(low, this.pick([low, 500, 9000])) };
    });
  }
}
