/** Random policy and whole flows: whatever the oracle lets begin has its answer, and outlives a policy that turns to deny. */
import { expect } from 'chai';
import fc from 'fast-check';
import { TCP_FLAG, type PacketSpec } from '../../../src/lab/packets/spec.js';
import { connectionKeys } from '../../../src/lab/verdicts/probe-batches.js';
import { OracleEngine } from '../../../src/lab/verdicts/oracle-engine.js';
import type { ProbePacket } from '../../../src/lab/verdicts/probe.js';
import { seedOfRun } from '../../support/chance.js';
import { framesOf } from '../../support/felix/wire.js';
import { ADDRESSES, session, type PlaceName, type World } from '../../support/felix/world.js';
import { aim, probeOf, targetsOf } from '../../support/random-policy/probes.js';
import { isLong } from '../../support/random-policy/run.js';
import { world } from '../../support/random-policy/worlds.js';
import { needs } from '../../support/root.js';
import { changesBetween } from '../../support/update-safety/changes.js';
import { FlowNode, interfaceOf } from './flow-node.js';
import { remains } from './remains.js';

const WORLDS = isLong ? 20 : 3;
const SHOTS = 2000;
const FLOWS_MAX = 120;
const [TCP, UDP] = [6, 17];
/** Where the wire is, and nothing else. */
const WIRE_ADDRESS = /^(198\.18\.|203\.0\.113\.|2001:db8:)/;

/** The first packet of a flow that is let through. */
interface Flow {
  readonly from: PlaceName;
  readonly to: PlaceName;
  readonly packet: ProbePacket;
}

/** Without untracked policy, which has no flows. */
function tracked(one: World): World {
  const hostEndpoints = Object.entries(one.hostEndpoints ?? {}).map(([id, endpoint]) => {
    const { untracked: _, ...rest } = endpoint;
    return [id, rest] as const;
  });
  return { ...one, hostEndpoints: Object.fromEntries(hostEndpoints) };
}

/** The same, but every rule denies. */
function denying(one: World): World {
  const deny = { inbound: [{ action: 'deny' }], outbound: [{ action: 'deny' }] };
  const shut = <T extends object>(rules: Readonly<Record<string, T>> = {}) =>
    Object.fromEntries(Object.entries(rules).map(([name, draft]) => [name, { ...draft, ...deny }]));
  return { ...one, policies: shut(one.policies), profiles: shut(one.profiles) };
}

/** Flows that the oracle lets begin, no two of which are each other's answer. */
async function flowsOf(one: World, seed: number): Promise<Flow[]> {
  const targets = targetsOf(one);
  const probes = fc.sample(aim, { seed, numRuns: SHOTS }).map((shot) => probeOf(shot, targets));
  const oracle = new OracleEngine();
  await oracle.advance(framesOf(session(one)));
  const verdicts = await oracle.judge(probes);
  const keys = new Set<string>();
  const flows = probes.flatMap(({ from, packet }, index): Flow[] => {
    const { allow, exit } = verdicts[index]!;
    const flow = { from: placeName(from), to: placeName(exit), packet };
    const own = connectionKeys(packet, 0);
    if (!allow || !isPlain(flow) || own.some((key) => keys.has(key))) return [];
    for (const key of own) keys.add(key);
    return [flow];
  });
  return flows.slice(0, FLOWS_MAX);
}

/** Which flows the oracle lets begin. */
async function begun(one: World, flows: readonly Flow[]): Promise<boolean[]> {
  const oracle = new OracleEngine();
  await oracle.advance(framesOf(session(one)));
  const probes = flows.map(({ from, to, packet }) => ({
    line: 0,
    from: placeText(from),
    to: placeText(to),
    packet,
    allowed: false,
  }));
  return (await oracle.judge(probes)).map(({ allow }) => allow);
}

