/** Tunnels, next hops and routes of the plan, as Felix's VTEPs, routes, pools and peers make them. */
import { expect } from 'chai';
import { keyText } from '../../src/opi/objects/key.js';
import { NAMES, specOf, specsOf } from './support/objects.js';
import { config, play, remote, vtep } from './support/overlay.js';
import type { Player } from './support/play.js';

const VTEPS = [vtep('node-a', 1), vtep('node-b', 2)];
const tunnelB = (family: 4 | 6, vni = 4096) =>
  NAMES.tunnel(
    family === 4
      ? { localIp: '172.30.0.1', remoteIp: '172.30.0.2', vni }
      : { localIp: 'fd30::1', remoteIp: 'fd30::2', vni },
  );
const via = (player: Player, prefix: string) => specOf(player, NAMES.route(prefix))?.via;
const TO_B = { tunnel: tunnelB(4), overlayMac: '66:00:00:00:00:02' };
const DROPPED = { evalMapping: true };
const told = (player: Player) =>
  player.translator.degradations().map(({ code, subject }) => `${code} ${subject}`);
const reasons = (player: Player) => player.translator.degradations().map(({ reason }) => reason);

describe('overlay: tunnels', () => {
  it('one to each other node and family of which both ends are known', () => {
    const player = play(
      ...VTEPS,
      vtep('node-c', 3, { parentIpv6: '' }),
      config({ VXLANVNI: '99' }),
    );
    const { vpc } = NAMES;
    expect(specsOf(player, 'tunnel')).to.have.deep.members([
      { vpc, localIp: '172.30.0.1', remoteIp: '172.30.0.2', vni: 99 },
      { vpc, localIp: 'fd30::1', remoteIp: 'fd30::2', vni: 99 },
      { vpc, localIp: '172.30.0.1', remoteIp: '172.30.0.3', vni: 99 },
    ]);
  });

  it('our own VTEP is an end of every tunnel', () => {
    const player = play(vtep('node-b', 2), vtep('node-c', 3), remote('10.65.2.0/26'));
    expect(specsOf(player, 'tunnel')).to.deep.equal([]);
    expect(via(player, '10.65.2.0/26')).to.deep.equal(DROPPED);
    player.fold(vtep('node-a', 1)).flush();
    player.check();
    expect(player.writes).to.deep.equal(
      ['route', 'tunnel', 'tunnel', 'tunnel', 'tunnel', 'vpc'].filter((kind) => kind !== 'vpc'),
    );
    expect(via(player, '10.65.2.0/26')).to.deep.equal(TO_B);
  });

  it('nodes at one address share a tunnel, which stays until the last of them goes', () => {
    const player = play(...VTEPS, vtep('node-c', 3, { parentIp: '172.30.0.2', parentIpv6: '' }));
    expect(specsOf(player, 'tunnel')).to.have.length(2);
    player.fold({ type: 'vtep-remove', node: 'node-b' }).flush();
    player.check();
    expect(specsOf(player, 'tunnel').map(({ remoteIp }) => remoteIp)).to.deep.equal(['172.30.0.2']);
    player.fold({ type: 'vtep-remove', node: 'node-c' }).flush();
    player.check();
    expect(specsOf(player, 'tunnel')).to.deep.equal([]);
  });

  it('none to a node that claims our own address, nor with a malformed MAC', () => {
    const player = play(
      ...VTEPS.slice(0, 1),
      vtep('node-b', 2, { parentIp: '172.30.0.1', macV6: '66:0' }),
      remote('10.65.2.0/26'),
      remote('fd65:2::/122'),
    );
    expect(specsOf(player, 'tunnel')).to.deep.equal([]);
    expect(reasons(player)).to.deep.equal([
      'the VTEPs of node-a and node-b have one address, 172.30.0.1',
      'no IPv6 VTEP of node "node-b" is known',
    ]);
  });
});

