/** Random stacks against random packets: the lists say what Calico says, or less with a reason, never more. */
import { expect } from 'chai';
import fc from 'fast-check';
import { FAMILIES } from '../../../src/base/ip.js';
import {
  plainCapabilities,
  type PlainCapabilities,
} from '../../../src/translators/policy/plain/capabilities.js';
import { packetArb, worldArb, type WorldOptions } from './arbitrary.js';
import { listAllows, shapeProblems } from './lists.js';
import { packetText, type Packet } from './packet.js';
import {
  calicoEgress,
  calicoHostEgress,
  calicoHostIngress,
  calicoIngress,
  hostVnic,
  listOf,
  lower,
  placeOf,
  vnicOf,
  type Lowered,
  type Place,
  type World,
} from './world.js';

/** Time for each property. */
const TIME_MS = Number(process.env['PLAIN_PROPERTY_MS'] ?? 1500);

const TIGHT = { rulesPerRuleMax: 6, productMax: 12, rulesPerListMax: 40 };

/** One direction of one Vnic with both verdicts about a packet. */
interface Verdicts {
  readonly subject: string;
  readonly direction: 'ingress' | 'egress';
  readonly calico: boolean;
  readonly plain: boolean;
  readonly text: string;
}

/** Entry ports that a packet with this source can have come by. */
function entries(world: World, packet: Packet): Place[] {
  const place = placeOf(world, packet, packet.source, 'from');
  if (place === 'host' || place === 'pod') return [place];
  return world.tunnelDestinations.length > 0 ? ['uplink', 'tunnel'] : ['uplink'];
}

function* verdicts(world: World, lowered: Lowered, packet: Packet): Generator<Verdicts> {
  const { family } = packet;
  const text = packetText(packet);
  const plain = (vnic: typeof hostVnic, direction: 'ingress' | 'egress'): boolean | undefined => {
    const list = listOf(lowered, vnic, direction, family);
    return list && listAllows(list, packet);
  };
  for (const { program } of world.pods) {
    const vnic = vnicOf(program.subject);
    const common = { subject: program.subject, text };
    for (const entry of entries(world, packet)) {
      const calico = calicoIngress(world, program, packet, entry);
      const got = plain(vnic, 'ingress') ?? true;
      yield { ...common, direction: 'ingress', calico, plain: got, text: `${text} by ${entry}` };
    }
    const calico = calicoEgress(world, program, packet);
    yield { ...common, direction: 'egress', calico, plain: plain(vnic, 'egress') ?? true };
  }
  for (const entry of entries(world, packet)) {
    const calico = calicoHostIngress(world, packet, entry);
    const got = plain(hostVnic, 'ingress') ?? true;
    yield {
      subject: 'uplink',
      direction: 'ingress',
      calico,
      plain: got,
      text: `${text} by ${entry}`,
    };
  }
  const calico = calicoHostEgress(world, packet);
  yield {
    subject: 'uplink',
    direction: 'egress',
    calico,
    plain: plain(hostVnic, 'egress') ?? true,
    text,
  };
}

interface Tally {
  pairs: number;
  allowed: number;
  narrower: number;
}

function check(
  world: World,
  packets: readonly Packet[],
  limits: PlainCapabilities,
  tally: Tally,
): void {
  const lowered = lower(world, limits);
  for (const spec of lowered.lists.values()) {
    expect(shapeProblems(spec)).to.deep.equal([]);
    expect(spec.rules.length).to.be.at.most(limits.rulesPerListMax);
  }
  const degradations = lowered.lowering.degradations();
  for (const packet of packets) {
    for (const { subject, direction, calico, plain, text } of verdicts(world, lowered, packet)) {
      const where = `${subject} ${direction}: ${text}`;
      tally.pairs += 1;
      if (plain) tally.allowed += 1;
      expect(plain && !calico, `wider: ${where}`).to.equal(false);
      if (plain === calico) continue;
      tally.narrower += 1;
      const told = degradations.some(
        (of) => of.subject === subject && (of.direction ?? direction) === direction,
      );
      expect(told, `narrower without a reason: ${where}`).to.equal(true);
    }
  }
}

function property(
  title: string,
  options: WorldOptions,
  limits: PlainCapabilities,
  exact = false,
): void {
  it(title, function () {
    this.timeout(TIME_MS * 4 + 20_000);
    const tally: Tally = { pairs: 0, allowed: 0, narrower: 0 };
    const packets = fc.tuple(
      ...FAMILIES.map((family) => fc.array(packetArb(family), { minLength: 12, maxLength: 12 })),
    );
    fc.assert(
      fc.property(worldArb(options), packets, (world, [v4, v6]) => {
        check(world, [...(v4 ?? []), ...(v6 ?? [])], limits, tally);
      }),
      { numRuns: 1_000_000, interruptAfterTimeLimit: TIME_MS, markInterruptAsFailure: false },
    );
    expect(tally.allowed).to.be.greaterThan(0);
    if (exact) expect(tally.narrower).to.equal(0);
  });
}

describe('plain lowering, random stacks', () => {
  const pods = { hostStages: false, untracked: false, tunnelled: false };
  const tracked = { hostStages: true, untracked: false, tunnelled: false };
  const host = { hostStages: true, untracked: true, tunnelled: false };
  const tunnel = { hostStages: true, untracked: true, tunnelled: true };
  const compact = plainCapabilities(true);
  const flattened = plainCapabilities(false);
  property('pods alone, COMPACT: exactly Calico', pods, compact, true);
  property('pods alone, FLATTENED: exactly Calico', pods, flattened, true);
  property(
    'host endpoints without untracked policy, COMPACT: exactly Calico',
    tracked,
    compact,
    true,
  );
  property('host endpoints, COMPACT: never wider', host, compact);
  property('host endpoints, FLATTENED: never wider', host, flattened);
  property('host endpoints and tunnels: never wider', tunnel, compact);
  property('tight budgets, COMPACT: never wider', host, { ...compact, ...TIGHT });
  property('tight budgets, FLATTENED: never wider', tunnel, { ...flattened, ...TIGHT });
});
