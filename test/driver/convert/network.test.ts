/** Routes, nodes, pools and tunnels, in every Calico generation. */
import { expect } from 'chai';
import type { Draft, RouteUpdate, ToDataplane } from '../../../src/gen/felix/types.js';
import { toDeltas } from '../../../src/driver/envelope.js';
import { decodeToDataplane, encodeToDataplane } from '../../../src/driver/message.js';
import { parseCalicoVersion } from '../../../src/model/calico-version.js';
import type { Delta } from '../../../src/model/delta.js';
import type { Route, RouteKind } from '../../../src/model/network.js';

describe('routes', () => {
  const bits: readonly [number, readonly RouteKind[]][] = [
    [0, []],
    [1, ['remote-workload']],
    [2, ['remote-host']],
    [4, ['local-workload']],
    [8, ['local-host']],
    [12, ['local-workload', 'local-host']],
    [16, ['remote-tunnel']],
    [32, ['local-tunnel']],
    [64, []],
  ];
  for (const [types, kinds] of bits) {
    it(`types ${types} from v3.30`, () => {
      expect(routeOf({ types }).kinds).to.deep.equal(kinds);
    });
  }

  const numbers: readonly [number, readonly RouteKind[]][] = [
    [0, []],
    [1, ['remote-workload']],
    [2, ['remote-host']],
    [3, ['local-workload']],
    [4, ['local-host']],
    [5, ['remote-tunnel']],
    [6, ['local-tunnel']],
    [7, []],
  ];
  for (const [type, kinds] of numbers) {
    it(`type ${type} up to v3.29`, () => {
      expect(routeOf({ type }).kinds).to.deep.equal(kinds);
    });
  }

  it('carry everything else', () => {
    const route = routeOf({
      types: 1,
      ip_pool_type: 2,
      dst: '10.65.9.7/26',
      dst_node_name: 'node-b',
      dst_node_ip: '172.30.0.2',
      same_subnet: true,
      nat_outgoing: true,
      local_workload: true,
      borrowed: true,
      tunnel_type: { vxlan: true, wireguard: true },
    });
    expect(route).to.deep.equal({
      destination: '10.65.9.0/26',
      kinds: ['remote-workload'],
      pool: 'vxlan',
      nodeName: 'node-b',
      nodeIp: '172.30.0.2',
      sameSubnet: true,
      natOutgoing: true,
      localWorkload: true,
      borrowed: true,
      tunnels: ['vxlan', 'wireguard'],
    });
  });

  it('have one key however the prefix is spelled, in update and remove', () => {
    for (const dst of ['fd65:0:0:1::/122', 'fd65:0000::1:0:0:0:0/122']) {
      expect(routeOf({ dst }).destination).to.equal('fd65:0:0:1::/122');
      const [remove] = deltasOf({ route_remove: { dst } });
      expect(remove).to.deep.equal({ type: 'route-remove', destination: 'fd65:0:0:1::/122' });
    }
  });

  it('keep a destination that is no prefix as it is', () => {
    expect(routeOf({ dst: 'nonsense/99' }).destination).to.equal('nonsense/99');
  });

  it('pool types', () => {
    const pools = [0, 1, 2, 3, 9].map((ip_pool_type) => routeOf({ ip_pool_type }).pool);
    expect(pools).to.deep.equal(['none', 'no-encap', 'vxlan', 'ipip', 'none']);
  });
});

