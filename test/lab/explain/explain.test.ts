/** Explanations of small worlds: what is told of each stage, policy and rule, and of what stands behind the verdict. */
import { expect } from 'chai';
import { explanationText } from '../../../src/lab/explain/explanation-text.js';
import type { World } from '../../support/felix/world.js';
import { KNS } from '../../support/felix/world.js';
import { ask, worldSource } from './support.js';

const TCP_80 = { protocol: 6, sourcePort: 40_000, destinationPort: 80 };

const WORLD: World = {
  policies: {
    watch: { tier: 'audit', inbound: [{ action: 'log' }, { action: 'pass' }] },
    never: { tier: 'audit', inbound: [{ action: 'deny' }] },
    'default/web': {
      inbound: [
        { action: 'allow', protocol: { name: 'udp' } },
        { action: 'allow', protocol: { name: 'tcp' }, dst_ports: [{ first: 80, last: 80 }] },
      ],
    },
    'staged:web': { inbound: [{ action: 'deny' }] },
  },
  profiles: { open: KNS },
  pods: {
    a: { profiles: ['open'] },
    b: {
      tiers: [
        { name: 'audit', ingress: ['watch', 'never'], default: 'Deny' },
        { name: 'default', ingress: ['staged:web', 'default/web'], default: 'Deny' },
      ],
      profiles: ['open'],
    },
  },
};

/** The text without its first and last line. */
function pathText(text: string): string[] {
  return text.split('\n').slice(1, -2);
}

