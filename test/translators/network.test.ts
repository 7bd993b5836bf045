import { expect } from 'chai';
import type { Delta } from '../../src/model/delta.js';
import { hostMetadata } from './support/model.js';
import { mappings, NAMES, specOf, specsOf } from './support/objects.js';
import { play, route } from './support/overlay.js';
import type { Player } from './support/play.js';

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

  it('pools, the addresses of other nodes and our own tunnel address are no routes', () => {
    const player = play(
      route('10.65.0.0/16', []),
      route('172.30.0.2/32', ['remote-host'], { nodeName: 'node-b' }),
      route('10.65.4.0/32', ['local-tunnel']),
    );
    expect(prefixes(player)).to.deep.equal([]);
    expect(player.translator.degradations()).to.deep.equal([]);
  });

  it('a block that moves to another node is no longer ours', () => {
    const player = play(route('10.65.0.0/26', ['local-workload']));
    player.fold(
      route('10.65.0.0/26', ['remote-workload'], { nodeName: 'node-b', nodeIp: '172.30.0.2' }),
    );
    player.flush();
    expect(player.writes).to.deep.equal(['nextHop', 'route']);
    expect(specOf(player, NAMES.route('10.65.0.0/26'))?.via).to.deep.equal({
      nextHop: NAMES.nextHop('172.30.0.2'),
    });
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
