/** A pod's own policy as lists: what each match and action becomes, at the packet level and in rules. */
import { expect } from 'chai';
import { ipSetId } from '../../../src/model/ids.js';
import { plainCapabilities } from '../../../src/translators/policy/plain/capabilities.js';
import type { TierProgram } from '../../../src/translators/policy/program.js';
import { passes, reasons, theList } from './check.js';
import { between, icmp, tcp, udp, withPorts } from './packet.js';
import { podStages, policy, profile, program, rule, sets, stage, tier, world } from './rules.js';
import { cidr, lower, type Lowered, type World } from './world.js';

const COMPACT = plainCapabilities(true);
const FLATTENED = plainCapabilities(false);
const POD = 'pod';

function ingress(
  tiers: readonly TierProgram[],
  fields: Partial<World> = {},
  limits = COMPACT,
): Lowered {
  return lower(world(program(POD, podStages({ ingress: tiers })), fields), limits);
}

describe('plain lowering of workload policy', () => {
  it('gives one list for each direction and family, closed at its end, named by the rules', () => {
    const lowered = ingress([
      tier(
        'deny',
        policy(
          'web',
          'ingress',
          rule('allow', { protocol: 6, destination: { ports: [{ first: 80, last: 81 }] } }),
        ),
      ),
    ]);
    const list = theList(lowered, POD, 'ingress', 4);
    expect(list).to.include({ family: 4, defaultAction: 'DENY', format: 'COMPACT' });
    expect(list.rules.map(({ ruleName }) => ruleName)).to.deep.equal([
      'from-host',
      'policy/default/GlobalNetworkPolicy//web/ingress/0',
    ]);
    expect(list.rules[1]).to.deep.include({
      priority: 1,
      action: 'ALLOW',
      terminating: true,
      protocol: 6,
      destinationPorts: [{ low: 80, high: 81 }],
    });
    expect(passes(lowered, POD, 'ingress', tcp('10.2.0.1', '10.1.0.1', 81))).to.equal(true);
    expect(passes(lowered, POD, 'ingress', tcp('10.2.0.1', '10.1.0.1', 82))).to.equal(false);
    expect(passes(lowered, POD, 'ingress', udp('10.2.0.1', '10.1.0.1', 81))).to.equal(false);
    expect(passes(lowered, POD, 'ingress', tcp('fd02::1', 'fd01::1', 80))).to.equal(true);
    expect(passes(lowered, POD, 'egress', tcp('10.1.0.1', '10.2.0.1', 82))).to.equal(true);
  });

  it('writes negated prefixes as ranges, one rule where lists are there, one per range where not', () => {
    const negated = rule('allow', {
      families: [4],
      source: { notNets: ['10.0.0.0/8', '192.168.0.0/16'].map(cidr) },
    });
    const tiers = [tier('deny', policy('p', 'ingress', negated))];
    const compact = theList(ingress(tiers), POD, 'ingress', 4).rules[1];
    expect(compact?.source).to.deep.equal([
      { low: '0.0.0.0', high: '9.255.255.255' },
      { low: '11.0.0.0', high: '192.167.255.255' },
      { low: '192.169.0.0', high: '255.255.255.255' },
    ]);
    expect(theList(ingress(tiers, {}, FLATTENED), POD, 'ingress', 4).rules).to.have.length(4);
  });

  it('says "not protocol X" with two rules instead of 255', () => {
    const tiers = [
      tier(
        'deny',
        policy(
          'p',
          'ingress',
          rule('allow', { notProtocol: 6 }),
          rule('allow', { protocol: 6, destination: { ports: [{ first: 80, last: 80 }] } }),
        ),
      ),
    ];
    for (const limits of [COMPACT, FLATTENED]) {
      const lowered = ingress(tiers, {}, limits);
      expect(theList(lowered, POD, 'ingress', 4).rules.length).to.be.at.most(5);
      expect(passes(lowered, POD, 'ingress', udp('10.2.0.1', '10.1.0.1', 9))).to.equal(true);
      expect(passes(lowered, POD, 'ingress', between(255, '10.2.0.1', '10.1.0.1'))).to.equal(true);
      expect(passes(lowered, POD, 'ingress', tcp('10.2.0.1', '10.1.0.1', 80))).to.equal(true);
      expect(passes(lowered, POD, 'ingress', tcp('10.2.0.1', '10.1.0.1', 81))).to.equal(false);
    }
  });

  it('takes negated ICMP for ICMP packets of other types alone', () => {
    const tiers = [
      tier('deny', policy('p', 'ingress', rule('allow', { notIcmp: { type: 8, code: 1 } }))),
    ];
    for (const limits of [COMPACT, FLATTENED]) {
      const lowered = ingress(tiers, {}, limits);
      expect(passes(lowered, POD, 'ingress', icmp('10.2.0.1', '10.1.0.1', 8, 0))).to.equal(true);
      expect(passes(lowered, POD, 'ingress', icmp('10.2.0.1', '10.1.0.1', 8, 1))).to.equal(false);
      expect(passes(lowered, POD, 'ingress', icmp('fd02::1', 'fd01::1', 128))).to.equal(true);
      expect(passes(lowered, POD, 'ingress', between(1, 'fd02::1', 'fd01::1'))).to.equal(false);
      expect(passes(lowered, POD, 'ingress', tcp('10.2.0.1', '10.1.0.1', 8))).to.equal(false);
    }
    const [, ...rules] = theList(ingress(tiers, {}, FLATTENED), POD, 'ingress', 4).rules;
    expect(rules).to.have.length(2);
  });

  it('lets a packet match numeric ports or named ones', () => {
    const members = sets({ 'n:http': ['10.1.0.1,6:8080', '10.1.0.9,6:9090', '10.1.0.1,17:53'] });
    const either = rule('allow', {
      protocol: 6,
      destination: { ports: [{ first: 80, last: 80 }], namedPorts: [ipSetId('n:http')] },
    });
    const lowered = ingress([tier('deny', policy('p', 'ingress', either))], { sets: members });
    expect(passes(lowered, POD, 'ingress', tcp('10.2.0.1', '10.1.0.1', 80))).to.equal(true);
    expect(passes(lowered, POD, 'ingress', tcp('10.2.0.1', '10.1.0.1', 8080))).to.equal(true);
    expect(passes(lowered, POD, 'ingress', tcp('10.2.0.1', '10.1.0.1', 9090))).to.equal(false);
    expect(passes(lowered, POD, 'ingress', tcp('10.2.0.1', '10.1.0.1', 53))).to.equal(false);
    expect(passes(lowered, POD, 'ingress', udp('10.2.0.1', '10.1.0.1', 53))).to.equal(false);
  });

  it('keeps out of a rule what a negated named port holds, and nothing else', () => {
    const members = sets({
      'n:x': ['10.1.0.1,6:80', '10.1.0.1,6:81', '10.1.0.2,6:80', '10.1.0.1,132:7'],
    });
    const none = rule('allow', { destination: { notNamedPorts: [ipSetId('n:x')] } });
    const lowered = ingress([tier('deny', policy('p', 'ingress', none))], { sets: members });
    const verdict = (protocol: number, to: string, port: number): boolean =>
      passes(lowered, POD, 'ingress', withPorts(protocol, '10.2.0.1', to, port));
    expect(verdict(6, '10.1.0.1', 80)).to.equal(false);
    expect(verdict(6, '10.1.0.1', 81)).to.equal(false);
    expect(verdict(6, '10.1.0.2', 81)).to.equal(true);
    expect(verdict(6, '10.1.0.2', 80)).to.equal(false);
    expect(verdict(6, '10.1.0.3', 80)).to.equal(true);
    expect(verdict(17, '10.1.0.1', 80)).to.equal(true);
    expect(verdict(132, '10.1.0.1', 7)).to.equal(false);
    expect(passes(lowered, POD, 'ingress', icmp('10.2.0.1', '10.1.0.1', 8))).to.equal(true);
  });

  it('takes two positive sets as their intersection, an empty one as no packet', () => {
    const members = sets({
      's:a': ['10.2.0.0/24'],
      's:b': ['10.2.0.7/32', '10.9.0.1/32'],
      's:e': [],
    });
    const two = rule('allow', { source: { ipSets: [ipSetId('s:a'), ipSetId('s:b')] } });
    const empty = rule('allow', { source: { ipSets: [ipSetId('s:e')] } });
    const lowered = ingress([tier('deny', policy('p', 'ingress', empty, two))], { sets: members });
    const [, only, ...rest] = theList(lowered, POD, 'ingress', 4).rules;
    expect(only?.source).to.deep.equal([{ prefix: '10.2.0.7/32' }]);
    expect(rest).to.deep.equal([]);
  });

  it('cuts a tier behind an unconditional pass and drops a pass that changes nothing', () => {
    const next = tier('deny', policy('next', 'ingress', rule('allow', { protocol: 6 })));
    const cut = tier(
      'deny',
      policy('first', 'ingress', rule('pass'), rule('deny', { protocol: 6 })),
    );
    expect(theList(ingress([cut, next]), POD, 'ingress', 4).rules).to.have.length(2);
    const idle = tier(
      'pass',
      policy('first', 'ingress', rule('pass', { protocol: 6 }), rule('deny', { protocol: 17 })),
    );
    expect(theList(ingress([idle, next]), POD, 'ingress', 4).rules).to.have.length(3);
  });

  it('multiplies a pass with the tiers behind it', () => {
    const next = tier(
      'deny',
      policy(
        'next',
        'ingress',
        rule('allow', { destination: { ports: [{ first: 80, last: 80 }] } }),
      ),
    );
    const first = tier(
      'deny',
      policy(
        'first',
        'ingress',
        rule('pass', { source: { nets: [cidr('10.2.0.0/24')] }, families: [4] }),
        rule('allow', { protocol: 6 }),
      ),
    );
    const lowered = ingress([first, next]);
    expect(passes(lowered, POD, 'ingress', tcp('10.2.0.1', '10.1.0.1', 80))).to.equal(true);
    expect(passes(lowered, POD, 'ingress', tcp('10.2.0.1', '10.1.0.1', 81))).to.equal(false);
    expect(passes(lowered, POD, 'ingress', tcp('10.3.0.1', '10.1.0.1', 81))).to.equal(true);
    expect(passes(lowered, POD, 'ingress', udp('10.3.0.1', '10.1.0.1', 80))).to.equal(false);
  });

  it('asks profiles behind the tiers, a pass in one goes to the next', () => {
    const first = profile(
      'kns.a',
      'ingress',
      rule('pass', { protocol: 6 }),
      rule('deny', { protocol: 17 }),
    );
    const second = profile('ksa.a', 'ingress', rule('allow'));
    const stages = [
      stage('WORKLOAD', 'TO_PORT', [], [first, second]),
      stage('WORKLOAD', 'FROM_PORT', []),
    ];
    const lowered = lower(world(program(POD, stages)), COMPACT);
    expect(passes(lowered, POD, 'ingress', tcp('10.2.0.1', '10.1.0.1', 1))).to.equal(true);
    expect(passes(lowered, POD, 'ingress', udp('10.2.0.1', '10.1.0.1', 1))).to.equal(false);
    expect(passes(lowered, POD, 'egress', tcp('10.1.0.1', '10.2.0.1', 1))).to.equal(false);
  });

  it('ignores log rules without a word', () => {
    const lowered = ingress([
      tier('deny', policy('p', 'ingress', rule('log'), rule('allow', { protocol: 6 }))),
    ]);
    expect(theList(lowered, POD, 'ingress', 4).rules).to.have.length(2);
    expect(reasons(lowered, POD)).to.deep.equal([]);
  });

  it('leaves out an allow and keeps a deny whose set cannot be used', () => {
    const bad = sets({ 's:bad': ['10.2.0.0/24', 'no address'], 'n:x': [] });
    const allow = rule('allow', { source: { ipSets: [ipSetId('s:bad')] } });
    const deny = rule('deny', { protocol: 6, source: { ipSets: [ipSetId('n:x')] } });
    const lowered = ingress([tier('deny', policy('p', 'ingress', allow, deny, rule('allow')))], {
      sets: bad,
    });
    expect(passes(lowered, POD, 'ingress', tcp('10.2.0.1', '10.1.0.1', 80))).to.equal(false);
    expect(passes(lowered, POD, 'ingress', udp('10.3.0.1', '10.1.0.1', 80))).to.equal(true);
    expect(reasons(lowered, POD)).to.deep.equal([
      'invalid ingress: policy/default/GlobalNetworkPolicy//p/ingress/0: IP set s:bad: member "no address" is malformed; the rule is left out',
      'invalid ingress: policy/default/GlobalNetworkPolicy//p/ingress/1: IP set n:x is not of type net; the rule denies more',
    ]);
  });
});

