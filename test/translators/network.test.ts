import { expect } from 'chai';
import type { Delta } from '../../src/model/delta.js';
import type { Route, RouteKind } from '../../src/model/network.js';
import { hostMetadata } from './support/model.js';
import { mappings, NAMES, specOf, specsOf } from './support/objects.js';
import { Player } from './support/play.js';

function route(
  destination: string,
  kinds: readonly RouteKind[],
  fields: Partial<Route> = {},
): Delta {
  const common = { pool: 'none', nodeName: 'node-a', nodeIp: '172.30.0.1' } as const;
  const flags = { sameSubnet: false, natOutgoing: false, localWorkload: false, borrowed: false };
  return {
    type: 'route',
    route: { destination, kinds, ...common, ...flags, tunnels: [], ...fields },
  };
}

function play(...deltas: readonly Delta[]): Player {
  const player = new Player().session(...deltas, { type: 'in-sync' });
  player.flush();
  player.check();
  return player;
}

const node = (hostname: string, ipv4: string, ipv6 = ''): Delta => ({
  type: 'host-metadata',
  scope: 'all',
  metadata: hostMetadata(hostname, ipv4, ipv6),
});
const prefixes = (player: Player) => specsOf(player, 'route').map(({ prefix }) => prefix);

describe('network: the routing domain', () => {
  it('one Vpc, one Subnet for every address, a table per family, the host port', () => {
    const player = play();
    expect(specOf(player, NAMES.vpc)).to.deep.equal({
      v4RouteTable: NAMES.routeTable(4),
      v6RouteTable: NAMES.routeTable(6),
    });
    expect(specOf(player, NAMES.subnet)).to.deep.equal({
      vpc: NAMES.vpc,
      v4Prefix: '0.0.0.0/0',
      v6Prefix: '::/0',
      v4RouterIp: '169.254.1.1',
      v6RouterIp: 'fe80::ecee:eeff:feee:eeee',
      routerMac: 'ee:ee:ee:ee:ee:ee',
    });
    expect(specOf(player, NAMES.interface('host0'))).to.deep.include({
      ifname: 'host0',
      vf: false,
    });
    expect(specOf(player, NAMES.vnic('host0'))).to.deep.include({ ingressV4: [], egressV6: [] });
  });
});

describe('network: addresses of the node', () => {
  it('its own metadata and every LOCAL_HOST route lead to the host port', () => {
    const player = play(
      node('node-a', '172.30.0.1', 'fd30::1'),
      node('node-b', '172.30.0.2'),
      route('172.31.0.1/32', ['local-host']),
      route('10.65.0.9/32', ['local-workload', 'local-host'], { localWorkload: true }),
      route('10.65.4.0/32', ['local-tunnel']),
      route('172.30.0.0/24', ['local-host']),
    );
    const host = NAMES.vnic('host0').id;
    const expected = ['172.30.0.1', 'fd30::1', '172.31.0.1', '10.65.0.9'];
    expect(mappings(player)).to.deep.equal(Object.fromEntries(expected.map((ip) => [ip, host])));
  });

  it('Felix’s host name decides whose metadata is ours', () => {
    const player = play(
      { type: 'config', values: new Map([['FelixHostname', 'node-b']]) },
      node('node-a', '172.30.0.1'),
      node('node-b', '172.30.0.2'),
    );
    expect(mappings(player)).to.have.all.keys('172.30.0.2');
  });

  it('an address that is told twice goes with the last of the two', () => {
    const player = play(node('node-a', '172.30.0.1'), route('172.30.0.1/32', ['local-host']));
    player.fold({ type: 'route-remove', destination: '172.30.0.1/32' });
    player.flush();
    expect(player.writes).to.deep.equal([]);
    player.fold({ type: 'host-metadata-remove', scope: 'all', hostname: 'node-a' });
    player.flush();
    expect(player.writes).to.deep.equal(['-mapping']);
  });
});

