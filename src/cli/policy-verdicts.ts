/** `policy verdicts`: plays a recording and holds our verdicts against those of Felix's own data plane. */
import { WALK_ENGINE_NAMES } from '../lab/verdicts/engine.js';
import { createEngine } from '../lab/verdicts/engines.js';
import { hasProbes, readRecording } from '../lab/verdicts/recording.js';
import { defineCommand } from './command.js';
import { reportVerdicts } from './verdict-report.js';

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
        choices: WALK_ENGINE_NAMES,
        default: 'native' as const,
        describe: 'what judges the packets',
      })
      .option('json', { type: 'boolean', default: false, describe: 'one JSON object at the end' }),
  async run(args, { stdout, stderr }) {
    const recording = readRecording(args.recording);
    if (!hasProbes(recording)) return 0;
    const name = args.engine;
    const engine = await createEngine(name, recording, (chunk) => stderr.write(chunk.toString()));
    try {
      return await reportVerdicts({ recording, engine, name }, { json: args.json, stdout });
    } finally {
      await engine.close();
    }
  },
});
