/** How packets to a destination travel: a table over everything that decides about it. */
import { expect } from 'chai';
import { parseCidr } from '../../src/base/ip.js';
import { defaultFelixConfig } from '../../src/model/config.js';
import type { IpamPool, Route, RouteKind, Vtep } from '../../src/model/network.js';
import type { OverlayFacts } from '../../src/overlay/facts.js';
import { overlayReport } from '../../src/overlay/report.js';
import { tunnelsTo } from '../../src/overlay/tunnels.js';
import { domainVni, tunnelEnd, vxlanProblem } from '../../src/overlay/vxlan.js';
import { type Way, wayOf, wayOfPool } from '../../src/overlay/way.js';

const vtep = (node: string, last: number, fields: Partial<Vtep> = {}): [string, Vtep] => [
  node,
  {
    node,
    mac: `66:00:00:00:00:0${last}`,
    ipv4: '',
    parentIp: `172.30.0.${last}`,
    macV6: `66:00:00:00:01:0${last}`,
    ipv6: '',
    parentIpv6: `fd30::${last}`,
    ...fields,
  },
];

function facts(fields: Partial<OverlayFacts> = {}, config: Partial<OverlayFacts['config']> = {}) {
  return {
    nodeName: 'node-a',
    vteps: new Map([vtep('node-a', 1), vtep('node-b', 2)]),
    wireguard: new Map(),
    ...fields,
    config: { ...defaultFelixConfig(), ...config },
  } satisfies OverlayFacts;
}

function way(kinds: readonly RouteKind[], fields: Partial<Route> = {}, known = facts()): Way {
  const destination = fields.destination ?? '10.65.2.0/26';
  const route: Route = {
    ...{ destination, kinds, pool: 'vxlan', nodeName: 'node-b', nodeIp: '172.30.0.2' },
    ...{
      sameSubnet: false,
      natOutgoing: false,
      localWorkload: false,
      borrowed: false,
      tunnels: [],
    },
    ...fields,
  };
  return wayOf(route, parseCidr(destination)!, known);
}

const TUNNEL: Way = {
  kind: 'tunnel',
  tunnel: { family: 4, localIp: '172.30.0.1', remoteIp: '172.30.0.2', vni: 4096 },
  mac: '66:00:00:00:00:02',
};
const NEXT_HOP: Way = { kind: 'next-hop', ip: '172.30.0.2' };
const outcome = (of: Way) => (of.kind === 'blocked' ? `blocked: ${of.cause}` : of.kind);

