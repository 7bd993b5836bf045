/** The lines that `policy verdicts` prints; other programs read them. */
import type { EngineName } from './engine.js';
import type { Disagreement, StepResult } from './run.js';

/** `STEP agreed/total`, for plain with ` narrower=N`; then each disagreement on a line that begins with two spaces. */
export function stepLines(result: StepResult, engine: EngineName): string[] {
  const counts = `${result.step} ${result.agreed}/${result.total}`;
  const head = engine === 'plain' ? `${counts} narrower=${result.narrower}` : counts;
  return [head, ...result.disagreements.map((one) => `  ${disagreementLine(one)}`)];
}

function disagreementLine({ line, probe, felix, ours, exit, path, reasons }: Disagreement): string {
  const out = exit === '' ? '' : ` (comes out at ${exit})`;
  const why = reasons.length === 0 ? '' : ` [narrower: ${reasons.join('; ')}]`;
  const decided = path.length === 0 ? 'no decision' : path.join('; ');
  return `line ${line}: ${probe}: felix ${felix}, ours ${ours}${out}: ${decided}${why}`;
}
