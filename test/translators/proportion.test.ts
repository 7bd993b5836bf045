/** Work proportional to the change: what one change may write. */
import { expect } from 'chai';
import type { Delta } from '../../src/model/delta.js';
import { ipSetId, profileName } from '../../src/model/ids.js';
import type { Rule } from '../../src/model/policy.js';
import { anySide, hostEndpoint, policy, profile, rule, tier, workload } from './support/model.js';
import { NAMES, pod, specOf } from './support/objects.js';
import { peer, remote, vtep } from './support/overlay.js';
import { Player } from './support/play.js';

const SET = ipSetId('s:big');
const bySet = (...ids: string[]): Partial<Rule> => ({
  source: { ...anySide, ipSets: ids.map(ipSetId) },
});
const set = (id: string, ...members: string[]): Delta => ({
  type: 'ip-set',
  id: ipSetId(id),
  setType: 'net',
  members,
});

/** Ten pods that share two policies and a profile; policy `p` names the set. */
function cluster(setSize = 3): Player {
  const members = Array.from(
    { length: setSize },
    (_, index) => `10.${index >> 8}.${index & 255}.1/32`,
  );
  const pods = Array.from({ length: 10 }, (_, index) =>
    pod(
      workload(`w${index}`, {
        ipv4Nets: [`10.250.0.${index}/32`],
        tiers: [tier('default', ['p', 'q'], ['q'])],
        profiles: [profileName('kns.a')],
      }),
    ),
  );
  const player = new Player().session(
    set(SET, ...members),
    { type: 'policy', policy: policy('p', { inbound: [rule('allow', bySet(SET))] }) },
    { type: 'policy', policy: policy('q', { outbound: [rule('deny')] }) },
    { type: 'profile', profile: profile('kns.a') },
    ...pods,
    { type: 'in-sync' },
  );
  player.flush();
  return player;
}

function change(player: Player, ...deltas: readonly Delta[]): readonly string[] {
  player.fold(...deltas).flush();
  player.check();
  return player.writes;
}

