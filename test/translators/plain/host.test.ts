/** Host policy in the lists of the Vnics it reaches. */
import { expect } from 'chai';
import type { FailsafeSpec } from '../../../src/opi/objects/specs.js';
import { plainCapabilities } from '../../../src/translators/policy/plain/capabilities.js';
import type { StageProgram } from '../../../src/translators/policy/program.js';
import { passes, reasons } from './check.js';
import { tcp } from './packet.js';
import { podStages, policy, program, rule, stage, tier, world } from './rules.js';
import { cidr, lower, type Lowered, type World } from './world.js';

const COMPACT = plainCapabilities(true);
const FLATTENED = plainCapabilities(false);
const POD = 'pod';
const SSH: FailsafeSpec = { direction: 'INBOUND', protocol: 6, port: 22 };
const BGP: FailsafeSpec = { direction: 'OUTBOUND', protocol: 6, port: 179 };
const HOST_STAGES = [stage('HOST', 'FROM_PORT', []), stage('HOST', 'TO_PORT', [])];

function node(
  stages: readonly StageProgram[],
  fields: Partial<World> = {},
  limits = COMPACT,
): Lowered {
  const uplink = program('uplink', stages, { failsafes: [SSH, BGP] });
  const pod = program(POD, podStages({}));
  return lower(world(pod, { uplink, ...fields }), limits);
}

function denyFrom(net: string, direction: 'ingress' | 'egress' = 'ingress') {
  const side = direction === 'ingress' ? 'source' : 'destination';
  const nets = [cidr(net)];
  return tier(
    'deny',
    policy('block', direction, rule('deny', { families: [4], [side]: { nets } }), rule('allow')),
  );
}

