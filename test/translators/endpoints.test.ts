import { expect } from 'chai';
import type { Delta } from '../../src/model/delta.js';
import type { WorkloadEndpoint } from '../../src/model/endpoint.js';
import { hostMetadata, workload } from './support/model.js';
import { mappings, NAMES, pod, specOf, specsOf } from './support/objects.js';
import { PLAIN, Player, SETTINGS } from './support/play.js';

const IN_SYNC: Delta = { type: 'in-sync' };
const config = (values: Record<string, string>): Delta => ({
  type: 'config',
  values: new Map(Object.entries(values)),
});

function play(...deltas: readonly Delta[]): Player {
  const player = new Player().session(...deltas, IN_SYNC);
  player.flush();
  return player;
}

function then(player: Player, ...deltas: readonly Delta[]): Player {
  player.fold(...deltas).flush();
  player.check();
  return player;
}

/** Allowed sources of the binding on an interface. */
function sources(player: Player, ifname: string): readonly string[] | undefined {
  return specOf(player, NAMES.vnicBinding(NAMES.vnic(ifname)))?.allowedSources;
}

const a = (fields: Partial<WorkloadEndpoint> = {}) =>
  workload('a', { interfaceName: 'cali1', ...fields });
const b = (fields: Partial<WorkloadEndpoint> = {}) =>
  workload('b', { interfaceName: 'cali2', ...fields });
const reasons = (player: Player) =>
  player.translator.degradations().map(({ code, subject }) => [code, subject]);

describe('endpoints: a pod', () => {
  it('is an Interface, a Vnic that denies from birth, a Mapping per address, a binding', () => {
    const player = play(
      pod(a({ mac: 'AA:bb:cc:00:11:22', ipv4Nets: ['10.0.0.1/32'], ipv6Nets: ['FD00::1/128'] })),
    );
    const vnic = NAMES.vnic('cali1');
    expect(specOf(player, NAMES.interface('cali1'))).to.deep.equal({
      ifname: 'cali1',
      vf: true,
      adminUp: true,
    });
    const [v4, v6] = [[NAMES.denyAll(4)], [NAMES.denyAll(6)]];
    expect(specOf(player, vnic)).to.deep.equal({
      subnet: NAMES.subnet,
      hostInterface: NAMES.interface('cali1'),
      mac: 'aa:bb:cc:00:11:22',
      sourceGuard: false,
      ...{ ingressV4: v4, ingressV6: v6, egressV4: v4, egressV6: v6 },
    });
    expect(mappings(player)).to.deep.equal({ '10.0.0.1': vnic.id, 'fd00::1': vnic.id });
    expect(sources(player, 'cali1')).to.deep.equal(['10.0.0.1/32', 'fd00::1/128']);
    const entry = [...player.objects.values()].find(
      ({ object }) => object.key.kind === 'policyBinding',
    );
    expect(entry?.origins).to.deep.equal(['k8s/a/eth0']);
  });

  it('the shared deny-all policies deny and hold no rule', () => {
    const player = play();
    for (const family of [4, 6] as const) {
      expect(specOf(player, NAMES.denyAll(family))).to.deep.include({
        family,
        defaultAction: 'DENY',
        rules: [],
      });
    }
  });

  it('on a plain target the Vnic itself checks sources', () => {
    const player = new Player(SETTINGS, PLAIN).session(pod(a()), IN_SYNC);
    player.flush();
    expect(specOf(player, NAMES.vnic('cali1'))?.sourceGuard).to.equal(true);
  });

  it('nothing is planned before the first InSync', () => {
    const player = new Player().session(pod(a()));
    expect(player.flush()).to.equal(undefined);
    expect([...player.translator.plan()]).to.deep.equal([]);
  });

  it('corner 63: recreated in one flush, its old address and interface are gone', () => {
    const player = play(pod(a({ ipv4Nets: ['10.0.0.1/32'] })));
    then(player, pod(a({ ipv4Nets: ['10.0.0.2/32'], interfaceName: 'cali9' })));
    expect(mappings(player)).to.deep.equal({ '10.0.0.2': NAMES.vnic('cali9').id });
    expect(specOf(player, NAMES.vnic('cali1'))).to.equal(undefined);
  });

  it('corner 49: one that is not active keeps its port, which denies everything', () => {
    const player = play(pod(a({ state: 'inactive', ipv4Nets: ['10.0.0.1/32'] })));
    expect(specOf(player, NAMES.vnicBinding(NAMES.vnic('cali1')))).to.deep.include({
      disabled: true,
      fromHostBypass: false,
      toHostAction: 'DROP',
      allowedSources: [],
    });
    expect(mappings(player)).to.have.property('10.0.0.1');
    expect(specOf(player, NAMES.interface('cali1'))).to.deep.include({ adminUp: true });
  });

  it('corner 49 on a plain target: lists would let its flows live, so its link is down', () => {
    const inactive = a({ state: 'inactive', ipv4Nets: ['10.0.0.1/32'] });
    const player = new Player(SETTINGS, PLAIN).session(pod(inactive), IN_SYNC);
    player.flush();
    expect(specOf(player, NAMES.interface('cali1'))).to.deep.include({ adminUp: false });
    then(player, pod(a({ ipv4Nets: ['10.0.0.1/32'] })));
    expect(specOf(player, NAMES.interface('cali1'))).to.deep.include({ adminUp: true });
  });
});