describe('one change writes', () => {
  it('a member of a set of 100,000: one change of one group, and quickly', function () {
    this.timeout(20_000);
    const player = cluster(100_000);
    const started = performance.now();
    for (let index = 0; index < 1000; index++) {
      player.fold({
        type: 'ip-set-delta',
        id: SET,
        added: [`192.0.${index >> 8}.${index & 255}`],
        removed: [],
      });
      const { upserts, removals, members } = player.flush()!;
      expect([upserts.length, removals.length]).to.deep.equal([0, 0]);
      expect(
        members.map(({ key, added, removed }) => [key.id, added.length, removed.length]),
      ).to.deep.equal([[NAMES.group(SET, 'net').id, 1, 0]]);
    }
    expect((performance.now() - started) / 1000, 'ms per change').to.be.lessThan(5);
  });

  it('a policy’s rules: that policy', () => {
    const edited = policy('q', { outbound: [rule('allow')] });
    expect(change(cluster(), { type: 'policy', policy: edited })).to.deep.equal(['networkPolicy']);
  });

  it('a policy whose meaning stays: nothing', () => {
    const edited = policy('q', {
      outbound: [rule('deny', { ruleId: 'other' })],
      selector: 'all()',
    });
    expect(change(cluster(), { type: 'policy', policy: edited })).to.deep.equal([]);
  });

  it('a profile’s rules: that profile', () => {
    const edited = profile('kns.a', { inbound: [rule('allow')] });
    expect(change(cluster(), { type: 'profile', profile: edited })).to.deep.equal([
      'networkPolicy',
    ]);
  });

  it('a rule that names a new set: the policy and the group', () => {
    const edited = policy('q', {
      inbound: [rule('allow', bySet('s:new'))],
      outbound: [rule('deny')],
    });
    const player = cluster();
    expect(
      change(player, set('s:new', '10.0.0.0/8'), { type: 'policy', policy: edited }),
    ).to.deep.equal(['addressGroup', 'networkPolicy']);
    expect(
      change(player, { type: 'policy', policy: policy('q', { outbound: [rule('deny')] }) }),
    ).to.deep.equal(['-addressGroup', 'networkPolicy']);
  });

  it('a set that no rule names: nothing', () => {
    const player = cluster();
    expect(change(player, set('s:idle', '10.0.0.0/8'))).to.deep.equal([]);
    const added: Delta = {
      type: 'ip-set-delta',
      id: ipSetId('s:idle'),
      added: ['1.2.3.4'],
      removed: [],
    };
    expect(change(player, added)).to.deep.equal([]);
  });

  it('a pod’s tiers: its binding', () => {
    const moved = workload('w3', {
      ipv4Nets: ['10.250.0.3/32'],
      tiers: [tier('default', ['q'], ['q'])],
    });
    expect(change(cluster(), pod(moved))).to.deep.equal(['policyBinding']);
  });

  it('a pod’s annotations: nothing', () => {
    const same = { ...cluster().store.state!.workloads.get(workload('w3').key)! };
    const annotated = { ...same, annotations: new Map([['a', 'b']]) };
    expect(change(cluster(), pod(annotated))).to.deep.equal([]);
  });

  it('a new pod: its own objects', () => {
    expect(change(cluster(), pod(workload('new', { ipv4Nets: ['10.9.9.9/32'] })))).to.deep.equal([
      'interface',
      'mapping',
      'policyBinding',
      'vnic',
    ]);
  });

  it('a pod that goes: its own objects', () => {
    expect(change(cluster(), { type: 'workload-remove', key: workload('w3').key })).to.deep.equal([
      '-interface',
      '-mapping',
      '-policyBinding',
      '-vnic',
    ]);
  });

  it('a policy that appears where one was missing: it and the bindings that name it', () => {
    const player = cluster();
    expect(change(player, { type: 'policy-remove', key: policy('q').key })).to.deep.equal([
      '-networkPolicy',
      ...Array.from({ length: 10 }, () => 'policyBinding'),
    ]);
    const back: Delta = { type: 'policy', policy: policy('q', { outbound: [rule('deny')] }) };
    expect(change(player, back)).to.have.length(11);
  });

  it('a host endpoint on the uplink: one binding', () => {
    const hep = hostEndpoint('h', { tiers: [tier('default', ['p'], [])] });
    expect(change(cluster(), { type: 'host-endpoint', endpoint: hep })).to.deep.equal([
      'policyBinding',
    ]);
  });

  it('"*" with forward tiers: every binding, the uplink’s and the tunnel’s', () => {
    const star = hostEndpoint('h', {
      interfaceName: '*',
      forwardTiers: [tier('default', ['p'], [])],
    });
    expect(change(cluster(), { type: 'host-endpoint', endpoint: star })).to.have.length(12);
  });

  it('a set that comes back under its id with another type: a new group, its policies', () => {
    const player = cluster();
    const typed: Delta = {
      type: 'ip-set',
      id: SET,
      setType: 'ip-port',
      members: ['10.0.0.1,tcp:80'],
    };
    expect(change(player, typed)).to.deep.equal(['-addressGroup', 'networkPolicy']);
    const ports = { destinationIpPortSets: [SET] };
    const edited = policy('p', { inbound: [rule('allow', ports)] });
    expect(change(player, { type: 'policy', policy: edited })).to.deep.equal([
      'addressGroup',
      'networkPolicy',
    ]);
    expect(specOf(player, NAMES.group(SET, 'ip-port'))).to.deep.equal({ memberType: 'IP_PORT' });
  });

  it('a route, a VTEP, a node among 8,000 routes of 400 nodes: what is theirs, and quickly', function () {
    this.timeout(30_000);
    const blocks = Array.from({ length: 8_000 }, (_, at) => {
      const nodeName = `n${at % 400}`;
      return remote(`10.${at >> 8}.${at & 255}.0/26`, { nodeName });
    });
    const vteps = Array.from({ length: 400 }, (_, at) =>
      vtep(`n${at}`, 2, { parentIp: `172.30.${at >> 8}.${at & 255}`, parentIpv6: '' }),
    );
    const player = new Player().session(
      vtep('node-a', 1, { parentIp: '172.29.0.1' }),
      ...vteps,
      ...blocks,
      { type: 'in-sync' },
    );
    player.flush();
    const started = performance.now();
    const rounds = 100;
    for (let round = 0; round < rounds; round++) {
      const nodeName = `n${round}`;
      player.fold(remote('10.0.0.0/26', { nodeName })).flush();
      expect(player.writes.length).to.be.lessThan(2);
      player.fold(vtep(nodeName, 3, { parentIp: `172.31.0.${round}`, parentIpv6: '' })).flush();
      expect(player.writes).to.have.length(nodeName === 'n0' ? 22 : 23);
      player.fold(peer(nodeName, 4)).flush();
      expect(player.writes).to.deep.equal([]);
    }
    expect((performance.now() - started) / rounds, 'ms per round').to.be.lessThan(10);
  });
});