describe('the way to a route', () => {
  const KEYED = new Map([
    ['4/node-b', { hostname: 'node-b', publicKey: 'key', interfaceIp: '10.65.8.63' }],
  ]);
  const encrypting = facts({ wireguard: KEYED }, { wireguardEnabled: true });

  it('through a tunnel: a remote block or tunnel address of a VXLAN pool', () => {
    expect(way(['remote-workload'])).to.deep.equal(TUNNEL);
    expect(way(['remote-tunnel'])).to.deep.equal(TUNNEL);
    expect(way(['remote-workload', 'remote-host'])).to.deep.equal(TUNNEL);
  });

  it('as it is, to the node: near, or a pool without encapsulation, or no pool', () => {
    expect(way(['remote-workload'], { sameSubnet: true })).to.deep.equal(NEXT_HOP);
    expect(way(['remote-workload'], { pool: 'ipip', sameSubnet: true })).to.deep.equal(NEXT_HOP);
    expect(way(['remote-workload'], { pool: 'no-encap' })).to.deep.equal(NEXT_HOP);
    expect(way(['remote-tunnel'], { pool: 'none' })).to.deep.equal(NEXT_HOP);
  });

  const plain = { pool: 'no-encap' } as const;
  const blocked: readonly [string, Way, string][] = [
    ['IPIP', way(['remote-workload'], { pool: 'ipip' }), 'unsupported'],
    ['an IPIP tunnel address', way(['remote-tunnel'], { pool: 'ipip' }), 'unsupported'],
    ['WireGuard over VXLAN', way(['remote-workload'], {}, encrypting), 'unsupported'],
    ['WireGuard, near', way(['remote-workload'], { sameSubnet: true }, encrypting), 'unsupported'],
    ['WireGuard, plain', way(['remote-workload'], plain, encrypting), 'unsupported'],
    ['WireGuard, unresolved', way(['remote-workload'], { nodeIp: '' }, encrypting), 'unsupported'],
    ['VXLANVNI none', way(['remote-workload'], {}, facts({}, { vxlanVni: 0 })), 'unsupported'],
    ['another port', way(['remote-workload'], {}, facts({}, { vxlanPort: 8472 })), 'unsupported'],
    ['no node address', way(['remote-workload'], { nodeIp: '' }), 'unresolved'],
    ['no node address, plain', way(['remote-workload'], { ...plain, nodeIp: '' }), 'unresolved'],
    ['no VTEP', way(['remote-workload'], { nodeName: 'node-c' }), 'unresolved'],
    ['no VTEP of ours', way(['remote-workload'], {}, facts({ nodeName: 'x' })), 'unresolved'],
    ['our own node', way(['remote-workload'], { nodeName: 'node-a' }), 'unresolved'],
    ['no node at all', way(['remote-workload'], { nodeName: '' }), 'unresolved'],
    ['a malformed address', way(['remote-workload'], { ...plain, nodeIp: '172.30' }), 'invalid'],
    ['the other family', way(['remote-workload'], { ...plain, nodeIp: 'fd30::2' }), 'invalid'],
  ];
  for (const [title, found, cause] of blocked) {
    it(`blocked: ${title} (${cause})`, () => {
      expect(outcome(found)).to.equal(`blocked: ${cause}`);
    });
  }

  it('a peer without a key, or a node with WireGuard off, is reached as without WireGuard', () => {
    expect(way(['remote-workload'], {}, facts({}, { wireguardEnabled: true }))).to.deep.equal(
      TUNNEL,
    );
    expect(way(['remote-workload'], {}, facts({ wireguard: KEYED }))).to.deep.equal(TUNNEL);
    const v6 = facts({ wireguard: KEYED }, { wireguardEnabledV6: true });
    expect(way(['remote-workload'], {}, v6)).to.deep.equal(TUNNEL);
  });

  it('our own addresses are local, whatever else a route says; the rest is the underlay’s', () => {
    expect(outcome(way(['local-workload']))).to.equal('local');
    expect(outcome(way(['local-workload', 'remote-workload'], { nodeIp: '' }))).to.equal('local');
    for (const kinds of [[], ['remote-host'], ['local-host'], ['local-tunnel']] as const) {
      expect(outcome(way(kinds)), kinds.join()).to.equal('underlay');
    }
  });

  it('IPv6 takes the IPv6 ends', () => {
    const found = way(['remote-workload'], { destination: 'fd65:2::/122', nodeIp: 'fd30::2' });
    expect(found).to.deep.equal({
      kind: 'tunnel',
      tunnel: { family: 6, localIp: 'fd30::1', remoteIp: 'fd30::2', vni: 4096 },
      mac: '66:00:00:00:01:02',
    });
  });
});

describe('the way to a pool of which Felix tells no routes', () => {
  const poolOf = (ipipMode: string): IpamPool => ({
    ...{ id: 'p', cidr: '10.67.0.0/18', masquerade: false, ipipMode, vxlanMode: 'always' },
    allowedUses: [],
  });
  for (const mode of ['always', 'Always', 'cross-subnet', 'CrossSubnet', 'something-new']) {
    it(`IPIP mode ${mode} blocks it`, () => {
      expect(outcome(wayOfPool(poolOf(mode)))).to.equal('blocked: unsupported');
    });
  }
  for (const mode of ['', 'never', 'Never', 'off']) {
    it(`IPIP mode "${mode}" leaves it to the underlay`, () => {
      expect(outcome(wayOfPool(poolOf(mode)))).to.equal('underlay');
    });
  }
});