describe('endpoints: two that want the same', () => {
  it('of two on one interface the smaller is in force, the other comes when it goes', () => {
    const smaller = a({ ipv4Nets: ['10.0.0.1/32'] });
    const greater = b({ interfaceName: 'cali1', ipv4Nets: ['10.0.0.2/32'] });
    const player = play(pod(greater));
    expect(mappings(player)).to.have.all.keys('10.0.0.2');
    then(player, pod(smaller));
    expect(mappings(player)).to.have.all.keys('10.0.0.1');
    expect(player.translator.expectations().get(greater.key)?.error).to.equal(
      'interface cali1 is held by k8s/a/eth0',
    );
    then(player, { type: 'workload-remove', key: smaller.key });
    expect(mappings(player)).to.have.all.keys('10.0.0.2');
    expect(player.translator.expectations().get(greater.key)?.error).to.equal(undefined);
  });

  it('of two with one address the smaller holds it until it goes', () => {
    const player = play(
      pod(b({ ipv4Nets: ['10.0.0.1/32'] })),
      pod(a({ ipv4Nets: ['10.0.0.1/32'] })),
    );
    expect(mappings(player)).to.deep.equal({ '10.0.0.1': NAMES.vnic('cali1').id });
    expect(sources(player, 'cali2')).to.deep.equal([]);
    expect(reasons(player)).to.deep.equal([['address-conflict', 'k8s/b/eth0']]);
    then(player, { type: 'workload-remove', key: a().key });
    expect(mappings(player)).to.deep.equal({ '10.0.0.1': NAMES.vnic('cali2').id });
    expect(sources(player, 'cali2')).to.deep.equal(['10.0.0.1/32']);
    expect(reasons(player)).to.deep.equal([]);
  });

  it('one that holds no interface holds no address either', () => {
    const shadowed = workload('aa', { interfaceName: 'cali1', ipv4Nets: ['10.0.0.7/32'] });
    const player = play(pod(a()), pod(shadowed), pod(b({ ipv4Nets: ['10.0.0.7/32'] })));
    expect(mappings(player)).to.deep.equal({ '10.0.0.7': NAMES.vnic('cali2').id });
  });

  it('an address of the node stays with the host port; the pod counts as up', () => {
    const host: Delta = {
      type: 'host-metadata',
      scope: 'all',
      metadata: hostMetadata('node-a', '172.30.0.1'),
    };
    const player = play(host, pod(a({ ipv4Nets: ['172.30.0.1/32', '10.0.0.1/32'] })));
    expect(mappings(player)).to.deep.equal({
      '172.30.0.1': NAMES.vnic('host0').id,
      '10.0.0.1': NAMES.vnic('cali1').id,
    });
    expect(sources(player, 'cali1')).to.deep.equal(['10.0.0.1/32']);
    const { error, objects } = player.translator.expectations().get(a().key)!;
    expect([error, objects.length]).to.deep.equal([undefined, 4]);
    then(player, { ...host, metadata: hostMetadata('node-a', '172.30.0.2') });
    expect(sources(player, 'cali1')).to.deep.equal(['10.0.0.1/32', '172.30.0.1/32']);
  });

  it('one on the host port, or on no interface, gets nothing and says why', () => {
    const player = play(pod(a({ interfaceName: 'host0' })), pod(b({ interfaceName: '' })));
    expect(specsOf(player, 'policyBinding')).to.deep.equal([]);
    const errors = [...player.translator.expectations().values()].map(({ error }) => error);
    expect(errors).to.deep.equal([
      'interface host0 is the host port',
      'the endpoint names no interface',
    ]);
  });
});

