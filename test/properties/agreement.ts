/** What must hold between the judges of one trial: native says what the oracle says, plain never says more. */
import { expect } from 'chai';
import type { ProbeVerdict, VerdictEngine } from '../../src/lab/verdicts/engine.js';
import { OracleEngine } from '../../src/lab/verdicts/oracle-engine.js';
import { describeProbe, type Probe } from '../../src/lab/verdicts/probe.js';
import { framesOf } from '../support/felix/wire.js';
import { session, type World } from '../support/felix/world.js';
import type { Trial } from '../support/random-policy/run.js';
import { NATIVE, PLAIN } from '../translators/support/play.js';
import { XpuEngine } from '../translators/support/xpu-engine.js';

const FLATTENED = { ...PLAIN, compactRules: false };

/** Throws an assertion error that tells both decision paths of the first packet on which a judge is wrong. */
export async function allAgree(trial: Trial): Promise<void> {
  const oracle = await judge(new OracleEngine(), trial);
  const native = await judge(new XpuEngine(NATIVE), trial);
  const compact = await judge(new XpuEngine(PLAIN), trial);
  const flattened = await judge(new XpuEngine(FLATTENED), trial);
  const mayNarrow = narrowsOnPlain(trial.world);
  for (const [index, probe] of trial.probes.entries()) {
    const judged = oracle[index]!;
    if (isOuterPacket(probe, trial.world)) continue;
    if (!isAnsweredByRouter(probe) || isActive(probe, trial.world)) {
      expectEqual('native', probe, native[index]!, judged);
    }
    if (isBeyondPlain(probe)) continue;
    for (const [engine, verdicts] of [
      ['plain', compact],
      ['plain flattened', flattened],
    ] as const) {
      const ours = verdicts[index]!;
      const isNarrower = judged.allow && !ours.allow;
      const isReasoned = mayNarrow && ours.reasons.length > 0;
      if (isNarrower && (isReasoned || saysNothingOfPorts(probe))) continue;
      expectEqual(engine, probe, ours, judged);
    }
  }
}

/**
 * What no list of a plain target sees: what the node routes from the wire to the wire, and the neighbour and listener
 * discovery that an XPU's own router answers.
 */
export function isBeyondPlain(probe: Probe): boolean {
  return (probe.from === 'wire' && probe.to === 'wire') || isAnsweredByRouter(probe);
}

/**
 * A tunnel's outer packet: an XPU ends the tunnel itself, so it comes out elsewhere than on Linux; and where it has tunnels
 * it takes IP in IP for one of theirs.
 */
export function isOuterPacket({ from, packet }: Probe, { encapsulation }: World): boolean {
  const isVxlan = packet.protocol === 17 && packet.destinationPort === 4789;
  return encapsulation?.vxlan === true && from === 'wire' && (isVxlan || packet.protocol === 4);
}

/** Addresses that do not tell a list where a packet comes from or goes to: it may only deny then. */
export function saysNothingOfPorts({ packet }: Probe): boolean {
  return packet.source.startsWith('fe80:') || packet.destination === '255.255.255.255';
}

/** Neighbour and listener discovery that a pod sends. */
export function isAnsweredByRouter({ from, packet }: Probe): boolean {
  const type = packet.protocol === 58 ? (packet.icmpType ?? 0) : 0;
  return from.startsWith('default/') && type >= 130 && type <= 136;
}

/**
 * Discovery of a pod that is not active is undecided: Linux accepts it before it asks the endpoint, the reference says
 * that nothing passes, and no policy depends on it.
 */
export function isActive({ from }: Probe, { pods = {} }: World): boolean {
  const fields = pods[from.replace('default/', '')]?.fields as { state?: string } | undefined;
  return (fields?.state ?? 'active') === 'active';
}

/**
 * What network/cloud cannot say: stages of host endpoints, sources that are no address of the vNIC, and lists that let
 * packets without a valid connection state through.
 */
export function narrowsOnPlain({ hostEndpoints = {}, pods = {}, config = {} }: World): boolean {
  const spoofs = Object.values(pods).some(
    ({ fields = {} }) => 'allow_spoofed_source_prefixes' in fields,
  );
  const letsInvalidIn = config['DisableConntrackInvalidCheck'] === 'true';
  return spoofs || letsInvalidIn || Object.keys(hostEndpoints).length > 0;
}

async function judge(engine: VerdictEngine, { world, then = [], probes }: Trial) {
  await engine.startSession();
  await engine.advance(framesOf(session(world)));
  if (then.length > 0) await engine.advance(framesOf(then));
  const verdicts = await engine.judge(probes);
  await engine.close();
  return verdicts;
}

function expectEqual(engine: string, probe: Probe, ours: ProbeVerdict, judged: ProbeVerdict): void {
  if (verdictText(ours) === verdictText(judged)) return;
  const lines = [
    `${engine} is wrong about ${describeProbe(probe)}`,
    `oracle: ${verdictText(judged)}: ${judged.path.join('; ')}`,
    `${engine}: ${verdictText(ours)}: ${ours.path.join('; ')}`,
  ];
  expect.fail(lines.join('\n'));
}

function verdictText({ allow, exit }: ProbeVerdict): string {
  return allow ? `allow to ${exit}` : 'deny';
}