describe('host metadata', () => {
  const labels = { rack: 'r1' };

  it('at the head one message speaks of both families, with prefix lengths', () => {
    const update = {
      hostname: 'node-b',
      ipv4_addr: '172.30.0.2/24',
      ipv6_addr: 'fd30:0::2/64',
      asnumber: '64512',
      labels,
    };
    expect(deltasOf({ host_metadata_update: update })).to.deep.equal([
      {
        type: 'host-metadata',
        scope: 'all',
        metadata: {
          hostname: 'node-b',
          ipv4: '172.30.0.2',
          ipv6: 'fd30::2',
          ipv4PrefixLength: 24,
          ipv6PrefixLength: 64,
          asNumber: '64512',
          labels: new Map(Object.entries(labels)),
        },
      },
    ]);
    expect(deltasOf({ host_metadata_remove: { hostname: 'node-b' } })).to.deep.equal([
      { type: 'host-metadata-remove', scope: 'all', hostname: 'node-b' },
    ]);
  });

  it('up to v3.32 the same message speaks of IPv4 alone', () => {
    const update = { hostname: 'node-b', ipv4_addr: '172.30.0.2' };
    const [delta] = deltasOf({ host_metadata_update: update }, 'v3.32.1');
    expect(delta).to.deep.include({ type: 'host-metadata', scope: 'ipv4' });
    expect(delta?.type === 'host-metadata' && delta.metadata).to.deep.equal({
      hostname: 'node-b',
      ipv4: '172.30.0.2',
      ipv6: '',
      asNumber: '',
      labels: new Map(),
    });
    expect(deltasOf({ host_metadata_remove: { hostname: 'node-b' } }, 'v3.26.0')).to.deep.equal([
      { type: 'host-metadata-remove', scope: 'ipv4', hostname: 'node-b' },
    ]);
  });

  it('up to v3.32 IPv6 and the labels have messages of their own', () => {
    const v6 = { hostname: 'b', ipv6_addr: 'fd30::2' };
    const both = { hostname: 'b', ipv4_addr: '172.30.0.2/24', ipv6_addr: 'fd30::2/64', labels };
    const deltas = [
      ...deltasOf({ host_metadata_v6_update: v6 }, 'v3.32.1'),
      ...deltasOf({ host_metadata_v4v6_update: both }, 'v3.32.1'),
      ...deltasOf({ host_metadata_v6_remove: { hostname: 'b' } }, 'v3.32.1'),
      ...deltasOf({ host_metadata_v4v6_remove: { hostname: 'b' } }, 'v3.32.1'),
    ];
    expect(
      deltas.map((delta) => ('scope' in delta ? `${delta.type} ${delta.scope}` : '')),
    ).to.deep.equal([
      'host-metadata ipv6',
      'host-metadata all',
      'host-metadata-remove ipv6',
      'host-metadata-remove all',
    ]);
  });

  it('keeps a text that is no address', () => {
    const [delta] = deltasOf({ host_metadata_update: { hostname: 'b', ipv4_addr: '10.0.0.1/99' } });
    expect(delta?.type === 'host-metadata' && delta.metadata.ipv4).to.equal('10.0.0.1/99');
  });
});

describe('pools, tunnels and encapsulation', () => {
  it('arrive whole', () => {
    const pool = {
      cidr: '10.65.0.0/16',
      masquerade: true,
      vxlan_mode: 'always',
      allowed_uses: ['Workload'],
    };
    expect(deltasOf({ ipam_pool_update: { id: '10.65.0.0-16', pool } })).to.deep.equal([
      {
        type: 'pool',
        pool: {
          id: '10.65.0.0-16',
          cidr: '10.65.0.0/16',
          masquerade: true,
          ipipMode: '',
          vxlanMode: 'always',
          allowedUses: ['Workload'],
        },
      },
    ]);
    const vtep = {
      node: 'b',
      mac: 'm4',
      ipv4_addr: 'a4',
      parent_device_ip: 'p4',
      mac_v6: 'm6',
      ipv6_addr: 'a6',
      parent_device_ipv6: 'p6',
    };
    expect(deltasOf({ vtep_update: vtep })).to.deep.equal([
      {
        type: 'vtep',
        vtep: {
          node: 'b',
          mac: 'm4',
          ipv4: 'a4',
          parentIp: 'p4',
          macV6: 'm6',
          ipv6: 'a6',
          parentIpv6: 'p6',
        },
      },
    ]);
    expect(
      deltasOf({ encapsulation: { vxlan_enabled: true, no_encap_enabled: true } }),
    ).to.deep.equal([
      {
        type: 'encapsulation',
        encapsulation: { ipip: false, vxlan: true, vxlanV6: false, noEncap: true },
      },
    ]);
  });

  it('WireGuard peers come by family', () => {
    const deltas = [
      ...deltasOf({
        wireguard_endpoint_update: { hostname: 'b', public_key: 'k', interface_ipv4_addr: 'a' },
      }),
      ...deltasOf({
        wireguard_endpoint_v6_update: {
          hostname: 'b',
          public_key_v6: 'k6',
          interface_ipv6_addr: 'a6',
        },
      }),
      ...deltasOf({ wireguard_endpoint_v6_remove: { hostname: 'b' } }),
    ];
    expect(deltas).to.deep.equal([
      { type: 'wireguard', family: 4, peer: { hostname: 'b', publicKey: 'k', interfaceIp: 'a' } },
      { type: 'wireguard', family: 6, peer: { hostname: 'b', publicKey: 'k6', interfaceIp: 'a6' } },
      { type: 'wireguard-remove', family: 6, hostname: 'b' },
    ]);
  });
});

function deltasOf(message: Draft<ToDataplane>, version = 'head'): readonly Delta[] {
  return toDeltas(decodeToDataplane(encodeToDataplane(message)), parseCalicoVersion(version));
}

function routeOf(route_update: Draft<RouteUpdate>): Route {
  const [delta] = deltasOf({ route_update });
  if (delta?.type !== 'route') throw new Error('no route');
  return delta.route;
}
