/** Steps as the inputs of few programs, and what the programs' complaints mean for the steps. */
import type { Line, NetItem, Tool } from './item.js';
import type { Step } from './steps.js';

/** Input of one program. `steps[i]` is the step that line `i` belongs to. */
export interface Batch {
  readonly tool: Tool;
  readonly lines: readonly Line[];
  readonly steps: readonly Step[];
}

/** Groups the lines of steps, in their order, by the program that takes them. */
export function batchesOf(steps: readonly Step[]): Batch[] {
  const batches: { tool: Tool; lines: Line[]; steps: Step[] }[] = [];
  for (const step of steps) {
    for (const line of step.lines) {
      let last = batches.at(-1);
      if (last?.tool !== line.tool)
        batches.push((last = { tool: line.tool, lines: [], steps: [] }));
      last.lines.push(line);
      last.steps.push(step);
    }
  }
  return batches;
}

/** Both halves of a batch; none if it is of one step. Lines of a step stay together. */
export function halvesOf({ tool, lines, steps }: Batch): readonly Batch[] {
  const all = [...new Set(steps)];
  if (all.length < 2) return [];
  const second = new Set(all.slice(all.length >> 1));
  const half = (inSecond: boolean): Batch => {
    const isIn = (_: unknown, index: number): boolean => {
      const step = steps[index];
      return step !== undefined && second.has(step) === inSecond;
    };
    return { tool, lines: lines.filter(isIn), steps: steps.filter(isIn) };
  };
  return [half(false), half(true)];
}

/** Complaints by line index, as `ip` and `bridge` tell them with `-force -batch -`. */
export function complaintsOf(stderr: string): Map<number, string> {
  const complaints = new Map<number, string>();
  let text: string[] = [];
  for (const line of stderr.split('\n')) {
    const failed = /^Command failed -:(\d+)$/.exec(line);
    if (failed === null) {
      if (line !== '') text.push(line);
      continue;
    }
    complaints.set(Number(failed[1]) - 1, text.join('; '));
    text = [];
  }
  return complaints;
}

/** Complaints of `sysctl` about `lines`: it names the path. */
export function sysctlComplaints(stderr: string, lines: readonly string[]): Map<number, string> {
  const complaints = new Map<number, string>();
  for (const text of stderr.split('\n').filter((line) => line !== '')) {
    const index = lines.findIndex((line) => text.includes(pathOf(line)));
    complaints.set(Math.max(index, 0), text);
  }
  return complaints;
}

/**
 * What a complaint means: the step is `done` all the same, it is `waiting` for its netdev (missing, or down), or something is `wrong`.
 */
export type Meaning = 'done' | 'waiting' | 'wrong';

const NO_DEVICE =
  /Cannot find device|No such device|is not up|Network is down|cannot stat \/proc\/sys\/net/;
const NOT_THERE =
  /No such process|No such file or directory|Cannot assign requested address|does not exist/;

/** Meaning of a complaint about a line of a step. */
export function meaningOf(complaint: string, tool: Tool, result: NetItem | undefined): Meaning {
  if (result === undefined) {
    return NO_DEVICE.test(complaint) || NOT_THERE.test(complaint) ? 'done' : 'wrong';
  }
  if (NO_DEVICE.test(complaint) || (tool === 'nft' && NOT_THERE.test(complaint))) {
    // The VF's end went to its pod: what it has there is the pod's.
    if (tool === 'host') return 'done';
    return result.device === undefined || result.kind === 'link' ? 'wrong' : 'waiting';
  }
  return result.kind === 'rule' && complaint.includes('File exists') ? 'done' : 'wrong';
}

function pathOf(line: string): string {
  return line.slice(0, line.indexOf('='));
}
