/** What became of steps, gathered from the complaints of the programs that took their lines. Pure. */
import { meaningOf, type Batch } from './batch.js';
import type { Tool } from './item.js';
import type { Step } from './steps.js';

/** A step that the kernel does not want. */
export interface RefusedStep {
  readonly step: Step;
  /** The line, and the kernel's words. */
  readonly complaint: string;
}

/** Steps by what became of them. */
export interface StepOutcome {
  readonly done: readonly Step[];
  /** Their netdev is not there, or down. */
  readonly waiting: readonly Step[];
  readonly refused: readonly RefusedStep[];
}

/** See the file head. */
export class Outcome {
  private readonly waiting = new Set<Step>();
  private readonly refused = new Map<Step, string>();
  /** Netdevs that could not be made: somebody else may have their names. */
  private readonly lost = new Set<string>();

  /** Notes complaints about lines of a batch, by line index. */
  note({ tool, lines, steps }: Batch, complaints: ReadonlyMap<number, string>): void {
    for (const [index, complaint] of complaints) {
      const [step, line] = [steps[index], lines[index]];
      if (step !== undefined && line?.mayFail !== true) {
        this.noteOne(step, tool, `${line?.text ?? ''}: ${complaint}`);
      }
    }
  }

  /** Notes that a program gave up at the only step of its batch. */
  gaveUp({ tool, lines, steps: [step] }: Batch, complaint: string): void {
    const line = lines.find(({ mayFail }) => mayFail !== true);
    if (step !== undefined) this.noteOne(step, tool, `${line?.text ?? ''}: ${complaint}`);
  }

  private refuse(step: Step, complaint: string): void {
    if (!this.refused.has(step)) this.refused.set(step, complaint);
    const { result } = step;
    if (result?.kind === 'link' && result.device !== undefined) this.lost.add(result.device);
  }

  /** Lines of a batch that may run: none of a step whose netdev could not be made. */
  open({ tool, lines, steps }: Batch): Batch {
    const isOpen = (_: unknown, index: number): boolean => {
      const step = steps[index];
      return step === undefined || !this.standsOnLost(step);
    };
    return { tool, lines: lines.filter(isOpen), steps: steps.filter(isOpen) };
  }

  /** What became of all steps. */
  of(steps: readonly Step[]): StepOutcome {
    const waits = (step: Step): boolean => this.waiting.has(step) || this.standsOnLost(step);
    const open = steps.filter((step) => !this.refused.has(step));
    return {
      done: open.filter((step) => !waits(step)),
      waiting: open.filter(waits),
      refused: [...this.refused].map(([step, complaint]) => ({ step, complaint })),
    };
  }

  private standsOnLost({ result }: Step): boolean {
    if (result?.device === undefined || result.kind === 'link') return false;
    return this.lost.has(result.device);
  }

  private noteOne(step: Step, tool: Tool, complaint: string): void {
    const meaning = meaningOf(complaint, tool, step.result);
    if (meaning === 'waiting') this.waiting.add(step);
    if (meaning === 'wrong') this.refuse(step, complaint);
  }
}
