/** Recordings made by a test, in the form that `felix-sim replay` plays. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeFrame } from '../../../src/driver/frame.js';
import { frameOf, type Message } from '../../support/felix/wire.js';

/** Writes one life of Felix: a session at once, then each of `changes` so many milliseconds after the one before. */
export function writeRecording(
  folder: string,
  session: readonly Message[],
  changes: readonly (readonly Message[])[] = [],
  pauseMs = 0,
): void {
  const timed = [
    ...session.map((message) => ({ message, ms: 0 })),
    ...changes.flatMap((messages, index) =>
      messages.map((message) => ({ message, ms: (index + 1) * pauseMs })),
    ),
  ];
  const frames = timed.map(({ message }, sequence) => encodeFrame(frameOf(message, sequence)));
  const times = timed.map(({ ms }, index) => `${index}\t${ms}\n`);
  const steps = [{ step: 'all', sources: [], frames: [frames.length] }];
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'stream-0.felix'), Buffer.concat(frames));
  writeFileSync(join(folder, 'frames-0.tsv'), times.join(''));
  const recording = { calico: 'v3.32.1', node: 'node-a', felixEnvironment: {}, steps };
  writeFileSync(join(folder, 'recording.json'), JSON.stringify(recording));
}