describe('VXLAN tunnels', () => {
  it('lead to every node with a VTEP, by family; not to ourselves', () => {
    expect(tunnelsTo('node-b', facts()).map(({ remoteIp }) => remoteIp)).to.deep.equal([
      '172.30.0.2',
      'fd30::2',
    ]);
    expect(tunnelsTo('node-a', facts())).to.deep.equal([]);
    expect(tunnelsTo('node-c', facts())).to.deep.equal([]);
    const v4Only = facts({ vteps: new Map([vtep('node-a', 1), vtep('b', 2, { parentIpv6: '' })]) });
    expect(tunnelsTo('b', v4Only).map(({ family }) => family)).to.deep.equal([4]);
  });

  it('an end is canonical, or none at all', () => {
    const [, good] = vtep('n', 1, { mac: '66:0A:00:00:00:01', parentIpv6: 'FD30:0::1' });
    expect(tunnelEnd(good, 4)).to.deep.equal({ ip: '172.30.0.1', mac: '66:0a:00:00:00:01' });
    expect(tunnelEnd(good, 6)?.ip).to.equal('fd30::1');
    for (const fields of [
      { mac: '' },
      { mac: '66:0' },
      { parentIp: '' },
      { parentIp: 'fd30::1' },
    ]) {
      expect(tunnelEnd(vtep('n', 1, fields)[1], 4), JSON.stringify(fields)).to.equal(undefined);
    }
    expect(tunnelEnd(undefined, 4)).to.equal(undefined);
  });

  it('ids are 1 to 16777215, the port is 4789', () => {
    const problem = (vxlanVni: number, vxlanPort = 4789) => vxlanProblem({ vxlanVni, vxlanPort });
    expect([1, 4096, 0xff_ffff].map((vni) => problem(vni))).to.deep.equal(Array(3).fill(undefined));
    expect(problem(0)).to.equal('VXLANVNI 0 is no VXLAN id');
    expect(problem(0x100_0000)).to.match(/16777216 is no VXLAN id/);
    expect(problem(4096, 8472)).to.match(/^VXLANPort 8472/);
  });

  it('the domain has an id where VXLAN is in use', () => {
    const config = { vxlanVni: 7, vxlanPort: 4789 };
    expect(domainVni(config, 0)).to.equal(undefined);
    expect(domainVni(config, 1)).to.equal(7);
    expect(domainVni({ ...config, vxlanPort: 1 }, 1)).to.equal(undefined);
    expect(domainVni({ ...config, vxlanVni: 0 }, 1)).to.equal(undefined);
  });
});

describe('the overlay in brief', () => {
  const config = { vxlanVni: 4096, vxlanPort: 4789 };
  const inUse = (vxlan: boolean, vxlanV6: boolean) => ({
    ...{ ipip: false, vxlan, vxlanV6, noEncap: false },
  });
  const report = (encapsulation: ReturnType<typeof inUse> | undefined, own?: Partial<Vtep>) =>
    overlayReport({
      config,
      encapsulation,
      ownVtep: own === undefined ? undefined : vtep('node-a', 1, own)[1],
      vteps: own === undefined ? 0 : 1,
      uplinkMtu: 1500,
    });

  it('follows what Felix says is in use', () => {
    expect(report(inUse(false, false))).to.deep.equal({
      ...{ encapsulations: [], uplinkMtu: 1500, podMtu: 1500, tooSmallFor: [] },
    });
    expect(report(inUse(true, false), {})).to.deep.equal({
      ...{
        vni: 4096,
        encapsulations: ['vxlan-v4'],
        uplinkMtu: 1500,
        podMtu: 1450,
        tooSmallFor: [],
      },
    });
    expect(report(inUse(true, true), {}).podMtu).to.equal(1430);
  });

  it('without that word it takes our own VTEP’s families', () => {
    expect(report(undefined, { parentIpv6: '' }).encapsulations).to.deep.equal(['vxlan-v4']);
    expect(report(undefined, {}).encapsulations).to.deep.equal(['vxlan-v4', 'vxlan-v6']);
  });
});