describe('explanations', () => {
  it('tell every policy that was asked, rules by their place, and mark what decided', () => {
    const answer = ask(worldSource(WORLD), { from: 'a', to: 'b', transport: TCP_80 });
    expect(explanationText(answer).split('\n')).to.deep.equal([
      'default/a (10.65.0.1) sends tcp port 80 to default/b (10.65.0.2): allowed, comes out at default/b',
      'default/a sends',
      '  WORKLOAD: allow',
      '    => profile open egress: rule 0 allow',
      'default/b receives',
      '  WORKLOAD: allow',
      '       tier audit: GlobalNetworkPolicy watch ingress: rule 0 log, rule 1 pass',
      '    => tier default: NetworkPolicy default/web ingress: rule 1 allow',
      'asked of test',
      '',
    ]);
  });

  it('tell on request what stands behind the verdict, and the stages that were not reached', () => {
    const question = { from: 'b', to: 'a', transport: TCP_80, allPolicies: true };
    const world: World = {
      ...WORLD,
      policies: { ...WORLD.policies, out: { outbound: [{ action: 'deny' }] } },
      pods: {
        ...WORLD.pods,
        b: { tiers: [{ egress: ['out'], default: 'Deny' }], profiles: ['open'] },
      },
    };
    expect(pathText(explanationText(ask(worldSource(world), question)))).to.deep.equal([
      'default/b sends',
      '  WORKLOAD: deny',
      '    => tier default: GlobalNetworkPolicy out egress: rule 0 deny',
      '       (not asked) tier default: default action: deny',
      '       (not asked) profile open egress: rule 0 allow',
      'default/a receives',
      '  WORKLOAD: allow (not asked; this is what it would say)',
      '       (not asked) profile open ingress: rule 0 allow',
    ]);
    const passed = ask(worldSource(WORLD), { ...question, from: 'a', to: 'b' });
    const [, receives] = passed.path;
    expect(receives?.kind === 'stage' && receives.steps.map(({ asked }) => asked)).to.deep.equal([
      ...[true, false, false],
      ...[true, false, false],
    ]);
  });

  it('tell host endpoints: failsafes, forwarded traffic, what always holds', () => {
    const world: World = {
      ...WORLD,
      policies: {
        ...WORLD.policies,
        f: { inbound: [{ action: 'deny', src_net: ['203.0.113.0/24'] }] },
      },
      hostEndpoints: {
        eth: { name: 'eth0', forward: [{ ingress: ['f'], default: 'Pass' }], profiles: ['open'] },
      },
    };
    const source = worldSource(world);
    const ssh = { protocol: 6, sourcePort: 1, destinationPort: 22 };
    const lines = (from: string, to: string, transport = TCP_80) =>
      pathText(explanationText(ask(source, { from, to, transport }))).filter(
        (line) => !line.startsWith('note'),
      );
    expect(lines('198.18.0.9', 'host', ssh)).to.deep.equal([
      'arrives by the uplink',
      '  HOST: allow',
      '    => failsafes: allow',
    ]);
    expect(lines('203.0.113.7', 'a')).to.deep.equal([
      'arrives by the uplink',
      '  FORWARD: deny',
      '    => tier default: GlobalNetworkPolicy f ingress: rule 0 deny',
    ]);
    expect(lines('a', 'host')).to.deep.equal([
      'default/a sends',
      '  WORKLOAD: allow',
      '    => profile open egress: rule 0 allow',
      '  => always: DefaultEndpointToHostAction drops what pods send to their own node: deny',
    ]);
    expect(lines('host', 'b')).to.deep.equal([
      'default/b receives',
      '  => always: from_host_bypass: allow',
    ]);
  });

  it('tell what is missing, and whose endpoint is not active', () => {
    const world: World = {
      ...WORLD,
      pods: {
        a: { tiers: [{ egress: ['gone'], default: 'Deny' }] },
        b: { fields: { state: 'inactive' } },
      },
    };
    const source = worldSource(world);
    const answer = ask(source, { from: 'a', to: '198.18.0.9', transport: TCP_80 });
    expect(explanationText(answer)).to.include(
      '=> tier default: what Felix named and never sent egress: rule 0 deny\n',
    );
    expect(answer.degraded.map(({ code }) => code)).to.deep.equal(['missing-referent']);
    const inactive = ask(source, { from: 'host', to: 'b', transport: TCP_80 });
    expect(explanationText(inactive)).to.include(
      'always: the endpoint is not active: nothing passes: deny',
    );
    expect(inactive.dropReason).to.equal('BINDING_DISABLED');
  });

  it('tell what a plain target makes of it, and why that is narrower', () => {
    const world: World = {
      ...WORLD,
      policies: { u: { untracked: true, inbound: [{ action: 'allow' }] } },
      hostEndpoints: { eth: { name: 'eth0', untracked: [{ ingress: ['u'], default: 'Pass' }] } },
    };
    const source = worldSource(world);
    const answer = ask(source, { from: '198.18.0.9', to: 'host', transport: TCP_80 }, 'plain');
    expect([answer.allow, answer.plain?.allow]).to.deep.equal([true, false]);
    expect(answer.degraded.map(({ code }) => code)).to.include('not-expressible');
    const text = explanationText(answer);
    expect(text).to.include('on this plain target: denied, narrower than Calico asks\n');
    expect(text).to.match(
      /\nnarrower: uplink ingress: not-expressible: .*\(tier default, GlobalNetworkPolicy u ingress rule 0\)/,
    );
  });

  it('say of pods of an agent whether the XPU has them', () => {
    const source = {
      ...worldSource(WORLD),
      endpoints: { 'k8s/default%2Fb/eth0': { status: 'down', reason: 'table-full: x' } as const },
    };
    const { notes } = ask(source, { from: 'a', to: 'b', transport: TCP_80 });
    expect(notes).to.deep.equal(['default/b is down on the XPU: table-full: x']);
  });

  it('tell what a tunnel takes, and why a destination is not reached', () => {
    const block = { types: 1, dst_node_name: 'node-b', dst_node_ip: '172.30.0.2' };
    const vtep = (node: string, last: number) => ({
      ...{ node, mac: `66:00:00:00:00:0${last}`, ipv4_addr: `10.65.${last}.0` },
      parent_device_ip: `172.30.0.${last}`,
    });
    const world: World = {
      ...WORLD,
      encapsulation: { vxlan: true, ipip: true },
      vteps: [vtep('node-a', 1), vtep('node-b', 2)],
      routes: [
        { ...block, ip_pool_type: 2, dst: '10.66.0.0/26' },
        { ...block, ip_pool_type: 3, dst: '10.67.0.0/26' },
        { ...block, ip_pool_type: 2, dst: '10.67.0.9/32' },
      ],
    };
    const source = worldSource(world);
    const to = (address: string) => ask(source, { from: 'a', to: address, transport: TCP_80 });
    const far = to('10.66.0.9');
    expect([far.allow, far.exit]).to.deep.equal([true, 'tunnel']);
    expect(far.notes).to.deep.equal([
      '10.66.0.9 is reached through VXLAN: packets of more than 1450 bytes do not fit (MTU of the uplink 1500)',
    ]);
    expect(far.degraded).to.deep.equal([]);
    const ipip = to('10.67.0.8');
    expect([ipip.allow, ipip.dropReason]).to.deep.equal([false, 'NO_MAPPING']);
    expect(explanationText(ipip)).to.include(
      'narrower: 10.67.0.0/26: unsupported-encap: the pool is IPIP: an XPU has no IPIP\n',
    );
    expect(to('10.67.0.9').degraded, 'a longer prefix is reached').to.deep.equal([]);
  });
});
