/** `lab verdicts` as users run it: real processes, real namespaces, real frames. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { OWN_BIN } from '../../../src/lab/own-programs.js';
import { Scene } from '../../e2e/programs.js';
import { allRecordings, recordingNamed } from '../../support/recordings.js';
import { needs } from '../../support/root.js';

const LONG = process.env['CALICO_XPU_LONG'] === '1';
/** One of pods and a shop, one of random host endpoints, one with a tunnel, one of the oldest generation. */
const FIRST = ['head/hello', 'head/host-fuzz-3', 'head/vxlan-hep', 'v3.26.5/hello'];
const RECORDINGS = allRecordings()
  .filter(({ verdicts }) => verdicts.size > 0)
  .filter(({ name }) => LONG || FIRST.includes(name));

/** Name of a process's run, which its namespaces, files and processes carry. */
function runOf(pid: number | undefined): string {
  return `v${Number(pid).toString(36)}00`;
}

/** What is there of a run. */
function remainsOf(run: string): string[] {
  return [
    ...entriesOf('/run/netns').filter((name) => name.startsWith(`cxlab-${run}-`)),
    ...entriesOf('/run/calico-xpu-lab').filter((name) => name === `.verdicts-${run}`),
    ...entriesOf('/proc').filter((pid) => isOfRun(pid, run)),
  ];
}

function entriesOf(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function isOfRun(pid: string, run: string): boolean {
  if (!/^\d+$/.test(pid)) return false;
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return environment.includes(`CALICO_XPU_LAB=${run}`);
  } catch {
    return false;
  }
}

