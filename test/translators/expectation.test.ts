import { expect } from 'chai';
import type { Delta } from '../../src/model/delta.js';
import type { HostEndpoint } from '../../src/model/endpoint.js';
import { hostEndpoint, policy, tier, workload } from './support/model.js';
import { pod } from './support/objects.js';
import { PLAIN, Player, SETTINGS } from './support/play.js';

const hep = (id: string, fields: Partial<HostEndpoint> = {}): Delta => ({
  type: 'host-endpoint',
  endpoint: hostEndpoint(id, fields),
});

function play(player: Player, ...deltas: readonly Delta[]): Player {
  player.session({ type: 'policy', policy: policy('p') }, ...deltas, { type: 'in-sync' }).flush();
  player.translator.takeChangedEndpoints();
  return player;
}

function needs(player: Player): Record<string, string | readonly string[]> {
  const all = [...player.translator.expectations()];
  return Object.fromEntries(
    all.map(([key, { objects, error }]) => [key, error ?? objects.map(({ kind }) => kind)]),
  );
}

describe('expectations', () => {
  it('a pod needs its port, its addresses and its binding', () => {
    const player = play(new Player(), pod(workload('w', { ipv4Nets: ['10.0.0.1/32'] })));
    expect(needs(player)).to.deep.equal({
      'k8s/w/eth0': ['interface', 'vnic', 'mapping', 'policyBinding'],
    });
  });

  it('a host endpoint needs the ports it binds; "*" is up also where it binds none', () => {
    const star = { interfaceName: '*', forwardTiers: [tier('t', ['p'], [])] };
    const player = play(
      new Player(),
      hep('a'),
      hep('b'),
      hep('c', { interfaceName: 'eth7' }),
      hep('z', star),
    );
    expect(needs(player)).to.deep.equal({
      'host/a': ['vnic', 'policyBinding'],
      'host/b': 'held by a',
      'host/c': 'no matching interface',
      'host/z': ['vnic', 'policyBinding'],
    });
    const idle = play(new Player(), hep('z', { interfaceName: '*' }), hep('a'));
    expect(needs(idle)['host/z']).to.not.be.a('string');
  });

  it('every object an endpoint waits for carries the endpoint as origin', () => {
    const star = { interfaceName: '*', forwardTiers: [tier('t', ['p'], [])] };
    for (const target of [undefined, PLAIN]) {
      const player = play(
        new Player(SETTINGS, target),
        hep('a', { tiers: [tier('t', ['p'], ['p'])] }),
        hep('z', star),
        pod(workload('w', { ipv4Nets: ['10.0.0.1/32'], tiers: [tier('t', ['p'], [])] })),
      );
      for (const entry of player.objects.values()) {
        const { kind, id } = entry.object.key;
        for (const { key, objects } of player.translator.expectations().values()) {
          const isNeeded = objects.some((object) => object.id === id && object.kind === kind);
          if (isNeeded) expect(entry.origins, `${kind} of ${key}`).to.include(key);
        }
      }
    }
  });

  it('tells which endpoints to look at again', () => {
    const player = play(new Player(), pod(workload('w')), hep('b'));
    player.fold(pod(workload('v', { interfaceName: 'cali-w' }))).flush();
    expect([...player.translator.takeChangedEndpoints()]).to.have.members([
      'k8s/v/eth0',
      'k8s/w/eth0',
    ]);
    player.fold(hep('a')).flush();
    expect([...player.translator.takeChangedEndpoints()]).to.have.members(['host/a', 'host/b']);
    player.fold({ type: 'workload-remove', key: workload('v').key }).flush();
    expect([...player.translator.takeChangedEndpoints()]).to.have.members([
      'k8s/v/eth0',
      'k8s/w/eth0',
    ]);
    expect([...player.translator.takeChangedEndpoints()]).to.deep.equal([]);
  });
});
