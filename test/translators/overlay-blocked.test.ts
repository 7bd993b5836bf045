/** What is kept from leaving in clear: IPIP, WireGuard, and what of a blocked pool is let through. */
import { expect } from 'chai';
import type { Delta } from '../../src/model/delta.js';
import { send, tcp } from '../support/felix/packets.js';
import { framesOf } from '../support/felix/wire.js';
import { KNS, session, type World } from '../support/felix/world.js';
import { hostMetadata } from './support/model.js';
import { NAMES, specOf, specsOf } from './support/objects.js';
import { config, peer, play, pool, remote, route, vtep } from './support/overlay.js';
import { NATIVE, PLAIN, type Player } from './support/play.js';
import { XpuEngine } from './support/xpu-engine.js';

const VTEPS = [vtep('node-a', 1), vtep('node-b', 2)];
const via = (player: Player, prefix: string) => specOf(player, NAMES.route(prefix))?.via;
const DROPPED = { evalMapping: true };
const told = (player: Player) =>
  player.translator.degradations().map(({ code, subject }) => `${code} ${subject}`);
const reasons = (player: Player) => player.translator.degradations().map(({ reason }) => reason);

describe('overlay: IPIP is told and dropped', () => {
  it('a remote block, unless it is in our own subnet', () => {
    const player = play(
      remote('10.67.2.0/26', { pool: 'ipip' }),
      remote('10.67.3.0/26', { pool: 'ipip', sameSubnet: true }),
      route('10.67.1.0/26', ['local-workload'], { pool: 'ipip' }),
    );
    expect(via(player, '10.67.2.0/26')).to.deep.equal(DROPPED);
    expect(via(player, '10.67.3.0/26')).to.deep.equal({ nextHop: NAMES.nextHop('172.30.0.2') });
    expect(told(player)).to.deep.equal(['unsupported-encap 10.67.2.0/26']);
  });

  it('a whole pool where Felix tells no routes of it, as long as it does not', () => {
    const player = play(pool('10.67.0.0/18', { ipipMode: 'always' }), pool('10.68.0.0/18'));
    expect(specsOf(player, 'route').map(({ prefix }) => prefix)).to.deep.equal(['10.67.0.0/18']);
    expect(via(player, '10.67.0.0/18')).to.deep.equal(DROPPED);
    expect(told(player)).to.deep.equal(['unsupported-encap 10.67.0.0/18']);
    player.fold(route('10.67.0.0/18', [], { pool: 'ipip', nodeName: '' })).flush();
    player.check();
    expect(player.writes).to.deep.equal(['-route']);
    expect(told(player)).to.deep.equal([]);
    player.fold({ type: 'route-remove', destination: '10.67.0.0/18' }).flush();
    player.check();
    expect(player.writes).to.deep.equal(['route']);
    player.fold(pool('10.67.0.0/18')).flush();
    player.check();
    expect(player.writes).to.deep.equal(['-route']);
    expect(told(player)).to.deep.equal([]);
  });

  it('a pool of mode cross-subnet as well: without routes nobody knows who is near', () => {
    const player = play(pool('10.67.0.0/18', { ipipMode: 'cross-subnet' }));
    expect(via(player, '10.67.0.0/18')).to.deep.equal(DROPPED);
    player.fold({ type: 'pool-remove', id: '10.67.0.0-18' }).flush();
    player.check();
    expect(player.writes).to.deep.equal(['-route']);
  });
});

describe('overlay: nodes inside a blocked pool', () => {
  const IPIP = pool('172.30.0.0/16', { ipipMode: 'always' });
  const node = (hostname: string, ipv4: string): Delta => ({
    type: 'host-metadata',
    scope: 'all',
    metadata: hostMetadata(hostname, ipv4),
  });
  const itself = (ip: string) => ({ nextHop: NAMES.nextHop(ip) });

  it('are reached as they are, whichever is told first', () => {
    for (const deltas of [
      [IPIP, node('node-a', '172.30.0.1'), node('node-b', '172.30.0.2')],
      [node('node-b', '172.30.0.2'), node('node-a', '172.30.0.1'), IPIP],
    ]) {
      const player = play(...deltas);
      expect(via(player, '172.30.0.0/16')).to.deep.equal(DROPPED);
      expect(via(player, '172.30.0.2/32')).to.deep.equal(itself('172.30.0.2'));
      expect(via(player, '172.30.0.1/32')).to.equal(undefined);
    }
  });

  it('need no route of their own outside of one, nor once it is gone', () => {
    const player = play(IPIP, node('node-b', '172.30.0.2'), node('node-c', '172.31.0.3'));
    expect(specsOf(player, 'nextHop')).to.deep.equal([{ ip: '172.30.0.2' }]);
    player.fold({ type: 'pool-remove', id: '172.30.0.0-16' }).flush();
    player.check();
    expect(player.writes).to.deep.equal(['-nextHop', '-route', '-route']);
  });

  it('follow the node', () => {
    const player = play(IPIP, node('node-b', '172.30.0.2'));
    player.fold(node('node-b', '172.30.0.22')).flush();
    player.check();
    expect(player.writes).to.deep.equal(['-nextHop', '-route', 'nextHop', 'route']);
    player.fold({ type: 'host-metadata-remove', scope: 'all', hostname: 'node-b' }).flush();
    player.check();
    expect(player.writes).to.deep.equal(['-nextHop', '-route']);
  });
});

