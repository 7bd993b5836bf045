import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import type { EngineName, ProbeVerdict, VerdictEngine } from '../../../src/lab/verdicts/engine.js';
import { stepLines } from '../../../src/lab/verdicts/format.js';
import type { Probe } from '../../../src/lab/verdicts/probe.js';
import { parseProbes } from '../../../src/lab/verdicts/probe.js';
import {
  RecordingError,
  hasProbes,
  readFrames,
  readRecording,
} from '../../../src/lab/verdicts/recording.js';
import {
  isClean,
  playRecording,
  runVerdicts,
  type StepResult,
} from '../../../src/lab/verdicts/run.js';
import { recordingNamed } from '../../support/recordings.js';

/** Says the same of every probe and keeps what it was told to do. */
class FixedEngine implements VerdictEngine {
  readonly calls: string[] = [];
  private readonly verdict: ProbeVerdict;

  constructor(verdict: Partial<ProbeVerdict>) {
    this.verdict = { allow: false, exit: '', path: ['because'], reasons: [], ...verdict };
  }

  startSession(): Promise<void> {
    this.calls.push('session');
    return Promise.resolve();
  }

  advance(frames: readonly Uint8Array[]): Promise<void> {
    this.calls.push(`frames ${frames.length}`);
    return Promise.resolve();
  }

  judge(probes: readonly Probe[]): Promise<readonly ProbeVerdict[]> {
    this.calls.push(`probes ${probes.length}`);
    return Promise.resolve(probes.map(() => this.verdict));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const VERDICTS = [
  '#from\tto\tsrc\tdst\tproto\tsport\tdport\ticmptype\ticmpcode\tverdict',
  'wire\tns/a\t10.0.0.1\t10.0.0.2\t6\t1000\t80\t\t\tallow',
  'wire\tns/a\tfd00::1\tfd00::2\t58\t\t\t128\t0\tdeny',
  '',
].join('\n');

describe('policy verdicts: running a recording', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'verdicts-'));
    write('recording.json', JSON.stringify({ calico: 'head', node: 'n', steps: STEPS }));
    write('stream-0.felix', frames(3));
    write('stream-1.felix', frames(2));
    write('verdicts-start.tsv', VERDICTS);
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  const STEPS = [
    { step: 'start', frames: [1] },
    { step: '10-more', frames: [3] },
    { step: '20-restart', frames: [3, 2] },
  ];

  function write(name: string, content: string | Buffer): void {
    writeFileSync(path.join(folder, name), content);
  }

  function frames(count: number): Buffer {
    const one = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0x78]);
    return Buffer.concat(Array.from({ length: count }, () => one));
  }

  async function results(engine: VerdictEngine, name: EngineName = 'native') {
    const all: StepResult[] = [];
    for await (const result of runVerdicts(readRecording(folder), engine, name)) all.push(result);
    return all;
  }

  it('plays each step’s frames of the last stream, a new session where the stream is another', async () => {
    const engine = new FixedEngine({});
    await results(engine);
    expect(engine.calls).to.deep.equal([
      'session',
      'frames 1',
      'probes 2',
      'frames 2',
      'session',
      'frames 2',
    ]);
  });

  it('counts a packet that comes out elsewhere as denied', async () => {
    const [step] = await results(new FixedEngine({ allow: true, exit: 'wire' }));
    expect(step).to.include({ step: 'start', total: 2, agreed: 1, narrower: 0 });
    expect(step!.disagreements.map(({ line, ours, felix }) => [line, ours, felix])).to.deep.equal([
      [2, 'deny', 'allow'],
    ]);
    expect(isClean(step!)).to.equal(false);
  });

  it('counts a packet that comes out where it should as allowed', async () => {
    const [step] = await results(new FixedEngine({ allow: true, exit: 'ns/a' }));
    expect(step!.disagreements.map(({ line, ours, felix }) => [line, ours, felix])).to.deep.equal([
      [3, 'allow', 'deny'],
    ]);
  });

  it('takes narrower for an excuse on plain alone, and only with a reason', async () => {
    const reasoned = new FixedEngine({ reasons: ['no room'] });
    const [plain] = await results(reasoned, 'plain');
    expect(plain).to.include({ total: 2, agreed: 1, narrower: 1 });
    expect(isClean(plain!)).to.equal(true);
    expect(stepLines(plain!, 'plain')).to.deep.equal(['start 1/2 narrower=1']);
    expect(isClean((await results(reasoned, 'native'))[0]!)).to.equal(false);
    expect(isClean((await results(new FixedEngine({}), 'plain'))[0]!)).to.equal(false);
  });

  it('never excuses what is wider', async () => {
    const [plain] = await results(
      new FixedEngine({ allow: true, exit: 'ns/a', reasons: ['no room'] }),
      'plain',
    );
    expect(plain).to.include({ agreed: 1, narrower: 0 });
  });

  it('prints the count, then each disagreement on a line that begins with two spaces', async () => {
    const [step] = await results(new FixedEngine({ path: ['tier x', 'deny'] }));
    const lines = stepLines(step!, 'native');
    expect(lines[0]).to.equal('start 1/2');
    expect(lines).to.have.length(2);
    expect(lines[1]).to.match(/^ {2}line 2: wire \(10\.0\.0\.1\) -> ns\/a .*tier x; deny$/);
  });

  it('finds that a recording has no verdict files', () => {
    expect(hasProbes(readRecording(folder))).to.equal(true);
    rmSync(path.join(folder, 'verdicts-start.tsv'));
    expect(hasProbes(readRecording(folder))).to.equal(false);
  });

  it('refuses a stream that ends inside a frame, and names the place', () => {
    write('stream-0.felix', frames(3).subarray(0, 22));
    expect(() => readFrames(folder, 0)).to.throw(RecordingError, 'frame 2 at offset 18');
    write('stream-0.felix', frames(3).subarray(0, 26));
    expect(() => readFrames(folder, 0)).to.throw(RecordingError, 'frame 2 at offset 18');
  });

  it('refuses a folder that is none, a broken recording.json and a broken verdict line', () => {
    expect(() => readRecording(path.join(folder, 'none'))).to.throw(RecordingError, 'ENOENT');
    expect(parseProbes('wire\tns/a\t10.0.0.1\tfd00::2\t6\t1\t2\t\t\tallow').problem).to.match(
      /line 1/,
    );
    expect(parseProbes('wire\tns/a\t10.0.0.1\t10.0.0.2\t6\t1\t2\t\t\tmaybe').problem).to.match(
      /line 1/,
    );
    write('recording.json', '{"steps": [{"step": "start"}]}');
    expect(() => readRecording(folder)).to.throw(RecordingError, 'lacks a name or frame counts');
    write('recording.json', '{');
    expect(() => readRecording(folder)).to.throw(RecordingError, 'recording.json');
  });

  it('gives the frames of a real recording as its own counts tell', () => {
    const recording = readRecording(recordingNamed('head/extras').folder);
    const moves = [...playRecording(recording)];
    const last = recording.steps.at(-1)!;
    const ofLast = moves.slice(moves.findLastIndex(({ restarted }) => restarted));
    expect(moves.filter(({ restarted }) => restarted)).to.have.length(3);
    expect(ofLast.reduce((sum, move) => sum + move.frames.length, 0)).to.equal(last.frames);
  });
});
