/** `soft-xpu` as a process: the line it prints, what it serves, and how it ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { DebugClient } from '../../src/opi/client/debug.js';
import { OpiTarget } from '../../src/opi/client/target.js';

let folder: string;
let child: ChildProcess | undefined;

function launch(...args: string[]): ChildProcess {
  const words = ['--import=tsx', 'src/main.ts', 'soft-xpu', ...args];
  child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  return child;
}

function firstLine({ stdout }: ChildProcess): Promise<string> {
  return new Promise((resolve) => createInterface({ input: stdout! }).once('line', resolve));
}

function exitCode(process: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => process.once('exit', resolve));
}

describe('soft-xpu command', function () {
  this.timeout(30_000);

  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'calico-xpu-soft-xpu-'))));
  afterEach(() => {
    child?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  it('prints its addresses when it answers, serves its options, and ends at SIGTERM', async () => {
    const state = path.join(folder, 'state.txt');
    writeFileSync(state, 'vpc/vpc-1 {"vni":7}\n');
    const address = `unix:${folder}/xpu.sock`;
    const process = launch(
      ...['--json', '--listen', address, '--no-extension', '--flattened'],
      ...['--state', state, '--limits', 'vpc=1'],
    );
    const told = JSON.parse(await firstLine(process)) as { addresses: string[]; bootId: string };
    expect(told.addresses).to.deep.equal([address]);
    expect(told.bootId).to.match(/^[0-9a-f]{32}$/);
    const target = new OpiTarget({ address, retryCount: 0 });
    expect(await target.probe()).to.include({ level: 'plain', compactRules: false });
    const second = { key: { kind: 'vpc' as const, id: 'vpc-2' }, spec: {} };
    const code = await target
      .create(second)
      .catch((error: unknown) => (error as { code: string }).code);
    expect(code).to.equal('EXHAUSTED');
    await target.close();
    const debug = new DebugClient({ address });
    expect(await debug.dump()).to.equal('vpc/vpc-1 {"vni":7}\n');
    debug.close();
    const ended = exitCode(process);
    process.kill('SIGTERM');
    expect(await ended).to.equal(0);
    expect(existsSync(`${folder}/xpu.sock`)).to.equal(false);
  });

  it('ends at SIGTERM though an injected failure holds calls back for ever', async () => {
    const address = `unix:${folder}/xpu.sock`;
    const process = launch('--listen', address);
    await firstLine(process);
    const debug = new DebugClient({ address });
    await debug.injectFailure({ method: '*', skip: 0, count: -1, code: 0, delayMs: 3_600_000 });
    const target = new OpiTarget({ address, retryCount: 0 });
    const held = target.probe().catch((error: unknown) => (error as { code: string }).code);
    while (Object.keys((await debug.stats()).calls).length === 0);
    const ended = exitCode(process);
    process.kill('SIGTERM');
    expect(await ended).to.equal(0);
    expect(await held).to.equal('UNAVAILABLE');
    await target.close();
    debug.close();
  });

  it('says what is wrong with its arguments', async () => {
    const cases: [string[], string][] = [
      [['--limits', 'vnics=1'], 'vnics'],
      [['--tls', 'only-one'], 'cert:key:ca'],
    ];
    for (const [args, text] of cases) {
      const process = launch('--listen', `unix:${folder}/x.sock`, ...args);
      let err = '';
      process.stderr!.on('data', (chunk: Buffer) => (err += chunk.toString()));
      expect(await exitCode(process)).to.not.equal(0);
      expect(err).to.include(text);
    }
  });
});
