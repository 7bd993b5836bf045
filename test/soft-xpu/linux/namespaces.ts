/** Network namespaces of one test run: named apart from every other run's, and gone at its end. */
import { runCommand, type CommandResult } from '../../../src/soft-xpu/linux/command.js';
import { spawn, type ChildProcess } from 'node:child_process';

let made = 0;

/** See the file head. */
export class TestNamespaces {
  private readonly prefix: string;
  private readonly names: string[] = [];

  constructor() {
    made += 1;
    this.prefix = `cxn${process.pid.toString(36)}${made.toString(36)}`;
  }

  /** Name of a namespace, made or not; it is deleted at the end. */
  name(word: string): string {
    const name = `${this.prefix}-${word}`;
    if (!this.names.includes(name)) this.names.push(name);
    return name;
  }

  /** Makes a namespace. */
  async add(word: string): Promise<string> {
    const name = this.name(word);
    await this.ip('netns', 'add', name);
    await this.run(word, 'ip', 'link', 'set', 'lo', 'up');
    return name;
  }

  /** Deletes a namespace, as a pod's end does. */
  async delete(word: string): Promise<void> {
    await this.ip('netns', 'del', this.name(word));
  }

  /** Runs a program in a namespace; throws what it complains about unless it ends well. */
  async run(word: string, ...argv: string[]): Promise<string> {
    const result = await this.try(word, ...argv);
    if (result.code !== 0) {
      throw new Error(`${argv.join(' ')} in ${word}: ${result.stderr}${result.stdout}`);
    }
    return result.stdout;
  }

  /** Runs a program in a namespace to whatever end. */
  try(word: string, ...argv: string[]): Promise<CommandResult> {
    return runCommand(`/run/netns/${this.name(word)}`, argv);
  }

  /** Runs several lines of iproute2 in a namespace. */
  async batch(word: string, ...lines: string[]): Promise<void> {
    for (const line of lines) await this.run(word, 'ip', ...line.split(' '));
  }

  /** True if every one of a few pings is answered; false if none is. Anything between fails. */
  async pings(word: string, address: string, ...more: string[]): Promise<boolean> {
    const family = address.includes(':') ? '-6' : '-4';
    const argv = ['ping', family, '-c', '2', '-i', '0.05', '-W', '0.3', ...more, address];
    const { stdout } = await this.try(word, ...argv);
    const received = Number(/(\d+) received/.exec(stdout)?.[1]);
    if (received === 1) throw new Error(`one of two pings was lost: ${stdout}`);
    return received === 2;
  }

  /** Starts a program in a namespace. */
  spawn(word: string, ...argv: string[]): ChildProcess {
    const args = [`--net=/run/netns/${this.name(word)}`, ...argv];
    return spawn('nsenter', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** Deletes whatever there is of the run's namespaces. */
  async close(): Promise<void> {
    for (const name of this.names) await runCommand(undefined, ['ip', 'netns', 'del', name]);
  }

  private async ip(...args: string[]): Promise<void> {
    const { code, stderr } = await runCommand(undefined, ['ip', ...args]);
    if (code !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
  }
}

/** Everything that a program prints, when it has ended. */
export function outputOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.once('close', () => resolve(text));
  });
}

/** Waits until something is so; throws after a while. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 5000;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
