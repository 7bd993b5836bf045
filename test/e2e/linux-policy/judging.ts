/** Holds the kernel to what the oracle says of a world's packets. */
import type { ProbeVerdict } from '../../../src/lab/verdicts/engine.js';
import { OracleEngine } from '../../../src/lab/verdicts/oracle-engine.js';
import { describeProbe, type Probe } from '../../../src/lab/verdicts/probe.js';
import {
  isActive,
  isAnsweredByRouter,
  isBeyondPlain,
  narrowsOnPlain,
  saysNothingOfPorts,
} from '../../properties/agreement.js';
import { framesOf } from '../../support/felix/wire.js';
import { session, type World } from '../../support/felix/world.js';
import type { Trial } from '../../support/random-policy/run.js';
import { beyondFrames } from './beyond-frames.js';
import type { KernelWorlds } from './kernel-worlds.js';

/** What became of the packets of one world. */
export interface Judged {
  readonly wrong: readonly Wrong[];
  /** Packets that the oracle allows and that came out where they should. */
  readonly arrived: number;
  /** Packets that the oracle allows and no frame can show. */
  readonly beyond: number;
  /** Plain only: packets that the oracle allows, denied for a reason that the driver gives. */
  readonly narrower: number;
}

/** A packet on which kernel and oracle differ. */
export interface Wrong {
  readonly probe: Probe;
  readonly text: string;
}

/** Sends the packets of a world that is in force. */
export async function judgeByOracle(worlds: KernelWorlds, trial: Trial): Promise<Judged> {
  const judged = await oracleVerdicts(trial);
  const probes = trial.probes.map((probe, index) => expected(probe, judged[index]!));
  const verdicts = await worlds.judge(probes);
  const wrong: Wrong[] = [];
  let [arrived, beyond, narrower] = [0, 0, 0];
  for (const [index, probe] of probes.entries()) {
    const verdict = verdicts[index]!;
    if (!probe.allowed && !verdict.allow) continue;
    if (probe.allowed && verdict.allow && verdict.exit === probe.to) arrived += 1;
    else if (!verdict.allow && beyondFrames(probe, trial.world) !== undefined) beyond += 1;
    else if (worlds.level === 'plain' && isNarrower(probe, verdict, trial.world)) narrower += 1;
    else if (worlds.level === 'plain' && isBeyondPlain(probe)) continue;
    else if (!isUndecided(probe, trial.world)) {
      wrong.push({ probe, text: wrongText(probe, judged[index]!, verdict) });
    }
  }
  return { wrong, arrived, beyond, narrower };
}

/** What network/cloud cannot say, and the driver says so. */
function isNarrower(probe: Probe, { allow, reasons }: ProbeVerdict, world: World): boolean {
  if (allow || !probe.allowed) return false;
  return (narrowsOnPlain(world) && reasons.length > 0) || saysNothingOfPorts(probe);
}

/** Discovery of a pod that is not active: see `isActive`. */
function isUndecided(probe: Probe, world: World): boolean {
  return isAnsweredByRouter(probe) && !isActive(probe, world);
}

function expected(probe: Probe, { allow, exit }: ProbeVerdict): Probe {
  return { ...probe, to: allow ? exit : probe.to, allowed: allow };
}

async function oracleVerdicts({ world, then = [], probes }: Trial) {
  const oracle = new OracleEngine();
  await oracle.advance(framesOf([...session(world), ...then]));
  return oracle.judge(probes);
}

function wrongText(probe: Probe, oracle: ProbeVerdict, kernel: ProbeVerdict): string {
  return [
    `the kernel is wrong about ${describeProbe(probe)}`,
    `  oracle: ${verdictText(oracle)}: ${oracle.path.join('; ')}`,
    `  kernel: ${verdictText(kernel)}: ${kernel.path.join('; ')}`,
  ].join('\n');
}

function verdictText({ allow, exit }: ProbeVerdict): string {
  return allow ? `allow to ${exit}` : 'deny';
}
