/** `lab verdicts`: plays a recording through soft-xpu in the kernel, with real frames, and holds it against Felix. */
import { LabError } from '../lab/nodes/errors.js';
import { requireSystem } from '../lab/nodes/kernel.js';
import { LinuxEngine } from '../lab/verdicts/linux-engine.js';
import { hasProbes, readRecording } from '../lab/verdicts/recording.js';
import { defineCommand } from './command.js';
import { terminationSignal } from './node-process.js';
import { reportVerdicts } from './verdict-report.js';

/** Exit code of a run that a signal ended, as shells have it for SIGINT. */
const INTERRUPTED = 130;

/** Prints nothing for a recording without verdict files. Exit code 1 on any disagreement, 2 without root. */
export const labVerdicts = defineCommand({
  options: (yargs) =>
    yargs
      .positional('recording', {
        type: 'string',
        demandOption: true,
        describe: 'folder of the recording',
      })
      .option('json', { type: 'boolean', default: false, describe: 'one JSON object at the end' }),
  async run(args, { stdout, stderr }) {
    const lacking = missingSystem();
    if (lacking !== undefined) {
      stderr.write(`calico-xpu: ${lacking}\n`);
      return 2;
    }
    const recording = readRecording(args.recording);
    if (!hasProbes(recording)) return 0;
    const engine = new LinuxEngine({
      node: recording.node,
      onOutput: (chunk) => stderr.write(chunk.toString()),
    });
    const run = async (): Promise<number> => {
      await engine.open();
      return reportVerdicts({ recording, engine, name: 'linux' }, { json: args.json, stdout });
    };
    const interrupted = terminationSignal().then(() => INTERRUPTED);
    const outcome = run();
    // After a signal it fails, because its engine is gone.
    outcome.catch(() => undefined);
    try {
      return await Promise.race([outcome, interrupted]);
    } finally {
      await engine.close();
    }
  },
});

function missingSystem(): string | undefined {
  try {
    requireSystem();
    return undefined;
  } catch (error) {
    if (error instanceof LabError && error.code === 'requirement') return error.message;
    throw error;
  }
}
