/** `felix-sim calc`, and how replay tells resources from recordings and from messages. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { runCli } from '../../src/cli/run.js';
import { COMMANDS } from '../../src/cli/table.js';
import { SimError } from '../../src/felix-sim/errors.js';
import { readSource } from '../../src/lab/replay/source.js';
import { recordingNamed } from '../support/recordings.js';

const HELLO = recordingNamed('head/hello').folder;
const SOURCES = path.join(HELLO, 'sources');

describe('felix-sim calc', () => {
  it('prints a line for each message, under its step', async () => {
    const { code, out } = await calc(SOURCES);
    expect(code).to.equal(0);
    expect(out).to.include('\n10-new-frontend: 1 messages\n');
    expect(out).to.include(': +10.65.8.2/32 +fd65:0:0:2::2/128\n');
    expect(out).to.include('  workload_endpoint_remove shop/db-1\n');
  });

  it('prints one JSON object per message', async () => {
    const { code, out } = await calc(SOURCES, '--json');
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { step: string });
    expect(code).to.equal(0);
    expect(lines.at(0)).to.deep.include({ step: 'start', session: 0 });
    expect(lines.at(-1)).to.deep.include({
      step: '30-db-gone',
      ipset_remove: { id: 's:MT4F0UzOPJ7Pb63caUkXNLBr3qVdbP2yFPe6Gg' },
    });
  });

  it('takes another node', async () => {
    const { out } = await calc(SOURCES, '--node', 'node-b');
    expect(out).to.include('workload_endpoint_update shop/frontend-2');
    expect(out).to.not.include('workload_endpoint_update shop/frontend-1');
  });

  it('names the place of what it cannot read, and what holds no resources', async () => {
    await inFolder(async (folder) => {
      const file = path.join(folder, '00.yaml');
      writeFileSync(file, 'apiVersion: projectcalico.org/v3\nkind: Teapot\n');
      const { code, err } = await calc(file);
      expect([code, err.includes('00.yaml:2: kind ("Teapot")')]).to.deep.equal([1, true]);
      const none = await calc(path.join(folder, 'absent'));
      expect([none.code, none.err.includes('no Calico or Kubernetes YAML')]).to.deep.equal([
        1,
        true,
      ]);
      expect((await calc(HELLO)).code, 'a recording').to.equal(1);
    });
  });
});

describe('what a replay plays', () => {
  it('is a recording where the folder has one, else its resources', () => {
    const recorded = readSource(HELLO);
    const computed = readSource(SOURCES);
    expect(recorded.environment).to.include.keys('FELIX_DATASTORETYPE');
    expect(computed.environment).to.deep.equal({});
    const names = (source: typeof recorded) => source.steps.map(({ name }) => name);
    expect(names(computed)).to.deep.equal(names(recorded));
    expect(names(readSource(SOURCES, '20-tighten')).at(-1)).to.equal('20-tighten');
    expect(readSource(SOURCES, undefined, 'node-b').node).to.equal('node-b');
  });

  it('of one file is messages or resources, by its keys', async () => {
    await inFolder((folder) => {
      const file = path.join(folder, 'one.yaml');
      const source = (text: string) => {
        writeFileSync(file, text);
        return readSource(file);
      };
      const messages = 'node: node-x\nsteps: [{ step: a, messages: [{ config_update: {} }] }]\n';
      expect(source(messages).node).to.equal('node-x');
      const resources = readFileSync(path.join(SOURCES, '00-pods.yaml'), 'utf8');
      expect(source(`# a comment\n---\n${resources}`).steps.map(({ name }) => name)).to.deep.equal([
        'start',
      ]);
      const json = '{\n  "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "x" }\n}';
      expect(source(json).steps).to.have.lengthOf(1);
      expect(() => source('stepz: []\n')).to.throw(SimError, 'stepz: unknown key');
    });
  });
});

async function calc(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const code = await runCli(
    ['felix-sim', 'calc', ...words],
    {
      env: {},
      stdout: { write: (text: string) => (out += text) },
      stderr: { write: (text: string) => (err += text) },
    },
    COMMANDS,
  );
  return { code, out, err };
}

async function inFolder(use: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'calico-xpu-calc-'));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
