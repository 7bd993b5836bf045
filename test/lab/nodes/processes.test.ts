/** Processes of a lab: told apart from later ones of the same id, found by their mark, ended; when they may start again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import {
  endProcesses,
  identify,
  isAlive,
  killProcesses,
  markedLabs,
  markedProcesses,
  ownLine,
  startDetached,
} from '../../../src/lab/nodes/processes.js';
import { Backoff } from '../../../src/lab/nodes/restart-backoff.js';

describe('lab: processes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'calico-xpu-processes-'));
  const lab = `p${process.pid.toString(36)}`;
  after(async () => {
    await killProcesses(markedProcesses(lab));
    rmSync(folder, { recursive: true });
  });

  async function start(...command: readonly string[]) {
    const logFile = join(folder, 'log');
    const started = await startDetached({ lab, command, logFile });
    expect(started).not.to.equal(undefined);
    return started!;
  }

  it('are found by their mark, with what they start, and ended', async () => {
    const shell = await start('sh', '-c', 'echo here; sleep 60 & wait');
    while (markedProcesses(lab).length < 2) await delay(10);
    expect(markedProcesses(lab)).to.deep.include(shell);
    expect(markedLabs()).to.include(lab);
    expect(markedProcesses(`${lab}x`)).to.deep.equal([]);
    await endProcesses(markedProcesses(lab));
    expect(markedProcesses(lab)).to.deep.equal([]);
    expect(readFileSync(join(folder, 'log'), 'utf8')).to.contain('here\n');
  });

  it('are ended in spite of a deaf ear', async () => {
    const deaf = await start('sh', '-c', "trap '' TERM; while :; do sleep 0.1; done");
    await delay(100);
    await endProcesses([deaf]);
    expect(isAlive(deaf)).to.equal(false);
  });

  it('are not mistaken for others that have their id later', async () => {
    const own = identify(process.pid);
    expect(own && isAlive(own)).to.equal(true);
    const earlier = { pid: process.pid, startTime: (own?.startTime ?? 0) - 1 };
    expect(isAlive(earlier)).to.equal(false);
    // Nothing is sent to a process that is another one.
    await killProcesses([earlier]);
    expect(identify(process.pid)).to.deep.equal(own);
  });

  it('are gone when they are only waited for', async () => {
    const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 5'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [text] = (await once(parent.stdout, 'data')) as [Buffer];
    const child = Number(text.toString());
    while (identify(child) !== undefined) await delay(10);
    // The zombie is still there: nobody took its exit code.
    expect(readFileSync(`/proc/${child}/stat`, 'utf8')).to.contain(') Z ');
    parent.kill('SIGKILL');
  });

  it('know those who called them', () => {
    expect([...ownLine()]).to.include.members([process.pid, process.ppid]);
  });
});

describe('lab: starting again', () => {
  it('is at once for the first time, and later each time after that', () => {
    const backoff = new Backoff();
    const starts: number[] = [];
    for (let now = 0; now < 60_000; now += 50) if (backoff.mayStart(now)) starts.push(now);
    expect(starts.slice(0, 7)).to.deep.equal([0, 250, 750, 1_750, 3_750, 7_750, 15_750]);
    expect(starts.slice(7)).to.deep.equal([23_750, 31_750, 39_750, 47_750, 55_750]);
  });

  it('is at once again for one that lived long', () => {
    const backoff = new Backoff();
    for (const now of [0, 250, 750, 1_750]) expect(backoff.mayStart(now), `${now}`).to.equal(true);
    expect(backoff.mayStart(1_800)).to.equal(false);
    expect(backoff.mayStart(20_000)).to.equal(true);
    expect(backoff.mayStart(20_250)).to.equal(true);
  });
});