describe('plain lowering of what holds for every pod', () => {
  const open = (fields: Parameters<typeof program>[2]): Lowered =>
    lower(world(program(POD, podStages({}), fields)), COMPACT);

  it('lets the host in and no other node', () => {
    const lowered = ingress([tier('deny', policy('p', 'ingress'))]);
    expect(passes(lowered, POD, 'ingress', tcp('10.0.0.1', '10.1.0.1', 80))).to.equal(true);
    expect(passes(lowered, POD, 'ingress', tcp('10.0.0.2', '10.1.0.1', 80))).to.equal(false);
  });

  it('refuses encapsulated traffic in front of policy, unless configured', () => {
    const closed = open({});
    expect(passes(closed, POD, 'egress', udp('10.1.0.1', '10.2.0.1', 4789))).to.equal(false);
    expect(passes(closed, POD, 'egress', between(4, '10.1.0.1', '10.2.0.1'))).to.equal(false);
    expect(passes(closed, POD, 'egress', between(4, 'fd01::1', 'fd02::1'))).to.equal(false);
    const configured = open({ deniedEncapsulation: { ipip: false } });
    expect(passes(configured, POD, 'egress', udp('10.1.0.1', '10.2.0.1', 4789))).to.equal(true);
    expect(passes(configured, POD, 'egress', between(4, '10.1.0.1', '10.2.0.1'))).to.equal(true);
  });

  it('takes the action for the own host behind the egress policy', () => {
    const toHost = tcp('10.1.0.1', '10.0.0.1', 22);
    expect(passes(open({ toHostAction: 'DROP' }), POD, 'egress', toHost)).to.equal(false);
    expect(passes(open({ toHostAction: 'ACCEPT' }), POD, 'egress', toHost)).to.equal(true);
    expect(passes(open({ toHostAction: 'RETURN' }), POD, 'egress', toHost)).to.equal(true);
    expect(
      passes(open({ toHostAction: 'DROP' }), POD, 'egress', udp('10.1.0.1', '224.0.0.1', 5353)),
    ).to.equal(false);
    const stages = podStages({ egress: [tier('deny', policy('p', 'egress'))] });
    const lowered = lower(world(program(POD, stages, { toHostAction: 'ACCEPT' })), COMPACT);
    expect(passes(lowered, POD, 'egress', toHost)).to.equal(false);
  });

  it('lets neighbour discovery and MLD through to the host, not router advertisements', () => {
    const lowered = lower(
      world(program(POD, podStages({ egress: [tier('deny', policy('p', 'egress'))] }))),
      COMPACT,
    );
    for (const type of [130, 131, 132, 133, 135, 136]) {
      expect(passes(lowered, POD, 'egress', icmp('fe80::1', 'ff02::1', type))).to.equal(true);
    }
    expect(passes(lowered, POD, 'egress', icmp('fe80::1', 'ff02::1', 134))).to.equal(false);
    expect(passes(lowered, POD, 'egress', icmp('fd01::1', 'fd02::1', 135))).to.equal(false);
  });

  it('leaves a port that is not active with the deny-all lists', () => {
    const lowered = open({ disabled: true });
    expect([...lowered.lists]).to.deep.equal([]);
  });

  it('tells what the source guard and connection tracking cannot do', () => {
    const lowered = open({
      invalidAction: 'CONTINUE',
      allowedSources: ['10.1.0.1/32', '10.8.0.0/16', 'fd01::1/128'].map(cidr),
    });
    expect(reasons(lowered, POD)).to.deep.equal([
      'not-expressible both: DisableConntrackInvalidCheck: lists drop packets without a valid connection state all the same',
      'not-expressible egress: allowed sources 10.8.0.0/16 have no Mapping: the source guard drops them',
    ]);
  });
});
