/** What a replay plays: the streams of a recording, or one session with the same end. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { decodeToDataplane, encodeToDataplane } from '../../driver/message.js';
import { errorText } from '../../base/errors.js';
import { readCalicoScenario } from '../../felix-sim/calico/scenario.js';
import { SimError } from '../../felix-sim/errors.js';
import type { TimedFrame } from '../../felix-sim/player.js';
import { readScenario, type Scenario } from '../../felix-sim/scenario.js';
import { SessionState } from '../../felix-sim/session-state.js';
import { readFrames, readRecording, type RecordingStep } from '../verdicts/recording.js';
import { readCalicoFiles } from './calico-files.js';

/** One life of Felix: everything it wrote to one driver. */
export interface ReplayStream {
  /** Number of the stream in the recording. */
  readonly index: number;
  readonly frames: readonly TimedFrame[];
}

/** A whole replay. Steps name a stream by its `index` and count frames from its start. */
export interface ReplaySource {
  readonly node: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly streams: readonly ReplayStream[];
  readonly steps: readonly RecordingStep[];
}

/** Name of the step of a final session. */
export const FINAL_STEP = 'final';

/**
 * Reads a recording's folder, a scenario's YAML file, or a folder or file of Calico and Kubernetes resources; up to and with
 * the step `until` where it is given. `ownNode` is where Felix runs in a scenario of resources; the other forms say it
 * themselves. Throws `RecordingError` or `SimError`.
 */
export function readSource(path: string, until?: string, ownNode?: string): ReplaySource {
  const files = readCalicoFiles(path);
  if (files !== undefined) return fromScenario(readCalicoScenario(files, { node: ownNode }), until);
  if (!/\.ya?ml$/.test(path)) return fromRecording(path, until);
  return fromScenario(readScenario(readScenarioFile(path)), until);
}

function fromScenario(scenario: Scenario, until: string | undefined): ReplaySource {
  const { node, streams, steps } = scenario;
  const wanted = stepsUntil(steps, until);
  const last = wanted.at(-1);
  const whole = streams.map((bodies, index) => ({
    index,
    frames: bodies.map((body) => ({ body, atMs: 0 })),
  }));
  return {
    node,
    environment: {},
    streams: cut(whole, until === undefined ? undefined : last),
    steps: wanted,
  };
}

/** Streams up to the end of a step. */
function cut(streams: readonly ReplayStream[], last: RecordingStep | undefined): ReplayStream[] {
  if (last === undefined) return [...streams];
  return streams
    .filter(({ index }) => index <= last.stream)
    .map((stream) =>
      stream.index === last.stream
        ? { index: stream.index, frames: stream.frames.slice(0, last.frames) }
        : stream,
    );
}

function readScenarioFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new SimError({ code: 'scenario', op: 'read scenario', message: errorText(cause), cause });
  }
}

function fromRecording(folder: string, until: string | undefined): ReplaySource {
  const { node, steps } = readRecording(folder);
  const wanted = stepsUntil(steps, until);
  const last = wanted.at(-1);
  const streams = streamIndexes(folder).map((index) => {
    const times = readTimes(folder, index);
    const bodies = readFrames(folder, index);
    return { index, frames: bodies.map((body, at) => ({ body, atMs: times[at] ?? 0 })) };
  });
  return {
    node,
    environment: readEnvironment(folder),
    streams: cut(streams, until === undefined ? undefined : last),
    steps: wanted,
  };
}

/** One session that says nothing but the state at the end of `source`. */
export function finalSession(source: ReplaySource): ReplaySource {
  const state = new SessionState();
  const last = source.steps.at(-1);
  const stream =
    source.streams.find(({ index }) => index === last?.stream) ?? source.streams.at(-1);
  for (const { body } of (stream?.frames ?? []).slice(0, last?.frames)) {
    state.apply(decodeToDataplane(body).message);
  }
  const frames = state.messages().map((message) => ({ body: encodeToDataplane(message), atMs: 0 }));
  return {
    ...source,
    streams: [{ index: 0, frames }],
    steps: [{ name: FINAL_STEP, stream: 0, frames: frames.length }],
  };
}

function stepsUntil(
  steps: readonly RecordingStep[],
  until: string | undefined,
): readonly RecordingStep[] {
  if (until === undefined) return steps;
  const at = steps.findIndex(({ name }) => name === until);
  if (at >= 0) return steps.slice(0, at + 1);
  const names = steps.map(({ name }) => name).join(', ');
  throw new SimError({
    code: 'recording',
    op: 'read recording',
    message: `no step "${until}"; there are: ${names}`,
  });
}

/** Numbers of the streams that are there: a flight recorder may have dropped the first ones. */
function streamIndexes(folder: string): number[] {
  return readdirSync(folder)
    .flatMap((name) => /^stream-(\d+)\.felix$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

function readTimes(folder: string, index: number): number[] {
  const file = join(folder, `frames-${index}.tsv`);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => Number(line.split('\t')[1]));
}

function readEnvironment(folder: string): Record<string, string> {
  const json = JSON.parse(readFileSync(join(folder, 'recording.json'), 'utf8')) as {
    felixEnvironment?: Record<string, string>;
  };
  return json.felixEnvironment ?? {};
}
