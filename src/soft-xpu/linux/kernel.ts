/** Writes to the kernel of one XPU: the ruleset, and steps of the network state. I/O edge. */
import { runCommand, type CommandResult } from './command.js';
import { LinuxError } from './errors.js';
import {
  batchesOf,
  complaintsOf,
  meaningOf,
  sysctlComplaints,
  type Batch,
} from './network/batch.js';
import type { Tool } from './network/item.js';
import type { Step } from './network/steps.js';

/** Where an XPU lives. Absent paths are the namespace that we run in. */
export interface KernelPlace {
  /** File of the XPU's network namespace. */
  readonly netns: string | undefined;
  /** File of the namespace where VF ends are made. */
  readonly hostNetns: string | undefined;
}

/** Steps by what became of them. */
export interface StepOutcome {
  readonly done: readonly Step[];
  /** Their netdev is not there. */
  readonly waiting: readonly Step[];
}

const PROGRAMS: Readonly<Record<Exclude<Tool, 'sysctl' | 'nft'>, readonly string[]>> = {
  ip: ['ip'],
  ip6: ['ip', '-6'],
  bridge: ['bridge'],
  host: ['ip'],
};

/** See the file head. */
export class Kernel {
  private readonly place: KernelPlace;

  constructor(place: KernelPlace) {
    this.place = place;
  }

  /** File of the XPU's network namespace; absent = our own. */
  get netns(): string | undefined {
    return this.place.netns;
  }

  /** Runs a program in the XPU's namespace and gives what it printed. Rejects with `command` unless it ends well. */
  async read(argv: readonly string[]): Promise<string> {
    const result = await this.run(argv);
    if (result.code === 0) return result.stdout;
    const message = firstLines(result.stderr);
    throw new LinuxError({ code: 'command', op: `run ${argv.join(' ')}`, message });
  }

  /** Runs a program in the XPU's namespace to whatever end. */
  run(argv: readonly string[], input?: string): Promise<CommandResult> {
    return runCommand(this.place.netns, argv, input);
  }

  /** One transaction of nftables: all of the text, or nothing. Rejects with `refused`. */
  async nft(text: string): Promise<void> {
    if (text === '') return;
    const { code, stderr } = await this.run(['nft', '-f', '-'], text);
    if (code === 0) return;
    throw refused('load ruleset', firstLines(stderr));
  }

  /** Takes steps in their order. Rejects with `refused` if the kernel does not want one of them; others were taken. */
  async take(steps: readonly Step[]): Promise<StepOutcome> {
    const failed = new Map<Step, 'waiting'>();
    const wrong: string[] = [];
    for (const batch of batchesOf(steps)) {
      for (const [index, complaint] of await this.takeBatch(batch)) {
        const step = batch.steps[index];
        if (step === undefined) continue;
        const meaning = meaningOf(complaint, batch.tool, step.result);
        if (meaning === 'waiting') failed.set(step, meaning);
        if (meaning === 'wrong') wrong.push(`${batch.lines[index]}: ${complaint}`);
      }
    }
    if (wrong.length > 0) throw refused('change network', wrong.slice(0, 3).join('; '));
    return {
      done: steps.filter((step) => !failed.has(step)),
      waiting: [...failed.keys()],
    };
  }

  private async takeBatch({ tool, lines }: Batch): Promise<Map<number, string>> {
    if (tool === 'sysctl') {
      const { stderr } = await this.run(['sysctl', '-q', '-w', ...lines]);
      return sysctlComplaints(stderr, lines);
    }
    if (tool === 'nft') {
      const { code, stderr } = await this.run(['nft', '-f', '-'], `${lines.join('\n')}\n`);
      return new Map(code === 0 ? [] : lines.map((_, index) => [index, firstLines(stderr)]));
    }
    const netns = tool === 'host' ? this.place.hostNetns : this.place.netns;
    const argv = [...PROGRAMS[tool], '-force', '-batch', '-'];
    const { code, stderr } = await runCommand(netns, argv, `${lines.join('\n')}\n`);
    // 1: some lines failed, each with its number. Anything else: the program gave up, and lines behind were not read.
    if (code > 1) throw refused('change network', firstLines(stderr));
    return complaintsOf(stderr);
  }
}

function refused(op: string, message: string): LinuxError {
  return new LinuxError({ code: 'refused', op, message });
}

function firstLines(text: string): string {
  return text.trim().split('\n').slice(0, 4).join('; ') || 'no reason given';
}