describe('overlay: WireGuard is told and dropped', () => {
  const ON = config({ WireguardEnabled: 'true' });
  const plain = remote('10.68.2.0/26', { pool: 'no-encap' });
  const plainV6 = remote('fd68:2::/122', { pool: 'no-encap' });

  it('towards peers with a key, near ones and tunnels too, by family', () => {
    const near = remote('10.65.2.0/26', { sameSubnet: true });
    const far = remote('10.65.3.0/26');
    const player = play(
      ON,
      ...VTEPS,
      peer('node-b', 4),
      peer('node-b', 6),
      near,
      far,
      plain,
      plainV6,
    );
    for (const prefix of ['10.65.2.0/26', '10.65.3.0/26', '10.68.2.0/26']) {
      expect(via(player, prefix), prefix).to.deep.equal(DROPPED);
    }
    expect(via(player, 'fd68:2::/122')).to.deep.equal({ nextHop: NAMES.nextHop('fd30::2') });
    expect(new Set(reasons(player))).to.deep.equal(
      new Set(['WireGuard to node node-b: an XPU has no WireGuard']),
    );
  });

  it('not where this node has it off, nor towards a peer without a key: as Calico sends', () => {
    for (const deltas of [
      [peer('node-b', 4)],
      [ON, peer('node-b', 4, '')],
      [ON, peer('node-b', 6)],
    ]) {
      const player = play(...deltas, plain);
      expect(via(player, '10.68.2.0/26')).to.deep.equal({ nextHop: NAMES.nextHop('172.30.0.2') });
      expect(told(player)).to.deep.equal([]);
    }
  });

  it('follows the peer’s key', () => {
    const player = play(ON, plain);
    player.fold(peer('node-b', 4)).flush();
    player.check();
    expect(player.writes).to.deep.equal(['-nextHop', 'route']);
    player.fold({ type: 'wireguard-remove', family: 4, hostname: 'node-b' }).flush();
    player.check();
    expect(player.writes).to.deep.equal(['nextHop', 'route']);
  });

  it('what nodes send each other is told and sent: Felix’s datastore is behind it', () => {
    const host = route('172.30.0.2/32', ['remote-host'], { nodeName: 'node-b' });
    const both = config({ WireguardEnabled: 'true', WireguardHostEncryptionEnabled: 'true' });
    const player = play(both, peer('node-b', 4), host);
    expect(via(player, '172.30.0.2/32')).to.equal(undefined);
    expect(told(player)).to.deep.equal(['unsupported-encap 172.30.0.2/32']);
    player.fold(ON).flush();
    expect(told(player)).to.deep.equal([]);
  });
});

describe('overlay: what is not sent, as packets', () => {
  const block = { types: 1, dst_node_name: 'node-b', dst_node_ip: '172.30.0.2' };
  const world: World = {
    profiles: { open: KNS },
    pods: { a: { profiles: ['open'] } },
    encapsulation: { ipip: true, vxlan: true },
    routes: [
      { ...block, ip_pool_type: 3, dst: '10.67.0.0/26' },
      { ...block, ip_pool_type: 2, dst: '10.66.0.0/26' },
      { ...block, ip_pool_type: 1, dst: '10.68.0.0/26', dst_node_ip: '' },
      { ...block, ip_pool_type: 3, dst: '10.67.0.9/32', same_subnet: true },
    ],
  };
  const fates: readonly [string, string | undefined][] = [
    ['10.67.0.8', 'unsupported-encap'],
    ['10.66.0.8', 'unresolved'],
    ['10.68.0.8', 'unresolved'],
    ['10.67.0.9', undefined],
    ['198.18.0.9', undefined],
  ];

  for (const target of [NATIVE, PLAIN]) {
    for (const from of ['a', 'host'] as const) {
      it(`${target.level}: from ${from}, with the reason`, async () => {
        const engine = new XpuEngine(target);
        await engine.startSession();
        await engine.advance(framesOf(session(world)));
        const probes = fates.map(([destination]) => send(from, 'wire', tcp(80), { destination }));
        const verdicts = await engine.judge(probes);
        for (const [index, [destination, code]] of fates.entries()) {
          const { allow, reasons } = verdicts[index]!;
          expect(allow, destination).to.equal(code === undefined);
          expect(reasons.map((reason) => reason.split(': ')[1])).to.deep.equal(code ? [code] : []);
        }
      });
    }
  }
});
