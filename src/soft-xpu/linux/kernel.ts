/** Writes to the kernel of one XPU: the ruleset, and steps of the network state. I/O edge. */
import { runCommand, type CommandResult } from './command.js';
import { LinuxError } from './errors.js';
import {
  batchesOf,
  complaintsOf,
  halvesOf,
  sysctlComplaints,
  type Batch,
} from './network/batch.js';
import type { Tool } from './network/item.js';
import { areEnds, isOurs, linksOf, type ListedLink } from './network/observed.js';
import { Outcome, type StepOutcome } from './network/outcome.js';
import type { Step } from './network/steps.js';

/** Where an XPU lives. Absent paths are the namespace that we run in. */
export interface KernelPlace {
  /** File of the XPU's network namespace. */
  readonly netns: string | undefined;
  /** File of the namespace where VF ends are made. */
  readonly hostNetns: string | undefined;
}

/** Complaints by line index, or what a program said that gave up before it had read all lines. */
type Complaints = ReadonlyMap<number, string> | string;

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

  /** Takes steps in their order. What the kernel does not want of one of them keeps no other from being taken. */
  async take(steps: readonly Step[]): Promise<StepOutcome> {
    const outcome = new Outcome();
    for (const batch of batchesOf(steps)) await this.takeBatch(batch, outcome);
    return outcome.of(steps);
  }

  private async takeBatch(whole: Batch, outcome: Outcome): Promise<void> {
    const batch = outcome.open(whole);
    if (batch.steps.length === 0) return;
    const complaints = await this.runBatch(batch);
    if (typeof complaints !== 'string') return outcome.note(batch, complaints);
    const halves = halvesOf(batch);
    if (halves.length === 0) return outcome.gaveUp(batch, complaints);
    const made = await this.madeBy(batch);
    for (const half of halves) await this.takeBatch(without(half, made), outcome);
  }

  private async runBatch(batch: Batch): Promise<Complaints> {
    const { tool, lines } = batch;
    const texts = lines.map(({ text }) => text);
    if (tool === 'sysctl') {
      const { stderr } = await this.run(['sysctl', '-q', '-w', ...texts]);
      return sysctlComplaints(stderr, texts);
    }
    if (tool === 'nft') {
      const { code, stderr } = await this.run(['nft', '-f', '-'], `${texts.join('\n')}\n`);
      return code === 0 ? new Map<number, string>() : firstLines(stderr);
    }
    if (tool !== 'host') return this.runIp(this.place.netns, tool, texts);
    const here = await this.endsThatAreHere();
    return this.runIp(
      this.place.hostNetns,
      tool,
      // A line of its own for each step stays at its index.
      lines.map(({ text }, index) => (here(batch.steps[index]) ? text : '')),
    );
  }

  private async runIp(
    netns: string | undefined,
    tool: keyof typeof PROGRAMS,
    texts: readonly string[],
  ): Promise<Complaints> {
    const argv = [...PROGRAMS[tool], '-force', '-batch', '-'];
    const { code, stderr } = await runCommand(netns, argv, `${texts.join('\n')}\n`);
    // 1: some lines failed, each with its number. Anything else: the program gave up, and lines behind were not read.
    return code > 1 ? firstLines(stderr) : complaintsOf(stderr);
  }

  /** Tells which VF ends are where they were made: another netdev may have the name of one that went to its pod. */
  private async endsThatAreHere(): Promise<(step: Step | undefined) => boolean> {
    const [representors, vfs] = await Promise.all([
      linksIn(this.place.netns),
      linksIn(this.place.hostNetns),
    ]);
    return (step) => {
      const device = step?.result?.device ?? '';
      return areEnds(representors.get(device), vfs.get(device));
    };
  }

  /** Netdevs that a batch made before its program gave up: they are not made again. */
  private async madeBy({ steps }: Batch): Promise<ReadonlySet<Step>> {
    const making = [...new Set(steps)].filter(({ result }) => result?.kind === 'link');
    if (making.length === 0) return new Set();
    const links = await linksIn(this.place.netns);
    const isMade = ({ result }: Step): boolean => {
      const link = links.get(result?.device ?? '');
      return link !== undefined && isOurs(link);
    };
    return new Set(making.filter(isMade));
  }
}

async function linksIn(netns: string | undefined): Promise<Map<string, ListedLink>> {
  const { stdout } = await runCommand(netns, ['ip', '-j', 'link', 'show']);
  return new Map(linksOf(stdout).map((link) => [link.ifname, link]));
}

function without({ tool, lines, steps }: Batch, left: ReadonlySet<Step>): Batch {
  const stays = (_: unknown, index: number): boolean => {
    const step = steps[index];
    return step !== undefined && !left.has(step);
  };
  return { tool, lines: lines.filter(stays), steps: steps.filter(stays) };
}

function refused(op: string, message: string): LinuxError {
  return new LinuxError({ code: 'refused', op, message });
}

function firstLines(text: string): string {
  return text.trim().split('\n').slice(0, 4).join('; ') || 'no reason given';
}
