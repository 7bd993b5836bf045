/** NetworkPolicies and AddressGroups of the native target. */
import { expect } from 'chai';
import type { Delta } from '../../../src/model/delta.js';
import { ipSetId, profileName } from '../../../src/model/ids.js';
import type { IpSetType, Rule } from '../../../src/model/policy.js';
import { ANY_ENDPOINT, MATCH_ALL } from '../../../src/opi/objects/match.js';
import { keyText } from '../../../src/opi/objects/key.js';
import { anySide, policy, profile, rule, tier, workload } from '../support/model.js';
import { NAMES, pod, specOf, specsOf } from '../support/objects.js';
import { Player } from '../support/play.js';

const set = (id: string, setType: IpSetType, ...members: string[]): Delta => ({
  type: 'ip-set',
  id: ipSetId(id),
  setType,
  members,
});
const told = (...rules: readonly Rule[]): Delta => ({
  type: 'policy',
  policy: policy('p', { inbound: rules }),
});

function play(...deltas: readonly Delta[]): Player {
  const player = new Player().session(...deltas, { type: 'in-sync' });
  player.flush();
  player.check();
  return player;
}

const KEY = NAMES.policy(`policy:${policy('p').key}`);
const ingress = (player: Player) => specOf(player, KEY)?.ingressRules;
const members = (player: Player, id: string, type: IpSetType) => [
  ...(player.objects.get(keyText(NAMES.group(ipSetId(id), type)))?.members ?? []),
];

describe('native: NetworkPolicies', () => {
  it('carries every condition of a rule', () => {
    const ids = (...names: string[]) => names.map(ipSetId);
    const player = play(
      ...['n1', 'n2', 'n3'].map((id) => set(id, 'net', '10.0.0.0/8')),
      ...['q1', 'q2', 'q3'].map((id) => set(id, 'ip-port', '10.0.0.1,tcp:80')),
      told(
        rule('pass', {
          family: 4,
          protocol: { kind: 'number', number: 6 },
          notProtocol: { kind: 'number', number: 17 },
          source: {
            ...anySide,
            nets: ['10.0.0.0/8', 'fd00::/8'],
            notNets: ['10.1.0.0/16'],
            ipSets: ids('n2', 'n1'),
            notIpSets: ids('n3'),
          },
          destination: {
            ...anySide,
            ports: [{ first: 80, last: 90 }],
            namedPorts: ids('q1'),
            notPorts: [{ first: 85, last: 85 }],
            notNamedPorts: ids('q2'),
          },
          destinationIpPortSets: ids('q3'),
          icmp: { type: 8 },
          notIcmp: { type: 3, code: 0 },
        }),
      ),
    );
    const net = (id: string) => NAMES.group(ipSetId(id), 'net');
    const port = (id: string) => NAMES.group(ipSetId(id), 'ip-port');
    expect(ingress(player)).to.deep.equal([
      {
        ruleId: 'policy/default/GlobalNetworkPolicy//p/ingress/0',
        action: 'PASS',
        match: {
          family: 4,
          protocol: 6,
          notProtocol: 17,
          source: {
            ...ANY_ENDPOINT,
            prefixes: ['10.0.0.0/8'],
            notPrefixes: ['10.1.0.0/16'],
            groups: [net('n1'), net('n2')],
            notGroups: [net('n3')],
          },
          destination: {
            ...ANY_ENDPOINT,
            ports: [{ low: 80, high: 90 }],
            namedPortGroups: [port('q1')],
            notPorts: [{ low: 85, high: 85 }],
            notNamedPortGroups: [port('q2')],
          },
          ipPortGroups: [port('q3')],
          icmp: { type: 8 },
          notIcmp: { type: 3, code: 0 },
        },
      },
    ]);
  });

  it('corner 14: a rule without fields matches everything of both families', () => {
    expect(ingress(play(told(rule('allow'))))?.[0]?.match).to.deep.equal(MATCH_ALL);
  });

  it('keeps Felix’s index of a rule when one before it exists for no family', () => {
    const nowhere = rule('allow', { source: { ...anySide, notNets: ['0.0.0.0/0', '::/0'] } });
    expect(
      ingress(play(told(nowhere, rule('log'), rule('deny'))))?.map(({ ruleId, action }) => [
        ruleId,
        action,
      ]),
    ).to.deep.equal([
      ['policy/default/GlobalNetworkPolicy//p/ingress/1', 'LOG'],
      ['policy/default/GlobalNetworkPolicy//p/ingress/2', 'DENY'],
    ]);
  });

  it('leads from an emitted rule back to Calico’s', () => {
    const player = play(told(rule('allow'), rule('deny')));
    const [, second] = ingress(player)!;
    expect(player.translator.ruleOrigin(KEY, second!.ruleId)).to.deep.equal({
      source: { kind: 'policy', id: policy('p').id, tier: 'default' },
      direction: 'ingress',
      index: 1,
    });
    expect(player.translator.ruleOrigin(NAMES.denyAllPolicy, 'deny-all')).to.equal(undefined);
  });

  it('one object per policy and per profile, whoever uses it; staged ones are none', () => {
    const player = play(
      { type: 'policy', policy: policy('p') },
      { type: 'policy', policy: policy('unused') },
      { type: 'policy', policy: policy('staged:s', { inbound: [rule('deny')] }) },
      { type: 'profile', profile: profile('p') },
      ...['a', 'b', 'c'].map((name) =>
        pod(
          workload(name, { tiers: [tier('default', ['p'], ['p'])], profiles: [profileName('p')] }),
        ),
      ),
    );
    expect(specsOf(player, 'networkPolicy')).to.have.length(4);
    expect(specOf(player, NAMES.denyAllPolicy)?.ingressRules).to.deep.equal([
      { ruleId: 'deny-all', action: 'DENY', match: MATCH_ALL },
    ]);
  });

  it('a set that is missing cuts the list; when it comes the list is whole', () => {
    const bySet = { source: { ...anySide, ipSets: [ipSetId('late')] } };
    const player = play(
      told(rule('allow', { family: 4 }), rule('allow', bySet), rule('allow')),
      pod(workload('w', { tiers: [tier('default', ['p'], [])] })),
    );
    expect(ingress(player)?.map(({ action }) => action)).to.deep.equal(['ALLOW', 'DENY']);
    expect(player.translator.degradations()).to.deep.include.members([
      {
        code: 'missing-referent',
        subject: 'k8s/w/eth0',
        direction: 'ingress',
        rule: {
          source: { kind: 'policy', id: policy('p').id, tier: 'default' },
          direction: 'ingress',
          index: 1,
        },
        reason: 'IP set late is not there; denied from this rule on',
      },
    ]);
    player.fold(set('late', 'net')).flush();
    player.check();
    expect(ingress(player)?.map(({ action }) => action)).to.deep.equal(['ALLOW', 'ALLOW', 'ALLOW']);
    expect(player.translator.degradations()).to.deep.equal([]);
    player.fold({ type: 'ip-set-remove', id: ipSetId('late') }).flush();
    player.check();
    expect(ingress(player)?.map(({ action }) => action)).to.deep.equal(['ALLOW', 'DENY']);
  });
});

