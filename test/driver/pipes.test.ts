/** The pipes on fd 3 and 4, in processes of their own: only there these numbers are free. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { expect } from 'chai';

const SCRIPT = `
  const { openFelixPipes, startedByFelix } = await import('./src/driver/pipes.ts');
  console.log(startedByFelix());
  try {
    const { input, output } = openFelixPipes();
    input.on('data', (chunk) => output.write(chunk.toString().toUpperCase()));
    input.on('end', () => { console.log('Felix is gone'); process.exit(); });
  } catch (error) {
    console.log(error.code, error.message);
  }`;

type Stdio = 'pipe' | 'ignore';

/** Starts the script with these on fd 3 and 4. */
function start(...pipes: Stdio[]) {
  const args = ['--import=tsx', '--input-type=module', '-e', SCRIPT];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit', ...pipes] });
  let said = '';
  child.stdout!.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number, said }));
  return { stdio: child.stdio, ended };
}

describe('pipes of Felix', function () {
  this.timeout(20_000);

  it('are opened where Felix hands them over, and end with it', async () => {
    const { stdio, ended } = start('pipe', 'pipe');
    const input = stdio[3] as Writable;
    const output = stdio[4] as Readable;
    input.write('hello');
    const [answer] = (await once(output, 'data')) as [Buffer];
    expect(answer.toString()).to.equal('HELLO');
    input.end();
    expect(await ended).to.deep.equal({ code: 0, said: 'true\nFelix is gone\n' });
  });

  it('are not there in a process that was started by hand', async () => {
    const { ended } = start();
    const { said } = await ended;
    expect(said).to.match(/^false\nno-pipes .*file descriptors 3 and 4 are not pipes/);
  });

  it('are not taken for what they are not: fd 3 must be a pipe, too', async () => {
    const { ended } = start('ignore', 'pipe');
    expect((await ended).said).to.match(/^false\nno-pipes /);
  });
});