describe('network: routes', () => {
  it('a block of our own, and a pod’s own address, drop what has no Mapping', () => {
    const player = play(
      route('10.65.0.0/26', ['local-workload']),
      route('10.65.0.7/32', ['local-workload'], { localWorkload: true }),
      route('fd65::/122', ['local-workload']),
    );
    expect(specOf(player, NAMES.route('10.65.0.0/26'))).to.deep.equal({
      table: NAMES.routeTable(4),
      prefix: '10.65.0.0/26',
      via: { evalMapping: true },
    });
    expect(specOf(player, NAMES.route('fd65::/122'))?.table).to.deep.equal(NAMES.routeTable(6));
    expect(prefixes(player)).to.have.members(['10.65.0.0/26', '10.65.0.7/32', 'fd65::/122']);
  });

  it('pools, other nodes and tunnel addresses are no routes here', () => {
    const player = play(
      route('10.65.0.0/16', []),
      route('10.65.1.0/26', ['remote-workload'], { nodeName: 'node-b' }),
      route('172.30.0.2/32', ['remote-host']),
      route('10.65.4.0/32', ['local-tunnel']),
    );
    expect(prefixes(player)).to.deep.equal([]);
  });

  it('a block that moves to another node is no longer ours', () => {
    const player = play(route('10.65.0.0/26', ['local-workload']));
    player.fold(route('10.65.0.0/26', ['remote-workload'], { nodeName: 'node-b' }));
    player.flush();
    expect(player.writes).to.deep.equal(['-route']);
  });

  it('a malformed destination is told', () => {
    const player = play(route('10.65.0.0/99', ['local-workload']));
    expect(player.translator.degradations()).to.deep.equal([
      {
        code: 'invalid',
        subject: '10.65.0.0/99',
        reason: 'route destination "10.65.0.0/99" is malformed',
      },
    ]);
  });
});

describe('network: tunnels', () => {
  const vtep = (node: string, last: number): Delta => ({
    type: 'vtep',
    vtep: {
      node,
      mac: `66:00:00:00:00:0${last}`,
      ipv4: `10.65.${last}.0`,
      parentIp: `172.30.0.${last}`,
      macV6: `66:00:00:00:01:0${last}`,
      ipv6: '',
      parentIpv6: last === 3 ? '' : `fd30::${last}`,
    },
  });
  const remote = (destination: string, nodeName: string, fields: Partial<Route> = {}): Delta =>
    route(destination, ['remote-workload'], {
      pool: 'vxlan',
      nodeName,
      nodeIp: '172.30.0.9',
      ...fields,
    });
  const nodes = [vtep('node-a', 1), vtep('node-b', 2), vtep('node-c', 3)];

  it('one to each other node and family of which both ends are known', () => {
    const player = play(...nodes, { type: 'config', values: new Map([['VXLANVNI', '99']]) });
    expect(specsOf(player, 'tunnel')).to.have.deep.members([
      { vpc: NAMES.vpc, localIp: '172.30.0.1', remoteIp: '172.30.0.2', vni: 99 },
      { vpc: NAMES.vpc, localIp: 'fd30::1', remoteIp: 'fd30::2', vni: 99 },
      { vpc: NAMES.vpc, localIp: '172.30.0.1', remoteIp: '172.30.0.3', vni: 99 },
    ]);
  });

  it('a remote block of a VXLAN pool leads through the tunnel of its node and family', () => {
    const player = play(
      ...nodes,
      remote('10.65.2.0/26', 'node-b'),
      remote('fd65:2::/122', 'node-b'),
    );
    expect(specOf(player, NAMES.route('10.65.2.0/26'))?.via).to.deep.equal({
      tunnel: NAMES.tunnel('node-b', 4),
      overlayMac: '66:00:00:00:00:02',
    });
    expect(specOf(player, NAMES.route('fd65:2::/122'))?.via).to.deep.equal({
      tunnel: NAMES.tunnel('node-b', 6),
      overlayMac: '66:00:00:00:01:02',
    });
  });

  it('a block that is near, unresolved, of another pool or of an unknown node does not', () => {
    const player = play(
      ...nodes,
      remote('10.65.2.0/26', 'node-b', { sameSubnet: true }),
      remote('10.65.3.0/26', 'node-b', { nodeIp: '' }),
      remote('10.65.4.0/26', 'node-b', { pool: 'no-encap' }),
      remote('10.65.5.0/26', 'node-z'),
      remote('fd65:3::/122', 'node-c'),
    );
    expect(prefixes(player)).to.deep.equal([]);
  });

  it('routes wait for the VTEP and go with it, whichever comes first', () => {
    const player = play(vtep('node-a', 1), remote('10.65.2.0/26', 'node-b'));
    expect(prefixes(player)).to.deep.equal([]);
    player.fold(vtep('node-b', 2)).flush();
    player.check();
    expect(player.writes).to.deep.equal(['route', 'tunnel', 'tunnel']);
    player.fold({ type: 'vtep-remove', node: 'node-b' }).flush();
    player.check();
    expect(player.writes).to.deep.equal(['-route', '-tunnel', '-tunnel']);
  });

  it('our own VTEP is an end of every tunnel', () => {
    const player = play(...nodes.slice(1), remote('10.65.2.0/26', 'node-b'));
    expect(specsOf(player, 'tunnel')).to.deep.equal([]);
    player.fold(vtep('node-a', 1)).flush();
    player.check();
    expect(player.writes).to.deep.equal(['route', 'tunnel', 'tunnel', 'tunnel']);
  });
});
