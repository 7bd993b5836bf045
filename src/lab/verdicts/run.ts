/** Plays a recording step by step through an engine and compares every probe with what Felix did. */
import type { EngineName, ProbeVerdict, VerdictEngine } from './engine.js';
import { describeProbe, type Probe } from './probe.js';
import { readFrames, readProbes, type Recording } from './recording.js';

/** A probe on which the engine says something else than Felix did. */
export interface Disagreement {
  /** Line of the step's verdict file. */
  readonly line: number;
  readonly probe: string;
  readonly felix: 'allow' | 'deny';
  readonly ours: 'allow' | 'deny';
  /** Where the packet came out, if it did. */
  readonly exit: string;
  readonly path: readonly string[];
  readonly reasons: readonly string[];
}

/** Outcome of one step's probes. */
export interface StepResult {
  readonly step: string;
  readonly total: number;
  readonly agreed: number;
  /** Plain only: denied where Felix allows, with a reason given for a port on the way. Not in `agreed`. */
  readonly narrower: number;
  readonly disagreements: readonly Disagreement[];
}

/** What a recording looks like between two steps. */
export interface RecordingMove {
  readonly step: string;
  /** The step belongs to a new session: a restarted Felix. */
  readonly restarted: boolean;
  /** Frame bodies since the last step of the same session. */
  readonly frames: readonly Uint8Array[];
}

/** The steps of a recording with the frames of each; streams that no step ends in are skipped. */
export function* playRecording({ folder, steps }: Recording): Generator<RecordingMove> {
  let stream = -1;
  let frames: readonly Uint8Array[] = [];
  let sent = 0;
  for (const step of steps) {
    const restarted = step.stream !== stream;
    if (restarted) {
      stream = step.stream;
      frames = readFrames(folder, stream);
      sent = 0;
    }
    yield { step: step.name, restarted, frames: frames.slice(sent, step.frames) };
    sent = step.frames;
  }
}

/** Runs every step; yields the result of each one that has a verdict file. The caller closes the engine. */
export async function* runVerdicts(
  recording: Recording,
  engine: VerdictEngine,
  name: EngineName,
): AsyncGenerator<StepResult> {
  for (const { step, restarted, frames } of playRecording(recording)) {
    if (restarted) await engine.startSession();
    await engine.advance(frames);
    const probes = readProbes(recording.folder, step);
    if (probes === undefined) continue;
    yield compare(step, probes, await engine.judge(probes), name === 'plain');
  }
}

/** True if every probe agrees, or is narrower for a reason. */
export function isClean({ agreed, narrower, total }: StepResult): boolean {
  return agreed + narrower === total;
}

function compare(
  step: string,
  probes: readonly Probe[],
  verdicts: readonly ProbeVerdict[],
  mayNarrow: boolean,
): StepResult {
  let agreed = 0;
  let narrower = 0;
  const disagreements: Disagreement[] = [];
  for (const [index, probe] of probes.entries()) {
    const verdict = verdicts[index];
    if (verdict === undefined) continue;
    const arrives = verdict.allow && verdict.exit === probe.to;
    const isNarrower = mayNarrow && probe.allowed && !verdict.allow && verdict.reasons.length > 0;
    if (arrives === probe.allowed) agreed++;
    else if (isNarrower) narrower++;
    else disagreements.push(disagreement(probe, verdict, arrives));
  }
  return { step, total: probes.length, agreed, narrower, disagreements };
}

function disagreement(probe: Probe, verdict: ProbeVerdict, arrives: boolean): Disagreement {
  return {
    line: probe.line,
    probe: describeProbe(probe),
    felix: probe.allowed ? 'allow' : 'deny',
    ours: arrives ? 'allow' : 'deny',
    exit: verdict.exit,
    path: verdict.path,
    reasons: verdict.reasons,
  };
}