/** Both ends are where their addresses are, and the packet has an answer. */
function isPlain({ from, to, packet }: Flow): boolean {
  const isAt = (place: PlaceName, address: string): boolean =>
    place === 'wire'
      ? WIRE_ADDRESS.test(address)
      : (ADDRESSES[place] as readonly string[]).includes(address);
  const { source, destination, protocol, sourcePort, destinationPort } = packet;
  const ports = [sourcePort, destinationPort];
  return (
    [TCP, UDP].includes(protocol) &&
    !ports.includes(0) &&
    !(protocol === UDP && ports.includes(4789)) &&
    from !== to &&
    isAt(from, source) &&
    isAt(to, destination)
  );
}

function opening({ packet }: Flow): PacketSpec {
  return { ...packet, tcp: { flags: TCP_FLAG.syn, sequence: 1000 } };
}

function answer({ packet }: Flow): PacketSpec {
  const { source, destination, sourcePort = 0, destinationPort = 0, protocol } = packet;
  return {
    source: destination,
    destination: source,
    protocol,
    sourcePort: destinationPort,
    destinationPort: sourcePort,
    tcp: { flags: TCP_FLAG.syn | TCP_FLAG.ack, sequence: 5000, acknowledgement: 1001 },
  };
}

function placeText(place: PlaceName): string {
  return place === 'host' || place === 'wire' ? place : `default/${place}`;
}

function placeName(place: string): PlaceName {
  return place.replace('default/', '') as PlaceName;
}

describe('random policy and whole flows on the kernel behind soft-xpu', function () {
  this.timeout(WORLDS * 15_000 + 30_000);
  before(needs('root', 'ip', 'nft', 'conntrack', 'sysctl', 'nsenter'));
  let node: FlowNode;
  before(async () => (node = await FlowNode.open()));
  after(async () => {
    await node?.close();
    expect(remains()).to.deep.equal([]);
  });

  /** Flows whose packet does not come out at its one end. */
  async function lost(flows: readonly Flow[], way: 'there' | 'back'): Promise<string[]> {
    const packets = flows.map((flow) =>
      way === 'there'
        ? { from: flow.from, packet: opening(flow) }
        : { from: flow.to, packet: answer(flow) },
    );
    const exits = await node.exitsOfEach(packets);
    return flows.flatMap((flow, index) => {
      const wanted = interfaceOf(way === 'there' ? flow.to : flow.from);
      const came = exits[index]!.join(' ');
      return came === wanted ? [] : [`${JSON.stringify(flow)} ${way}: at ${came || 'no place'}`];
    });
  }

  it('what begins is answered, and goes on when every rule denies; what begins then is the oracle’s to say', async () => {
    const seed = seedOfRun();
    let count = 0;
    for (const [index, drawn] of fc.sample(world, { seed, numRuns: WORLDS }).entries()) {
      const one = tracked(drawn);
      const flows = await flowsOf(one, seed + index);
      const [old, fresh] = [
        flows.filter((_, at) => at % 4 > 0),
        flows.filter((_, at) => at % 4 === 0),
      ];
      count += old.length;
      const where = `seed ${seed}, world ${index}: ${JSON.stringify(one)}`;
      await node.begin(one);
      expect(await lost(old, 'there'), where).to.deep.equal([]);
      expect(await lost(old, 'back'), where).to.deep.equal([]);
      await node.tell(...changesBetween(one, denying(one)));
      expect(await lost(old, 'there'), where).to.deep.equal([]);
      expect(await lost(old, 'back'), where).to.deep.equal([]);
      const may = await begun(denying(one), fresh);
      const passed = await node.exitsOfEach(
        fresh.map((flow) => ({ from: flow.from, packet: opening(flow) })),
      );
      const wrong = fresh.filter((_, at) => passed[at]!.length > 0 !== may[at]);
      expect(wrong, where).to.deep.equal([]);
    }
    console.log(`      ${count} flows at ${WORLDS} worlds, seed ${seed}`);
    expect(count).to.be.greaterThan(0);
  });
});
