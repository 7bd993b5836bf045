/** `policy verdicts`: plays a recording and holds our verdicts against those of Felix's own data plane. */
import { ENGINE_NAMES, type EngineName, type VerdictEngine } from '../lab/verdicts/engine.js';
import { createEngine } from '../lab/verdicts/engines.js';
import { stepLines } from '../lab/verdicts/format.js';
import { hasProbes, readRecording, type Recording } from '../lab/verdicts/recording.js';
import { isClean, runVerdicts, type StepResult } from '../lab/verdicts/run.js';
import { defineCommand, type TextSink } from './command.js';

/** Prints nothing for a recording without verdict files. Exit code 1 on any disagreement. */
export const policyVerdicts = defineCommand({
  options: (yargs) =>
    yargs
      .positional('recording', {
        type: 'string',
        demandOption: true,
        describe: 'folder of the recording',
      })
      .option('engine', {
        choices: ENGINE_NAMES,
        default: 'native' as const,
        describe: 'what judges the packets',
      })
      .option('json', { type: 'boolean', default: false, describe: 'one JSON object at the end' }),
  async run(args, { stdout, stderr }) {
    const recording = readRecording(args.recording);
    if (!hasProbes(recording)) return 0;
    const engine = await createEngine(args.engine, recording, (chunk) =>
      stderr.write(chunk.toString()),
    );
    const results = await runAll(recording, engine, args.engine, args.json ? undefined : stdout);
    if (args.json) stdout.write(`${JSON.stringify(summary(recording, args.engine, results))}\n`);
    return results.every(isClean) ? 0 : 1;
  },
});

async function runAll(
  recording: Recording,
  engine: VerdictEngine,
  name: EngineName,
  progress: TextSink | undefined,
): Promise<StepResult[]> {
  const results: StepResult[] = [];
  try {
    for await (const result of runVerdicts(recording, engine, name)) {
      results.push(result);
      progress?.write(`${stepLines(result, name).join('\n')}\n`);
    }
  } finally {
    await engine.close();
  }
  return results;
}

function summary({ folder, calico }: Recording, engine: EngineName, steps: readonly StepResult[]) {
  const sum = (figure: (step: StepResult) => number): number =>
    steps.reduce((total, step) => total + figure(step), 0);
  return {
    recording: folder,
    calico,
    engine,
    agreed: sum(({ agreed }) => agreed),
    narrower: sum(({ narrower }) => narrower),
    total: sum(({ total }) => total),
    steps,
  };
}