describe('plain lowering of host policy', () => {
  it('gives the host port no list where no host endpoint is', () => {
    const lowered = lower(world(program(POD, podStages({}))), COMPACT);
    expect(passes(lowered, 'host', 'ingress', tcp('10.2.0.1', '10.0.0.1', 1))).to.equal(true);
    expect(lowered.lowering.lists({ kind: 'vnic', id: 'host0' })).to.equal(undefined);
  });

  it('closes the host but for failsafes and this node', () => {
    const lowered = node(HOST_STAGES);
    const inwards = (from: string, port: number): boolean =>
      passes(lowered, 'host', 'ingress', tcp(from, '10.0.0.1', port));
    expect(inwards('10.2.0.1', 22)).to.equal(true);
    expect(inwards('10.2.0.1', 80)).to.equal(false);
    expect(inwards('10.1.0.1', 80)).to.equal(true);
    const outwards = (to: string, port: number): boolean =>
      passes(lowered, 'host', 'egress', tcp('10.0.0.1', to, port));
    expect(outwards('10.2.0.1', 179)).to.equal(true);
    expect(outwards('10.2.0.1', 22)).to.equal(false);
    expect(outwards('10.1.0.1', 22)).to.equal(true);
    expect(passes(lowered, POD, 'ingress', tcp('10.2.0.1', '10.1.0.1', 80))).to.equal(true);
  });

  it('asks FORWARD for what comes from and goes to the wire, not between local pods', () => {
    for (const limits of [COMPACT, FLATTENED]) {
      const lowered = node(
        [
          stage('FORWARD', 'FROM_PORT', [denyFrom('10.0.0.0/8')]),
          ...HOST_STAGES,
          stage('FORWARD', 'TO_PORT', [denyFrom('10.0.0.0/8', 'egress')]),
        ],
        {},
        limits,
      );
      expect(passes(lowered, POD, 'ingress', tcp('10.2.0.1', '10.1.0.1', 80))).to.equal(false);
      expect(passes(lowered, POD, 'ingress', tcp('192.0.2.1', '10.1.0.1', 80))).to.equal(true);
      expect(passes(lowered, POD, 'ingress', tcp('10.1.0.1', '10.1.0.1', 80))).to.equal(true);
      expect(passes(lowered, POD, 'ingress', tcp('10.0.0.1', '10.1.0.1', 80))).to.equal(true);
      expect(passes(lowered, POD, 'egress', tcp('10.1.0.1', '10.2.0.1', 80))).to.equal(false);
      expect(passes(lowered, POD, 'egress', tcp('10.1.0.1', '192.0.2.1', 80))).to.equal(true);
      expect(reasons(lowered, POD)).to.deep.equal([]);
    }
  });

  it('has no failsafes in FORWARD', () => {
    const stages = [stage('FORWARD', 'FROM_PORT', [tier('deny', policy('fwd', 'ingress'))])];
    const lowered = node([...stages, ...HOST_STAGES]);
    expect(passes(lowered, POD, 'ingress', tcp('10.2.0.1', '10.1.0.1', 22))).to.equal(false);
    expect(passes(lowered, 'host', 'ingress', tcp('10.2.0.1', '10.0.0.1', 22))).to.equal(true);
  });

  it('lets an allow in PRE_DNAT skip FORWARD and HOST, never the pod', () => {
    const allow = tier(
      'pass',
      policy(
        'pre',
        'ingress',
        rule('allow', { protocol: 6, destination: { ports: [{ first: 80, last: 80 }] } }),
      ),
    );
    const deny = tier('deny', policy('fwd', 'ingress'));
    const lowered = node([
      stage('PRE_DNAT', 'FROM_PORT', [allow]),
      stage('FORWARD', 'FROM_PORT', [deny]),
      ...HOST_STAGES,
    ]);
    expect(passes(lowered, POD, 'ingress', tcp('10.2.0.1', '10.1.0.1', 80))).to.equal(true);
    expect(passes(lowered, POD, 'ingress', tcp('10.2.0.1', '10.1.0.1', 81))).to.equal(false);
    expect(passes(lowered, 'host', 'ingress', tcp('10.2.0.1', '10.0.0.1', 80))).to.equal(true);
    expect(passes(lowered, 'host', 'ingress', tcp('10.2.0.1', '10.0.0.1', 81))).to.equal(false);
  });

  it('keeps untracked denies, sends untracked allows on to the later stages, and tells it', () => {
    const untracked = tier(
      'pass',
      policy(
        'raw',
        'ingress',
        rule('deny', { families: [4], source: { nets: [cidr('10.9.0.0/16')] } }),
        rule('allow', { protocol: 6, destination: { ports: [{ first: 80, last: 80 }] } }),
      ),
    );
    const lowered = node([stage('UNTRACKED', 'FROM_PORT', [untracked]), ...HOST_STAGES]);
    expect(passes(lowered, 'host', 'ingress', tcp('10.9.0.1', '10.0.0.1', 22))).to.equal(true);
    expect(passes(lowered, POD, 'ingress', tcp('10.9.0.1', '10.1.0.1', 80))).to.equal(false);
    expect(passes(lowered, 'host', 'ingress', tcp('10.2.0.1', '10.0.0.1', 80))).to.equal(false);
    expect(reasons(lowered, 'uplink').join('\n')).to.contain('untracked allow');
    expect(reasons(lowered, POD).join('\n')).to.contain('untracked allow');
  });

  it('asks the tunnel stages by destination, and of what comes in the stages of both', () => {
    const tunnel = program('tunnel', [
      stage('FORWARD', 'TO_PORT', [denyFrom('10.3.1.0/24', 'egress')]),
    ]);
    const lowered = node(
      [
        stage('FORWARD', 'FROM_PORT', [denyFrom('10.0.0.0/8')]),
        stage('FORWARD', 'TO_PORT', [denyFrom('0.0.0.0/0', 'egress')]),
        ...HOST_STAGES,
      ],
      { tunnel, tunnelDestinations: ['10.3.0.0/16'] },
    );
    expect(passes(lowered, POD, 'egress', tcp('10.1.0.1', '10.3.0.1', 80))).to.equal(true);
    expect(passes(lowered, POD, 'egress', tcp('10.1.0.1', '10.3.1.1', 80))).to.equal(false);
    expect(passes(lowered, POD, 'egress', tcp('10.1.0.1', '10.2.0.1', 80))).to.equal(false);
    expect(passes(lowered, 'host', 'egress', tcp('10.0.0.1', '10.3.0.1', 80))).to.equal(true);
    expect(passes(lowered, POD, 'ingress', tcp('10.3.0.1', '10.1.0.1', 80))).to.equal(false);
    expect(reasons(lowered, POD).join('\n')).to.contain('tunnel');
  });

  it('asks every inner stage of the tunnel of what comes in', () => {
    const open = [stage('HOST', 'FROM_PORT', []), stage('HOST', 'TO_PORT', [])];
    const star = (kind: 'PRE_DNAT' | 'FORWARD', net: string): StageProgram =>
      stage(kind, 'FROM_PORT', [denyFrom(net)]);
    for (const kind of ['PRE_DNAT', 'FORWARD'] as const) {
      const tunnel = program('tunnel', [star(kind, '10.3.0.0/24')]);
      const lowered = node(open, { tunnel, tunnelDestinations: ['10.3.0.0/16'] });
      expect(passes(lowered, POD, 'ingress', tcp('10.3.0.1', '10.1.0.1', 80))).to.equal(false);
      expect(passes(lowered, POD, 'ingress', tcp('10.3.1.1', '10.1.0.1', 80))).to.equal(true);
    }
  });

  it('asks the stages of "*" on the pod itself, FORWARD not for the own host', () => {
    const star = [
      stage('PRE_DNAT', 'FROM_PORT', [
        tier('pass', policy('pre', 'ingress', rule('deny', { protocol: 17 }))),
      ]),
      stage('FORWARD', 'FROM_PORT', [denyFrom('10.1.0.1/32')]),
    ];
    const pod = program(POD, [...star, ...podStages({})], { toHostAction: 'ACCEPT' });
    const lowered = lower(world(pod), COMPACT);
    expect(passes(lowered, POD, 'egress', tcp('10.1.0.1', '10.2.0.1', 80))).to.equal(false);
    expect(passes(lowered, POD, 'egress', tcp('10.1.0.1', '10.0.0.1', 80))).to.equal(true);
    expect(
      passes(lowered, POD, 'egress', { ...tcp('10.1.0.1', '10.0.0.1', 80), protocol: 17 }),
    ).to.equal(false);
  });
});

