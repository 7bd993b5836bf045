/**
 * Finds the recordings of real Felix: those in `test/recordings`, and the whole set where the environment names it.
 * What the files hold is told in test/recordings/README.md.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** Environment variable that names a folder with more recordings, laid out as `VERSION/SCENARIO`. */
export const RECORDINGS_VARIABLE = 'CALICO_XPU_RECORDINGS';

/** One state of the cluster within a recording. */
export interface RecordingStep {
  readonly step: string;
  /** Manifests, below `sources/`, that led here. */
  readonly sources: readonly string[];
  /** Frames received until here, per stream; the last stream holds the state. */
  readonly frames: readonly number[];
}

/** One recording. */
export interface Recording {
  /** `VERSION/SCENARIO`, for the titles of tests. */
  readonly name: string;
  readonly version: string;
  readonly scenario: string;
  /** Absolute path. */
  readonly folder: string;
  readonly steps: readonly RecordingStep[];
  /** Absolute paths of the streams, in the order in which Felix wrote them. */
  readonly streams: readonly string[];
  /** Absolute paths of verdict files, by name of the step; not every step has one. */
  readonly verdicts: ReadonlyMap<string, string>;
}

const COPIED = path.resolve(import.meta.dirname, '../recordings');

/** All recordings at hand, by name; one that is in both places is taken from `test/recordings`. */
export function allRecordings(): Recording[] {
  const more = process.env[RECORDINGS_VARIABLE];
  const found = new Map<string, Recording>();
  for (const top of [more, COPIED]) {
    if (top === undefined || !existsSync(top)) continue;
    for (const recording of recordingsUnder(top)) found.set(recording.name, recording);
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The recordings in `test/recordings` alone: always the same ones. */
export function copiedRecordings(): Recording[] {
  return recordingsUnder(COPIED);
}

/** One of the recordings in `test/recordings`, such as `head/hello`. Throws when it is not there. */
export function recordingNamed(name: string): Recording {
  return readRecording(COPIED, name);
}

function recordingsUnder(top: string): Recording[] {
  return foldersOf(top)
    .flatMap((version) => foldersOf(path.join(top, version)).map((name) => `${version}/${name}`))
    .filter((name) => existsSync(path.join(top, name, 'recording.json')))
    .map((name) => readRecording(top, name));
}

function readRecording(top: string, name: string): Recording {
  const folder = path.join(top, name);
  const [version = '', scenario = ''] = name.split('/');
  const files = readdirSync(folder);
  const { steps } = JSON.parse(readFileSync(path.join(folder, 'recording.json'), 'utf8')) as {
    steps: RecordingStep[];
  };
  const streams = files.filter((file) => /^stream-\d+\.felix$/.test(file));
  return {
    name,
    version,
    scenario,
    folder,
    steps,
    streams: streams.map((_, index) => path.join(folder, `stream-${index}.felix`)),
    verdicts: new Map(
      steps
        .map(({ step }): [string, string] => [step, `verdicts-${step}.tsv`])
        .filter(([, file]) => files.includes(file))
        .map(([step, file]) => [step, path.join(folder, file)]),
    ),
  };
}

function foldersOf(top: string): string[] {
  return readdirSync(top, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}
