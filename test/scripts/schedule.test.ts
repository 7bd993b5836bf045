/** Running steps: side by side, in order where one waits for another, and never for ever. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { runSteps } from '../../scripts/tests/schedule.js';
import type { Result } from '../../scripts/tests/schedule.js';
import type { Step } from '../../scripts/tests/steps.js';

const LIMITS = { lanes: 2, stepSecondsMax: 30 };

function step(name: string, code: string, after: string[] = []): Step {
  return { name, node: ['-e', code], after };
}

async function run(steps: Step[], limits = LIMITS): Promise<Result[]> {
  const heard: Result[] = [];
  const results = await runSteps(steps, limits, (result) => heard.push(result));
  expect(heard).to.deep.equal(results);
  return results;
}

const outcomes = (results: Result[]): [string, number][] =>
  results.map((result) => [result.step.name, result.counts.failed]);

describe('schedule', () => {
  it('runs a step after those it waits for, whatever the order of the list', async () => {
    const steps = [step('last', '', ['middle']), step('middle', '', ['first']), step('first', '')];
    expect(outcomes(await run(steps))).to.deep.equal([
      ['first', 0],
      ['middle', 0],
      ['last', 0],
    ]);
  });

  it('goes on after a failure', async () => {
    const steps = [step('first', 'process.exit(3)'), step('second', '', ['first'])];
    expect(outcomes(await run(steps))).to.deep.equal([
      ['first', 1],
      ['second', 0],
    ]);
  });

  it('runs as many steps at once as there are lanes', async () => {
    const sleep = 'setTimeout(() => {}, 600)';
    const steps = ['a', 'b', 'c', 'd'].map((name) => step(name, sleep));
    const start = performance.now();
    await run(steps, { ...LIMITS, lanes: 4 });
    const wide = performance.now() - start;
    await run(steps, { ...LIMITS, lanes: 1 });
    const narrow = performance.now() - start - wide;
    expect(narrow).to.be.greaterThan(2400).and.greaterThan(wide);
  });

  it('keeps what a step says on both outputs', async () => {
    const [result] = await run([step('a', 'console.log("out"); console.error("err")')]);
    expect(result?.output).to.contain('out\n').and.to.contain('err\n');
  });

  it('ends a step that does not end, with the processes it started', async () => {
    const nested = `
      const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
      console.log(child.pid);
      setInterval(() => {}, 1000)`;
    const [result] = await run([step('a', nested)], { ...LIMITS, stepSecondsMax: 1 });
    expect(result?.counts.failed).to.equal(1);
    expect(result?.output).to.contain('still running');
    const child = Number(result?.output.split('\n')[0]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(isRunning(child)).to.equal(false);
  });

  it('refuses to wait for a step that is not there', async () => {
    let error: unknown;
    await run([step('a', '', ['nowhere'])]).catch((thrown: unknown) => (error = thrown));
    expect(error).to.be.an.instanceOf(Error);
  });
});

/** False too for a process that ended and was not collected yet. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return !/\) Z /.test(statOf(pid));
}

function statOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return ') Z ';
  }
}
