/** Reads the folder of a recording: its steps, the streams of frames, and what Felix did with probes. I/O edge. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError, errorText } from '../../base/errors.js';
import { parseProbes, type Probe } from './probe.js';

/** `unreadable`: a file is missing or cannot be read. `malformed`: a file says what it cannot mean. */
export type RecordingErrorCode = 'unreadable' | 'malformed';

/** A recording that cannot be used; the message names file and place. */
export class RecordingError extends CodedError<RecordingErrorCode> {}

/** State of the recording after one step. */
export interface RecordingStep {
  readonly name: string;
  /** Number of the stream whose session is alive; earlier streams belong to drivers that are gone. */
  readonly stream: number;
  /** Frames of that stream received so far. */
  readonly frames: number;
}

/** A recording's folder and steps; streams and verdict files are read when asked for. */
export interface Recording {
  readonly folder: string;
  readonly calico: string;
  readonly node: string;
  readonly steps: readonly RecordingStep[];
}

const LENGTH_BYTES = 8;

/** Reads `recording.json`. Throws `RecordingError`. */
export function readRecording(folder: string): Recording {
  const file = join(folder, 'recording.json');
  const json = parseJson(file);
  if (!Array.isArray(json.steps)) throw malformed(file, 'steps is no list');
  return {
    folder,
    calico: textOf(json.calico),
    node: textOf(json.node),
    steps: json.steps.map((step) => readStep(file, step)),
  };
}

/** Bodies of a stream's frames, in order; they share one buffer. Throws `RecordingError`. */
export function readFrames(folder: string, stream: number): Uint8Array[] {
  const file = join(folder, `stream-${stream}.felix`);
  const bytes = readBytes(file);
  const frames: Uint8Array[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const start = offset + LENGTH_BYTES;
    const length = start > bytes.length ? -1n : bytes.readBigUInt64LE(offset);
    if (length < 0n || BigInt(start) + length > BigInt(bytes.length)) {
      throw malformed(file, `frame ${frames.length} at offset ${offset} is cut off`);
    }
    offset = start + Number(length);
    frames.push(bytes.subarray(start, offset));
  }
  return frames;
}

/** Probes of the state after a step, with what Felix did; `undefined` where none were sent. Throws `RecordingError`. */
export function readProbes(folder: string, step: string): readonly Probe[] | undefined {
  const file = join(folder, `verdicts-${step}.tsv`);
  if (!existsSync(file)) return undefined;
  const { probes, problem } = parseProbes(readBytes(file).toString('utf8'));
  if (problem !== undefined) throw malformed(file, problem);
  return probes;
}

/** Whether any step has a verdict file. */
export function hasProbes({ folder, steps }: Recording): boolean {
  return steps.some(({ name }) => existsSync(join(folder, `verdicts-${name}.tsv`)));
}

function readStep(file: string, json: unknown): RecordingStep {
  const { step, frames } = json as { step?: unknown; frames?: unknown };
  const counts: unknown[] = Array.isArray(frames) ? frames : [];
  const last = counts.at(-1);
  if (typeof step !== 'string' || typeof last !== 'number') {
    throw malformed(file, `step ${JSON.stringify(json)} lacks a name or frame counts`);
  }
  return { name: step, stream: counts.length - 1, frames: last };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function parseJson(file: string): Record<string, unknown> {
  const text = readBytes(file).toString('utf8');
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw malformed(file, errorText(cause));
  }
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new RecordingError({
      code: 'unreadable',
      op: 'read recording',
      message: errorText(cause),
      cause,
    });
  }
}

function malformed(file: string, problem: string): RecordingError {
  return new RecordingError({
    code: 'malformed',
    op: 'read recording',
    message: `${file}: ${problem}`,
  });
}
