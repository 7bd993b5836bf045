/** How fast a Felix stream becomes Deltas: recordings, and synthetic streams of one kind of message. */
import { readFileSync } from 'node:fs';
import { encodeFrame } from '../src/driver/frame.js';
import { encodeToDataplane } from '../src/driver/message.js';
import { FelixSession } from '../src/driver/session.js';
import type { Draft, Rule, ToDataplane } from '../src/gen/felix/types.js';
import { type Report } from './report.js';
import { allRecordings } from '../test/support/recordings.js';

const PIECE_BYTES = 65_536;
const WARM_UP_MS = 500;
const MEASURE_MS = 1_000;

/** Measures and reports MB/s and messages/s of each stream. */
export async function run(report: Report): Promise<void> {
  for (const [name, stream] of streams()) {
    const { seconds, messages } = measure(stream);
    report(`decode ${name}`, stream.length / seconds / 1e6, 'MB/s');
    report(`decode ${name}`, messages / seconds, 'messages/s');
    // Others get their turn between two streams, as they would between two chunks.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function streams(): [string, Buffer][] {
  const recorded = allRecordings().flatMap(({ streams: files }) =>
    files.map((file) => readFileSync(file)),
  );
  const policy = {
    id: { kind: 'NetworkPolicy', namespace: 'shop', name: 'p' },
    policy: { inbound_rules: rules(50) },
  };
  return [
    ['recordings', Buffer.concat(recorded)],
    [
      'small set deltas',
      repeated(20_000, {
        ipset_delta_update: { id: 's:7s8faML9g_5vfR', added_members: ['10.65.4.2/32'] },
      }),
    ],
    ['50-rule policies', repeated(500, { active_policy_update: policy })],
    [
      'a 100k-member set',
      repeated(1, { ipset_update: { id: 's:big', type: 2, members: members(100_000) } }),
    ],
  ];
}

/**
 * Plays the stream in pipe-sized pieces, again and again after rounds to warm up. Counts processor time, not the clock:
 * the work is one thread's, and a busy machine must not change the figure.
 */
function measure(stream: Buffer): { seconds: number; messages: number } {
  const messages = rounds(stream, WARM_UP_MS).messages;
  const before = process.cpuUsage();
  const { count } = rounds(stream, MEASURE_MS);
  const { user, system } = process.cpuUsage(before);
  return { seconds: (user + system) / 1e6 / count, messages };
}

function rounds(stream: Buffer, milliseconds: number): { count: number; messages: number } {
  const end = performance.now() + milliseconds;
  let count = 0;
  for (;;) {
    const messages = play(stream);
    count++;
    if (performance.now() > end && count >= 3) return { count, messages };
  }
}

function play(stream: Buffer): number {
  const session = new FelixSession();
  let messages = 0;
  for (let at = 0; at < stream.length; at += PIECE_BYTES) {
    session.append(stream.subarray(at, at + PIECE_BYTES));
    while (session.next() !== undefined) messages++;
  }
  return messages;
}

function repeated(count: number, message: Draft<ToDataplane>): Buffer {
  const frames = Array.from({ length: count }, (_, sequence) =>
    encodeFrame(encodeToDataplane({ ...message, sequence_number: sequence })),
  );
  return Buffer.concat(frames);
}

function rules(count: number): Draft<Rule>[] {
  return Array.from({ length: count }, (_, index) => ({
    action: 'allow',
    protocol: { name: 'tcp' },
    src_net: [`10.${index}.0.0/16`],
    src_ip_set_ids: ['s:7s8faML9g_5vfR'],
    dst_ports: [{ first: 8000 + index, last: 8000 + index }],
    rule_id: 'abcdefghijklmnop',
  }));
}

function members(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}/32`);
}