describe('endpoints: what they may send from', () => {
  it('corner 41, 42: spoof prefixes count where the configuration allows any', () => {
    const spoofing = pod(
      a({ ipv4Nets: ['10.0.0.1/32'], spoofPrefixes: ['192.0.2.0/24', 'fd99::/64'] }),
    );
    expect(sources(play(spoofing), 'cali1')).to.deep.equal(['10.0.0.1/32']);
    const player = play(config({ WorkloadSourceSpoofing: 'Any' }), spoofing);
    expect(sources(player, 'cali1')).to.deep.equal(['10.0.0.1/32', '192.0.2.0/24', 'fd99::/64']);
    expect(mappings(player)).to.have.all.keys('10.0.0.1');
  });

  it('floating IPs count where they are enabled; that nothing reaches them is told', () => {
    const nat = pod(
      a({
        ipv4Nets: ['10.0.0.1/32'],
        ipv4Nat: [{ external: '198.51.100.1', internal: '10.0.0.1' }],
      }),
    );
    const off = play(nat);
    expect([sources(off, 'cali1'), reasons(off)]).to.deep.equal([['10.0.0.1/32'], []]);
    const on = play(config({ FloatingIPs: 'Enabled' }), nat);
    expect(sources(on, 'cali1')).to.deep.equal(['10.0.0.1/32', '198.51.100.1/32']);
    expect(reasons(on)).to.deep.equal([['not-expressible', 'k8s/a/eth0']]);
  });

  it('without IPv6 support no IPv6 address leads to a pod', () => {
    const both = pod(a({ ipv4Nets: ['10.0.0.1/32'], ipv6Nets: ['fd00::1/128'] }));
    const player = play(config({ Ipv6Support: 'false' }), both);
    expect(mappings(player)).to.have.all.keys('10.0.0.1');
    expect(sources(player, 'cali1')).to.deep.equal(['10.0.0.1/32']);
    then(player, config({ Ipv6Support: 'true' }));
    expect(mappings(player)).to.have.all.keys('10.0.0.1', 'fd00::1');
  });

  it('malformed texts are left out and told, the rest stands', () => {
    const nets = ['10.0.0.1/32', '10.0.0.300/32', '10.1.0.0/24'];
    const player = play(pod(a({ mac: 'aa:bb', ipv4Nets: nets })));
    expect(sources(player, 'cali1')).to.deep.equal(['10.0.0.1/32']);
    expect(specOf(player, NAMES.vnic('cali1'))).to.not.have.property('mac');
    expect(reasons(player).map(([code]) => code)).to.deep.equal([
      'invalid',
      'invalid',
      'not-expressible',
    ]);
  });
});
