/** `felix-sim decode` as it is called by others. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import { runCli } from '../../src/cli/run.js';
import { COMMANDS } from '../../src/cli/table.js';
import { recordingNamed } from '../support/recordings.js';

const STREAM = recordingNamed('v3.31.7/hello').streams[0]!;

describe('felix-sim decode', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(path.join(tmpdir(), 'calico-xpu-decode-'))));
  after(() => rmSync(folder, { recursive: true }));

  it('prints one line per frame', async () => {
    const { code, out } = await decode(STREAM);
    const witness = gunzipSync(
      readFileSync(STREAM.replace('stream-0.felix', 'decoded-0.jsonl.gz')),
    );
    expect(code).to.equal(0);
    expect(out.endsWith('\n')).to.equal(true);
    expect(linesOf(out)).to.deep.equal(linesOf(witness.toString()));
  });

  it('takes a version for streams that do not say theirs', async () => {
    const { code, out } = await decode(STREAM, '--calico', 'v3.26.5');
    expect([code, linesOf(out).length > 10]).to.deep.equal([0, true]);
    expect((await decode(STREAM, '--calico', 'head')).code).to.equal(0);
  });

  it('refuses what is no version', async () => {
    const { code, err } = await decode(STREAM, '--calico', 'latest');
    expect(code).to.equal(2);
    expect(err).to.include('"latest"');
  });

  it('prints what comes before a broken frame, then says where it is', async () => {
    const file = path.join(folder, 'cut.felix');
    const bytes = readFileSync(STREAM);
    writeFileSync(file, bytes.subarray(0, bytes.length - 1));
    const { code, out, err } = await decode(file);
    expect(code).to.equal(1);
    expect(linesOf(out).length).to.be.greaterThan(10);
    expect(err).to.match(
      /the stream ended after \d+ bytes of a body \(sequence number \d+, offset \d+/,
    );
  });

  it('names a file that is not there', async () => {
    const { code, err } = await decode(path.join(folder, 'absent.felix'));
    expect(code).to.equal(1);
    expect(err).to.include('absent.felix');
  });
});

async function decode(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const code = await runCli(
    ['felix-sim', 'decode', ...words],
    {
      env: {},
      stdout: { write: (text: string) => (out += text) },
      stderr: { write: (text: string) => (err += text) },
    },
    COMMANDS,
  );
  return { code, out, err };
}

function linesOf(text: string): unknown[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}