describe('plain lowering beyond the budget', () => {
  const many = Array.from({ length: 30 }, (_, index) =>
    rule(index % 2 === 0 ? 'allow' : 'deny', {
      families: [4],
      protocol: 6,
      source: { nets: [cidr(`10.${index}.0.0/16`)] },
      destination: { ports: [{ first: index, last: index }] },
    }),
  );

  it('closes the host but for its failsafes', () => {
    const host = stage('HOST', 'FROM_PORT', [tier('deny', policy('many', 'ingress', ...many))]);
    const lowered = node(
      [host, stage('HOST', 'TO_PORT', [])],
      {},
      { ...COMPACT, rulesPerListMax: 10 },
    );
    expect(passes(lowered, 'host', 'ingress', tcp('10.0.0.9', '10.0.0.1', 0))).to.equal(false);
    expect(passes(lowered, 'host', 'ingress', tcp('10.0.0.9', '10.0.0.1', 22))).to.equal(true);
    expect(passes(lowered, 'host', 'ingress', tcp('10.1.0.1', '10.0.0.1', 5))).to.equal(true);
    expect(reasons(lowered, 'uplink')[0]).to.match(
      /^budget ingress: the list needs more than 10 rules/,
    );
  });

  it('gives up FORWARD before the pod itself', () => {
    const forward = stage('FORWARD', 'FROM_PORT', [
      tier('deny', policy('many', 'ingress', ...many)),
    ]);
    const lowered = node([forward, ...HOST_STAGES], {}, { ...COMPACT, rulesPerListMax: 10 });
    expect(passes(lowered, POD, 'ingress', tcp('10.2.0.1', '10.1.0.1', 2))).to.equal(false);
    expect(passes(lowered, POD, 'ingress', tcp('10.1.0.1', '10.1.0.1', 2))).to.equal(true);
    expect(passes(lowered, POD, 'ingress', tcp('10.0.0.1', '10.1.0.1', 2))).to.equal(true);
    expect(reasons(lowered, POD)[0]).to.match(/^budget ingress/);
  });

  it('closes a pod whose own policy does not fit, but for its host', () => {
    const pod = program(
      POD,
      podStages({ ingress: [tier('deny', policy('many', 'ingress', ...many))] }),
    );
    const lowered = lower(world(pod), { ...COMPACT, rulesPerListMax: 10 });
    expect(passes(lowered, POD, 'ingress', tcp('10.0.0.9', '10.1.0.1', 0))).to.equal(false);
    expect(passes(lowered, POD, 'ingress', tcp('10.0.0.1', '10.1.0.1', 0))).to.equal(true);
    expect(passes(lowered, POD, 'egress', tcp('10.1.0.1', '10.2.0.1', 0))).to.equal(true);
    expect(reasons(lowered, POD)).to.have.length(1);
  });

  it('denies a pass whose product is too large, naming the rule', () => {
    const first = tier(
      'deny',
      policy('first', 'ingress', rule('pass', { protocol: 6 }), rule('allow')),
    );
    const pod = program(
      POD,
      podStages({ ingress: [first, tier('deny', policy('many', 'ingress', ...many))] }),
    );
    const lowered = lower(world(pod), { ...COMPACT, productMax: 10 });
    expect(passes(lowered, POD, 'ingress', tcp('10.0.0.9', '10.1.0.1', 0))).to.equal(false);
    expect(
      passes(lowered, POD, 'ingress', { ...tcp('10.0.0.9', '10.1.0.1', 0), protocol: 17 }),
    ).to.equal(true);
    const [told] = lowered.lowering.degradations();
    expect(told).to.deep.include({ code: 'budget', subject: POD, direction: 'ingress' });
    expect(told?.rule).to.deep.include({ direction: 'ingress', index: 0 });
  });

  it('leaves out a flattened allow that is too large, and denies more than such a deny asks', () => {
    const nets = Array.from({ length: 8 }, (_, index) => cidr(`10.${index * 2}.0.0/16`));
    const large = (action: 'allow' | 'deny') =>
      rule(action, { families: [4], protocol: 6, source: { nets } });
    const tiers = [
      tier(
        'deny',
        policy(
          'p',
          'ingress',
          large('deny'),
          rule('allow', { protocol: 6, families: [4] }),
          rule('allow', { protocol: 17, families: [4], source: { nets } }),
        ),
      ),
    ];
    const lowered = lower(world(program(POD, podStages({ ingress: tiers }))), {
      ...FLATTENED,
      rulesPerRuleMax: 4,
    });
    expect(passes(lowered, POD, 'ingress', tcp('10.3.0.1', '10.1.0.1', 0))).to.equal(false);
    expect(passes(lowered, POD, 'ingress', tcp('10.15.0.1', '10.1.0.1', 0))).to.equal(true);
    expect(
      passes(lowered, POD, 'ingress', { ...tcp('10.2.0.1', '10.1.0.1', 0), protocol: 17 }),
    ).to.equal(false);
    expect(reasons(lowered, POD).map((text) => text.split('; ')[1])).to.deep.equal([
      'the rule denies more',
      'the rule is left out',
    ]);
  });
});
