/** Killed at any moment between changes, the next life finds everything and has nothing to make good that can be seen. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { createLinuxXpu, removeLinuxXpu } from '../../../src/soft-xpu/linux-xpu.js';
import { Chance, seedOfRun } from '../../support/chance.js';
import { needs } from '../../support/root.js';
import { TestNamespaces } from './namespaces.js';

const ROUNDS = 3;
const PROGRAM = fileURLToPath(new URL('./churn-program.ts', import.meta.url));

/** Runs the program until it is ready and some time more, then kills it. What it says beside is thrown. */
async function runAndKill(args: readonly string[], ms: number): Promise<void> {
  const child = spawn(process.execPath, ['--import=tsx', PROGRAM, ...args]);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  await Promise.race([new Promise((resolve) => child.stdout.once('data', resolve)), ended]);
  await new Promise((resolve) => setTimeout(resolve, ms));
  child.kill('SIGKILL');
  await ended;
  expect(complaint).to.equal('');
}

describe('soft-xpu linux: death under changes', function () {
  this.timeout(60_000);
  let namespaces: TestNamespaces;
  let folder: string;
  before(needs('root', 'ip', 'nft', 'conntrack', 'sysctl', 'nsenter'));
  before(() => {
    namespaces = new TestNamespaces();
    folder = mkdtempSync(join(tmpdir(), 'cxn-'));
  });
  after(async () => {
    await namespaces?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it('keeps kernel, state file and boot id together', async () => {
    const seed = seedOfRun();
    const chance = new Chance(seed);
    const stateDir = join(folder, 'state');
    const [netns, hostNetns] = [namespaces.name('x'), await namespaces.add('h')];
    const place = { netns, hostNetns, stateDir };
    for (let round = 0; round < ROUNDS; round += 1) {
      const args = [netns, hostNetns, stateDir, String(seed + round)];
      await runAndKill(args, 100 + chance.below(700));
    }
    const adopted = await createLinuxXpu(place);
    await adopted.close();
    const [rules, network] = [await rulesOf(namespaces), await networkOf(namespaces)];
    // Another program's ruleset is replaced as a whole: what comes out is what the objects say.
    const anew = await createLinuxXpu({ ...place, program: 'another' });
    await anew.close();
    expect(anew.dataPlane.bootId).to.equal(adopted.dataPlane.bootId);
    expect(await rulesOf(namespaces), `seed ${seed}`).to.equal(rules);
    expect(await networkOf(namespaces), `seed ${seed}`).to.equal(network);
    await removeLinuxXpu(place);
  });
});

/** Rules without figures, position and order; sets that a group has no use for at the moment may be there or not. */
async function rulesOf(namespaces: TestNamespaces): Promise<string> {
  const text = await namespaces.run('x', 'nft', '-s', 'list', 'ruleset');
  const lines = text.split('\n').map((line) => line.trim());
  return lines
    .filter((line) => !/^chain at-|group/.test(line))
    .sort()
    .join('\n');
}

async function networkOf(namespaces: TestNamespaces): Promise<string> {
  const commands = [
    'ip -br link',
    'ip rule',
    'ip -4 route show table all proto 199',
    'ip -6 route show table all proto 199',
    'ip neigh show nud permanent',
    'ip addr show dev lo',
  ];
  return namespaces.run('x', 'sh', '-c', commands.join('; '));
}