describe('overlay: the VXLAN id of the Vpc', () => {
  const vni = (player: Player) => specOf(player, NAMES.vpc)?.vni;

  it('is there with VXLAN alone, and goes with it', () => {
    const player = play(config({ VXLANVNI: '99' }));
    expect(vni(player)).to.equal(undefined);
    player.fold(vtep('node-b', 2)).flush();
    player.check();
    expect(player.writes).to.deep.equal(['vpc']);
    expect(vni(player)).to.equal(99);
    player.fold({ type: 'vtep-remove', node: 'node-b' }).flush();
    player.check();
    expect(player.writes).to.deep.equal(['vpc']);
    expect(vni(player)).to.equal(undefined);
  });

  it('changes with the configuration, every tunnel with it', () => {
    const player = play(...VTEPS, remote('10.65.2.0/26'));
    expect(vni(player)).to.equal(4096);
    player.fold(config({ VXLANVNI: '7' })).flush();
    player.check();
    expect(vni(player)).to.equal(7);
    expect(player.writes).to.deep.equal(['-tunnel', '-tunnel', 'route', 'tunnel', 'tunnel', 'vpc']);
    expect(via(player, '10.65.2.0/26')).to.deep.include({ tunnel: tunnelB(4, 7) });
  });

  for (const values of [{ VXLANVNI: '0' }, { VXLANVNI: 'none' }, { VXLANPort: '8472' }]) {
    it(`${JSON.stringify(values)} is no VXLAN that an XPU makes: told and dropped`, () => {
      const player = play(...VTEPS, config(values), remote('10.65.2.0/26'));
      expect(vni(player)).to.equal(undefined);
      expect(specsOf(player, 'tunnel')).to.deep.equal([]);
      expect(via(player, '10.65.2.0/26')).to.deep.equal(DROPPED);
      expect(told(player)).to.deep.equal(['unsupported-encap 10.65.2.0/26']);
      expect(reasons(player)[0]).to.include(Object.keys(values)[0]);
    });
  }
});

describe('overlay: remote blocks of VXLAN pools', () => {
  it('lead through the tunnel of their node and family', () => {
    const player = play(...VTEPS, remote('10.65.2.0/26'), remote('fd65:2::/122'));
    expect(via(player, '10.65.2.0/26')).to.deep.equal(TO_B);
    expect(via(player, 'fd65:2::/122')).to.deep.equal({
      tunnel: tunnelB(6),
      overlayMac: '66:00:00:00:01:02',
    });
    expect(told(player)).to.deep.equal([]);
  });

  it('are dropped while the XPU refuses the tunnel', () => {
    const player = play(...VTEPS, remote('10.65.2.0/26'));
    const entry = player.objects.get(keyText(NAMES.route('10.65.2.0/26')));
    expect(entry?.closed?.key).to.deep.equal(entry?.object.key);
    expect(entry?.closed?.spec).to.deep.equal({ ...entry?.object.spec, via: DROPPED });
  });

  it('in our own subnet they lead to the node as they are', () => {
    const player = play(remote('10.66.2.0/26', { sameSubnet: true }));
    expect(via(player, '10.66.2.0/26')).to.deep.equal({ nextHop: NAMES.nextHop('172.30.0.2') });
    expect(specOf(player, NAMES.nextHop('172.30.0.2'))).to.deep.equal({ ip: '172.30.0.2' });
  });

  it('drop and tell until the VTEP is known, whichever comes first, and after it has gone', () => {
    const player = play(vtep('node-a', 1), remote('10.65.2.0/26'));
    expect(via(player, '10.65.2.0/26')).to.deep.equal(DROPPED);
    expect(told(player)).to.deep.equal(['unresolved 10.65.2.0/26']);
    expect(reasons(player)).to.deep.equal(['no IPv4 VTEP of node "node-b" is known']);
    player.fold(vtep('node-b', 2)).flush();
    player.check();
    expect(player.writes).to.deep.equal(['route', 'tunnel', 'tunnel']);
    expect(told(player)).to.deep.equal([]);
    player.fold({ type: 'vtep-remove', node: 'node-b' }).flush();
    player.check();
    expect(player.writes).to.deep.equal(['-tunnel', '-tunnel', 'route']);
    expect(told(player)).to.deep.equal(['unresolved 10.65.2.0/26']);
  });

  it('drop and tell while the route has no node address, though the VTEP is there', () => {
    const player = play(...VTEPS, remote('10.65.2.0/26', { nodeIp: '' }));
    expect(via(player, '10.65.2.0/26')).to.deep.equal(DROPPED);
    expect(reasons(player)).to.deep.equal(['no address of node "node-b" is known']);
  });

  it('a VTEP that moves takes its routes along: another tunnel, the old one goes', () => {
    const player = play(...VTEPS, remote('10.65.2.0/26'), remote('10.65.3.0/26'));
    player.fold(vtep('node-b', 2, { parentIp: '172.30.0.22' })).flush();
    player.check();
    expect(player.writes).to.deep.equal(['-tunnel', 'route', 'route', 'tunnel']);
    expect(via(player, '10.65.3.0/26')).to.deep.include({
      tunnel: NAMES.tunnel({ localIp: '172.30.0.1', remoteIp: '172.30.0.22', vni: 4096 }),
    });
  });

  it('a VTEP whose MAC changes changes its routes alone', () => {
    const player = play(...VTEPS, remote('10.65.2.0/26'), remote('fd65:2::/122'));
    player.fold(vtep('node-b', 2, { mac: '66:00:00:00:00:99' })).flush();
    player.check();
    expect(player.writes).to.deep.equal(['route']);
    expect(via(player, '10.65.2.0/26')).to.deep.include({ overlayMac: '66:00:00:00:00:99' });
  });

  it('two nodes that change places lead their routes to each other’s tunnels', () => {
    const player = play(
      ...VTEPS,
      vtep('node-c', 3),
      remote('10.65.2.0/26'),
      remote('10.65.3.0/26', { nodeName: 'node-c' }),
    );
    player
      .fold(vtep('node-b', 2, { parentIp: '172.30.0.3' }))
      .fold(vtep('node-c', 3, { parentIp: '172.30.0.2' }))
      .flush();
    player.check();
    expect(player.writes).to.deep.equal(['route', 'route']);
    expect(via(player, '10.65.3.0/26')).to.deep.equal({
      tunnel: tunnelB(4),
      overlayMac: '66:00:00:00:00:03',
    });
  });
});