describe('lab verdicts: Felix’s own verdicts against real packets through soft-xpu', function () {
  this.timeout(LONG ? 1_800_000 : 120_000);

  before(needs('root', 'ip', 'nft', 'conntrack', 'sysctl', 'nsenter', 'ping', 'unshare'));
  let scene: Scene;
  beforeEach(() => (scene = new Scene()));
  afterEach(() => scene.end());

  /** Nothing that a run made is there any more. */
  function expectNothingLeft(pid: number | undefined): void {
    expect(remainsOf(runOf(pid))).to.deep.equal([]);
  }

  /** A copy of a recording, to be spoilt. */
  function copyOf(name: string): string {
    const copy = scene.path('recording');
    cpSync(recordingNamed(name).folder, copy, { recursive: true });
    return copy;
  }

  async function run(...args: string[]) {
    const child = scene.start(['lab', 'verdicts', ...args]);
    let [stdout, stderr] = ['', ''];
    child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, stdout, stderr, pid: child.pid };
  }

  for (const { name, folder, verdicts } of RECORDINGS) {
    it(`the kernel agrees with Felix’s on ${name}`, async () => {
      const { code, stdout, stderr, pid } = await run(folder);
      expect(stdout.trim().split('\n'), stdout + stderr).to.have.length(verdicts.size);
      for (const line of stdout.trim().split('\n')) expect(line).to.match(/^\S+ (\d+)\/\1$/);
      expect(code).to.equal(0);
      expectNothingLeft(pid);
    });
  }

  it('tells each verdict that is another, and ends with 1', async () => {
    const copy = copyOf('head/vxlan-hep');
    const file = join(copy, 'verdicts-10-any.tsv');
    const lines = readFileSync(file, 'utf8').split('\n');
    const allowed = lines.findIndex((line) => line.endsWith('allow'));
    const denied = lines.findIndex((line) => line.endsWith('deny'));
    lines[allowed] = lines[allowed]!.replace(/allow$/, 'deny');
    lines[denied] = lines[denied]!.replace(/deny$/, 'allow');
    writeFileSync(file, lines.join('\n'));
    const { code, stdout, pid } = await run(copy);
    expect(stdout).to.match(/^start 35\/35\n10-any 33\/35\n/);
    const told = stdout.split('\n').filter((line) => line.startsWith('  '));
    expect(told.find((line) => line.startsWith(`  line ${allowed + 1}: `))).to.include(
      'felix deny, ours allow',
    );
    expect(told.find((line) => line.startsWith(`  line ${denied + 1}: `))).to.include(
      'felix allow, ours deny',
    );
    expect([told.length, code]).to.deep.equal([2, 1]);
    expectNothingLeft(pid);
  });

  it('prints one JSON object', async () => {
    const { code, stdout } = await run(recordingNamed('head/vxlan-hep').folder, '--json');
    const json = JSON.parse(stdout) as Record<string, unknown>;
    expect(json).to.include({
      engine: 'linux',
      calico: 'head',
      agreed: 70,
      total: 70,
      narrower: 0,
    });
    expect(code).to.equal(0);
  });

  it('prints nothing for a recording without verdict files', async () => {
    const { code, stdout, stderr } = await run(recordingNamed('head/overlay').folder);
    expect({ code, stdout, stderr }).to.deep.equal({ code: 0, stdout: '', stderr: '' });
  });

  it('leaves nothing behind when the recording breaks off', async () => {
    const copy = copyOf('head/vxlan-hep');
    truncateSync(join(copy, 'stream-0.felix'), 5000);
    const { code, stderr, pid } = await run(copy);
    expect(stderr).to.match(/stream-0\.felix: frame \d+ at offset \d+ is cut off\n$/);
    expect(code).to.equal(1);
    expectNothingLeft(pid);
  });

  /** Starts a run in a process group of its own, as a terminal does, and waits until it has printed a step. */
  async function underWay() {
    const { folder } = recordingNamed('head/kubernetes');
    const child = spawn(process.execPath, [OWN_BIN, 'lab', 'verdicts', folder], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const closed = once(child, 'close') as Promise<[number | null]>;
    await once(child.stdout, 'data');
    const run = runOf(child.pid);
    expect(remainsOf(run)).to.have.length.greaterThan(4);
    return { pid: child.pid ?? 0, run, closed };
  }

  it('leaves nothing behind at SIGTERM while it starts', async () => {
    for (const afterMs of [400, 1200]) {
      const child = scene.start(['lab', 'verdicts', recordingNamed('head/kubernetes').folder]);
      const closed = once(child, 'close') as Promise<[number | null]>;
      await delay(afterMs);
      child.kill('SIGTERM');
      // Before it has begun with anything, the signal ends it as it ends every process.
      expect([130, null], `after ${afterMs} ms`).to.include((await closed)[0]);
      expectNothingLeft(child.pid);
    }
  });

  it('leaves nothing behind at SIGTERM in the midst of it', async () => {
    const { pid, closed } = await underWay();
    process.kill(pid, 'SIGTERM');
    expect((await closed)[0]).to.equal(130);
    expectNothingLeft(pid);
  });

  it('leaves nothing behind at Ctrl-C, which all of its processes get', async () => {
    const { pid, closed } = await underWay();
    process.kill(-pid, 'SIGINT');
    expect((await closed)[0]).to.equal(130);
    expectNothingLeft(pid);
  });

  it('leaves nothing that lab down does not remove when it is killed', async () => {
    const { pid, run, closed } = await underWay();
    process.kill(pid, 'SIGKILL');
    await closed;
    expect(remainsOf(run)).not.to.deep.equal([]);
    const { code } = await scene.run(['lab', 'down', '--name', run]);
    expect(code).to.equal(0);
    expectNothingLeft(pid);
  });

  it('runs beside itself', async () => {
    const { folder } = recordingNamed('head/vxlan-hep');
    const outcomes = await Promise.all([run(folder), run(folder)]);
    for (const { code, stdout, stderr, pid } of outcomes) {
      expect(stdout, stderr).to.equal('start 35/35\n10-any 35/35\n');
      expect(code).to.equal(0);
      expectNothingLeft(pid);
    }
  });

  it('says in one line that it needs root', async function () {
    // Another user by name alone: files stay readable.
    const args = ['-U', '--map-user=1000', process.execPath, OWN_BIN, 'lab', 'verdicts'];
    const { folder } = recordingNamed('head/hello');
    const child = spawn('unshare', [...args, folder], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    if (output.startsWith('unshare:')) this.skip();
    expect(output).to.match(/^calico-xpu: [^\n]*root[^\n]*\n$/);
    expect(code).to.equal(2);
  });
});