describe('native: AddressGroups', () => {
  const named = told(
    rule('allow', { source: { ...anySide, ipSets: [ipSetId('n')] } }),
    rule('allow', { destination: { ...anySide, namedPorts: [ipSetId('q')] } }),
  );

  it('hold canonical members of both families', () => {
    const player = play(
      set('n', 'net', '10.0.0.1', '10.9.0.0/8', 'FD00::1/128'),
      set('q', 'ip-port', '10.0.0.1,tcp:80', 'fd00:0::1,sctp:5060'),
      named,
    );
    expect(members(player, 'n', 'net')).to.have.members([
      '10.0.0.1/32',
      '10.0.0.0/8',
      'fd00::1/128',
    ]);
    expect(members(player, 'q', 'ip-port')).to.have.members(['10.0.0.1,6:80', 'fd00::1,132:5060']);
    expect(specOf(player, NAMES.group(ipSetId('q'), 'ip-port'))).to.deep.equal({
      memberType: 'IP_PORT',
    });
  });

  it('two spellings are one member, which goes with the last of them', () => {
    const player = play(set('n', 'net', '10.0.0.1', '10.0.0.1/32'), set('q', 'ip-port'), named);
    const change = (added: string[], removed: string[]): Delta => ({
      type: 'ip-set-delta',
      id: ipSetId('n'),
      added,
      removed,
    });
    player.fold(change([], ['10.0.0.1'])).flush();
    expect([player.writes, members(player, 'n', 'net')]).to.deep.equal([[], ['10.0.0.1/32']]);
    player.fold(change(['10.0.0.1'], ['10.0.0.1/32'])).flush();
    expect(player.writes).to.deep.equal([]);
    player.fold(change([], ['10.0.0.1'])).flush();
    expect([player.writes, members(player, 'n', 'net')]).to.deep.equal([['~addressGroup'], []]);
    player.check();
  });

  it('corner 60: a replaced membership is told as its difference', () => {
    const player = play(set('n', 'net', '10.0.0.1', '10.0.0.2'), set('q', 'ip-port'), named);
    const delta = player.fold(set('n', 'net', '10.0.0.2', '10.0.0.3')).flush();
    expect(delta?.members.map(({ added, removed }) => [added, removed])).to.deep.equal([
      [['10.0.0.3/32'], ['10.0.0.1/32']],
    ]);
    player.check();
  });

  it('a malformed member is left out of an allow, and denies where leaving it out would widen', () => {
    const negated = { source: { ...anySide, notIpSets: [ipSetId('n')] } };
    const player = play(
      set('n', 'net', '10.0.0.1', 'ten'),
      told(
        rule('allow', { source: { ...anySide, ipSets: [ipSetId('n')] } }),
        rule('allow', negated),
      ),
    );
    expect(members(player, 'n', 'net')).to.deep.equal(['10.0.0.1/32']);
    expect(ingress(player)?.map(({ action }) => action)).to.deep.equal(['ALLOW', 'DENY']);
    player.fold({ type: 'ip-set-delta', id: ipSetId('n'), added: [], removed: ['ten'] }).flush();
    player.check();
    expect(ingress(player)?.map(({ action }) => action)).to.deep.equal(['ALLOW', 'ALLOW']);
  });
});