describe('overlay: blocks without encapsulation', () => {
  for (const encap of ['no-encap', 'none'] as const) {
    it(`of a pool of kind ${encap} lead to their node, both families`, () => {
      const player = play(
        remote('10.68.2.0/26', { pool: encap }),
        remote('fd68:2::/122', { pool: encap }),
      );
      expect(via(player, '10.68.2.0/26')).to.deep.equal({ nextHop: NAMES.nextHop('172.30.0.2') });
      expect(via(player, 'fd68:2::/122')).to.deep.equal({ nextHop: NAMES.nextHop('fd30::2') });
      expect(specsOf(player, 'nextHop')).to.have.deep.members([
        { ip: '172.30.0.2' },
        { ip: 'fd30::2' },
      ]);
    });
  }

  it('a next hop is shared, and goes with its last route', () => {
    const routes = ['10.68.2.0/26', '10.68.3.0/26'].map((to) => remote(to, { pool: 'no-encap' }));
    const player = play(...routes);
    expect(specsOf(player, 'nextHop')).to.have.length(1);
    player.fold({ type: 'route-remove', destination: '10.68.2.0/26' }).flush();
    player.check();
    expect(player.writes).to.deep.equal(['-route']);
    player.fold({ type: 'route-remove', destination: '10.68.3.0/26' }).flush();
    player.check();
    expect(player.writes).to.deep.equal(['-nextHop', '-route']);
  });

  it('a node that moves gets another next hop', () => {
    const player = play(remote('10.68.2.0/26', { pool: 'no-encap' }));
    player.fold(remote('10.68.2.0/26', { pool: 'no-encap', nodeIp: '172.30.0.22' })).flush();
    player.check();
    expect(player.writes).to.deep.equal(['-nextHop', 'nextHop', 'route']);
  });

  it('an unknown or malformed node address drops and tells', () => {
    const player = play(
      remote('10.68.2.0/26', { pool: 'no-encap', nodeIp: '' }),
      remote('10.68.3.0/26', { pool: 'no-encap', nodeIp: '172.30.0' }),
      remote('fd68:2::/122', { pool: 'no-encap', nodeIp: '172.30.0.2' }),
    );
    for (const prefix of ['10.68.2.0/26', '10.68.3.0/26', 'fd68:2::/122']) {
      expect(via(player, prefix), prefix).to.deep.equal(DROPPED);
    }
    expect(told(player)).to.deep.equal([
      'unresolved 10.68.2.0/26',
      'invalid 10.68.3.0/26',
      'invalid fd68:2::/122',
    ]);
  });
});
