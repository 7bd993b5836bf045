/** Messages of every Calico generation to Deltas. */
import { expect } from 'chai';
import type { Draft, ToDataplane } from '../../src/gen/felix/types.js';
import { toDeltas } from '../../src/driver/envelope.js';
import { decodeToDataplane, encodeTierEntry, encodeToDataplane } from '../../src/driver/message.js';
import { ToDataplaneType } from '../../src/driver/wire-types.js';
import { parseCalicoVersion } from '../../src/model/calico-version.js';
import type { Delta } from '../../src/model/delta.js';
import { bytesField } from '../support/wire/bytes.js';

const IGNORED = [
  'service_account_update',
  'service_account_remove',
  'namespace_update',
  'namespace_remove',
  'global_bgp_config_update',
  'service_update',
  'service_remove',
];

describe('toDeltas', () => {
  it('has a Delta of its own or a name for each payload of the protocol', () => {
    const payloads = ToDataplaneType.oneofs.payload!.oneof;
    expect(payloads).to.have.length(37);
    for (const payload of payloads) {
      const deltas = deltasOf({ [payload]: {} });
      expect(deltas, payload).to.have.length(1);
      if (IGNORED.includes(payload)) {
        expect(deltas[0]).to.deep.equal({ type: 'ignored', payload });
      } else {
        expect(deltas[0]!.type, payload).to.not.be.oneOf(['ignored', 'unknown']);
      }
    }
  });

  it('a message without a payload we know is unknown, with its field numbers', () => {
    const decoded = decodeToDataplane(bytesField(39, 'x'));
    expect(toDeltas(decoded, parseCalicoVersion('head'))).to.deep.equal([
      { type: 'unknown', fieldNumbers: [39] },
    ]);
    expect(deltasOf({})).to.deep.equal([{ type: 'unknown', fieldNumbers: [] }]);
  });

  it('configuration arrives as it was sent', () => {
    const [delta] = deltasOf({ config_update: { config: { A: 'b', __proto__x: 'c' } } });
    expect(delta).to.deep.equal({
      type: 'config',
      values: new Map([
        ['A', 'b'],
        ['__proto__x', 'c'],
      ]),
    });
  });

  describe('policies', () => {
    it('up to v3.31 the key is tier and name, and a tier lists bare names', () => {
      const id = { tier: 'security', name: 'blue/security.p1' };
      const [update] = deltasOf({ active_policy_update: { id, policy: { untracked: true } } });
      const [remove] = deltasOf({ active_policy_remove: { id } });
      const tier = oneTier({ name: 'security', ingress_policies: [Buffer.from(id.name)] });
      expect(tier.ingress[0]!.key).to.equal(policyOf(update).key);
      expect(remove).to.deep.equal({ type: 'policy-remove', key: policyOf(update).key });
      expect(policyOf(update)).to.include({ tier: 'security', untracked: true, preDnat: false });
      expect(tier.ingress[0]!.id).to.deep.equal(policyOf(update).id);
    });

    it('from v3.32 the key is kind, namespace and name, and the tier is no part of it', () => {
      const id = { kind: 'NetworkPolicy', namespace: 'blue', name: 'p1' };
      const [update] = deltasOf({ active_policy_update: { id, policy: { tier: 'security' } } });
      const tier = oneTier({ name: 'other', egress_policies: [encodeTierEntry(id)] });
      expect(tier.egress[0]!.key).to.equal(policyOf(update).key);
      expect(policyOf(update)).to.include({ tier: 'security', key: 'NetworkPolicy|blue|p1' });
    });

    it('same names in two namespaces, two tiers or two kinds are different policies', () => {
      const ids = [
        { kind: 'NetworkPolicy', namespace: 'a', name: 'p' },
        { kind: 'NetworkPolicy', namespace: 'b', name: 'p' },
        { kind: 'StagedNetworkPolicy', namespace: 'a', name: 'p' },
        { tier: 'a', name: 'p' },
        { tier: 'b', name: 'p' },
      ];
      const keys = ids.map((id) => policyOf(deltasOf({ active_policy_update: { id } })[0]).key);
      expect(new Set(keys).size).to.equal(ids.length);
    });

    const staged: readonly [string, boolean][] = [
      ['blue/staged:default.x', true],
      ['staged:default.x', true],
      ['blue/default.staged:x', false],
      ['default.x', false],
    ];
    for (const [name, expected] of staged) {
      it(`up to v3.31 ${name} is ${expected ? '' : 'not '}staged`, () => {
        const [update] = deltasOf({ active_policy_update: { id: { tier: 'default', name } } });
        const tier = oneTier({ name: 'default', ingress_policies: [Buffer.from(name)] });
        expect([policyOf(update).staged, tier.ingress[0]!.staged]).to.deep.equal([
          expected,
          expected,
        ]);
      });
    }

    it('from v3.32 the kind alone tells a staged policy', () => {
      const id = { kind: 'StagedKubernetesNetworkPolicy', namespace: 'a', name: 'staged:p' };
      const tier = oneTier({
        name: 'default',
        ingress_policies: [encodeTierEntry(id), encodeTierEntry({ ...id, kind: 'NetworkPolicy' })],
      });
      expect(tier.ingress.map((one) => one.staged)).to.deep.equal([true, false]);
    });

    it('a PolicyID is told by any of its three first bytes', () => {
      const entries = [
        encodeTierEntry({ name: 'n', kind: 'GlobalNetworkPolicy' }),
        encodeTierEntry({ namespace: 'n', kind: 'NetworkPolicy' }),
        encodeTierEntry({ kind: 'NetworkPolicy' }),
      ];
      const tier = oneTier({ name: 't', ingress_policies: entries });
      expect(tier.ingress.map(({ key }) => key)).to.deep.equal([
        'GlobalNetworkPolicy||n',
        'NetworkPolicy|n|',
        'NetworkPolicy||',
      ]);
    });

    it('a broken PolicyID is an error, not another policy', () => {
      const broken = Buffer.from([0x12, 0x7f, 0x61]);
      expect(() => oneTier({ name: 't', ingress_policies: [broken] })).to.throw(/length 127/);
    });

    const defaults: readonly [string, 'deny' | 'pass'][] = [
      ['', 'deny'],
      ['Deny', 'deny'],
      ['Pass', 'pass'],
      ['pass', 'pass'],
      ['Allow', 'deny'],
    ];
    for (const [text, action] of defaults) {
      it(`a tier's default action ${JSON.stringify(text)} is ${action}`, () => {
        expect(oneTier({ name: 't', default_action: text }).defaultAction).to.equal(action);
      });
    }
  });

  describe('IP sets', () => {
    it('types 0 and 2 hold prefixes, 1 holds ports', () => {
      const types = [0, 2, 1].map(
        (type) => deltasOf({ ipset_update: { id: 's', type, members: ['m'] } })[0],
      );
      expect(types.map((delta) => delta?.type === 'ip-set' && delta.setType)).to.deep.equal([
        'net',
        'net',
        'ip-port',
      ]);
    });

    it('a set of an unknown type goes away, so that its references fail closed', () => {
      expect(
        deltasOf({ ipset_update: { id: 's', type: 7, members: ['example.org'] } }),
      ).to.deep.equal([
        { type: 'ip-set-remove', id: 's' },
        { type: 'ignored', payload: 'ipset_update of type 7' },
      ]);
    });

    it('a delta keeps both lists', () => {
      expect(
        deltasOf({
          ipset_delta_update: { id: 's', added_members: ['a'], removed_members: ['b', 'c'] },
        }),
      ).to.deep.equal([{ type: 'ip-set-delta', id: 's', added: ['a'], removed: ['b', 'c'] }]);
    });
  });

  describe('endpoints', () => {
    it('a workload endpoint with everything', () => {
      const [delta] = deltasOf({
        workload_endpoint_update: {
          id: { orchestrator_id: 'k8s', workload_id: 'shop/db-1', endpoint_id: 'eth0' },
          endpoint: {
            state: 'active',
            name: 'cali1',
            mac: '02:00:00:00:00:01',
            profile_ids: ['kns.shop'],
            ipv4_nets: ['10.65.0.1/32'],
            ipv6_nets: ['fd00::1/128'],
            ipv4_nat: [{ ext_ip: '1.2.3.4', int_ip: '10.65.0.1' }],
            allow_spoofed_source_prefixes: ['10.9.0.0/16'],
            annotations: { a: 'b' },
            qos_controls: { IngressBandwidth: 1_000_000_000_000, EgressPacketRate: 5 },
            qos_policies: [{ dscp: 46 }, { dscp: 1 }],
            local_bgp_peer: { bgp_peer_name: 'peer' },
            is_istio_ambient: true,
            live_migration_role: 2,
          },
        },
      });
      if (delta?.type !== 'workload') throw new Error('no workload');
      expect(delta.endpoint).to.deep.include({
        key: 'k8s/shop%2Fdb-1/eth0',
        state: 'active',
        interfaceName: 'cali1',
        profiles: ['kns.shop'],
        ipv4Nets: ['10.65.0.1/32'],
        ipv6Nets: ['fd00::1/128'],
        ipv4Nat: [{ external: '1.2.3.4', internal: '10.65.0.1' }],
        spoofPrefixes: ['10.9.0.0/16'],
        annotations: new Map([['a', 'b']]),
        dscp: 46,
        bgpPeerName: 'peer',
        istioAmbient: true,
        liveMigrationRole: 'target',
      });
      expect(delta.endpoint.qos).to.include({
        ingressBandwidth: 1_000_000_000_000,
        egressPacketRate: 5,
        egressBandwidth: 0,
      });
    });

    it('one without a body is not active: nothing may pass', () => {
      const [delta] = deltasOf({ workload_endpoint_update: { id: { workload_id: 'w' } } });
      if (delta?.type !== 'workload') throw new Error('no workload');
      expect(delta.endpoint).to.include({ state: '', key: '/w/' });
    });

    it('a host endpoint keeps its four kinds of tiers apart', () => {
      const tier = (name: string) => ({ name });
      const [delta] = deltasOf({
        host_endpoint_update: {
          id: { endpoint_id: 'node-a/eth0' },
          endpoint: {
            name: '*',
            tiers: [tier('n')],
            untracked_tiers: [tier('u')],
            pre_dnat_tiers: [tier('p')],
            forward_tiers: [tier('f')],
            expected_ipv4_addrs: ['172.30.0.1'],
            expected_ipv6_addrs: ['fd30::1'],
          },
        },
      });
      if (delta?.type !== 'host-endpoint') throw new Error('no host endpoint');
      const { endpoint } = delta;
      expect(endpoint).to.deep.include({
        key: 'host/node-a%2Feth0',
        interfaceName: '*',
        expectedIps: ['172.30.0.1', 'fd30::1'],
      });
      const kinds = [
        endpoint.tiers,
        endpoint.untrackedTiers,
        endpoint.preDnatTiers,
        endpoint.forwardTiers,
      ];
      expect(kinds.map((tiers) => tiers.map(({ name }) => name).join())).to.deep.equal([
        'n',
        'u',
        'p',
        'f',
      ]);
    });
  });
});

function deltasOf(message: Draft<ToDataplane>, version = 'head'): readonly Delta[] {
  return toDeltas(decodeToDataplane(encodeToDataplane(message)), parseCalicoVersion(version));
}

function policyOf(delta: Delta | undefined) {
  if (delta?.type !== 'policy') throw new Error('no policy');
  return delta.policy;
}

function oneTier(tier: {
  name: string;
  ingress_policies?: Uint8Array[];
  egress_policies?: Uint8Array[];
  default_action?: string;
}) {
  const [delta] = deltasOf({ workload_endpoint_update: { endpoint: { tiers: [tier] } } });
  if (delta?.type !== 'workload') throw new Error('no workload');
  return delta.endpoint.tiers[0]!;
}
