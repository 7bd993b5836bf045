import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import { systemClock } from '../../src/base/clock.js';
import { DriverError } from '../../src/driver/errors.js';
import { acquireWriterLock } from '../../src/driver/lock.js';

describe("the writer's lock", () => {
  const address = `unix:/test/${process.pid}`;

  it('is exclusive per XPU address, and free for others', async () => {
    const lock = await acquireWriterLock(address, 0, systemClock);
    const other = await acquireWriterLock(`${address}-b`, 0, systemClock);
    let failure: unknown;
    await acquireWriterLock(address, 120, systemClock).catch((error: unknown) => {
      failure = error;
    });
    expect(failure).to.be.instanceOf(DriverError).with.property('code', 'locked');
    lock.release();
    other.release();
  });

  it('passes to a waiting successor once it is released', async () => {
    const lock = await acquireWriterLock(address, 0, systemClock);
    let held = false;
    const successor = acquireWriterLock(address, 5_000, systemClock).then((next) => {
      held = true;
      return next;
    });
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(held).to.equal(false);
    lock.release();
    (await successor).release();
  });

  it('is freed by the kernel when its process is killed', async () => {
    const script = `
      const { acquireWriterLock } = await import('./src/driver/lock.ts');
      const { systemClock } = await import('./src/base/clock.ts');
      await acquireWriterLock(${JSON.stringify(address)}, 0, systemClock);
      console.log('held');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--import=tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    let refused = false;
    await acquireWriterLock(address, 0, systemClock).catch(() => {
      refused = true;
    });
    expect(refused).to.equal(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    (await acquireWriterLock(address, 1_000, systemClock)).release();
  });
});
