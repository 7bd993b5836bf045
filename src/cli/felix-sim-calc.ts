/** `felix-sim calc`: prints what Felix would say about Calico and Kubernetes YAML, step by step. */
import { decodeToDataplane } from '../driver/message.js';
import { readCalicoScenario } from '../felix-sim/calico/scenario.js';
import { messageJson } from '../felix-sim/decode.js';
import type { Scenario } from '../felix-sim/scenario.js';
import { summaryOf } from '../felix-sim/summary.js';
import { readCalicoFiles } from '../lab/replay/calico-files.js';
import { NEWEST_CALICO } from '../model/calico-version.js';
import { defineCommand, type TextSink } from './command.js';

/** With `--json` one object per message, else one line for people. */
export const felixSimCalc = defineCommand({
  options: (yargs) =>
    yargs
      .positional('path', {
        type: 'string',
        demandOption: true,
        describe: 'folder or file of YAML; files in the order of their names, 00* first',
      })
      .option('node', { type: 'string', describe: 'node of Felix; default node-a' })
      .option('json', { type: 'boolean', default: false, describe: 'one JSON object per message' }),
  run({ path, node, json }, { stdout, stderr }) {
    const files = readCalicoFiles(path);
    if (files === undefined) {
      stderr.write(`${path}: no Calico or Kubernetes YAML\n`);
      return Promise.resolve(1);
    }
    print(readCalicoScenario(files, { node }), json, stdout);
    return Promise.resolve(0);
  },
});

function print({ streams, steps }: Scenario, json: boolean, out: TextSink): void {
  const read = streams.map(() => 0);
  for (const { name, stream, frames } of steps) {
    const bodies = streams[stream]?.slice(read[stream], frames) ?? [];
    if (!json) out.write(`${name}: ${bodies.length} messages\n`);
    for (const body of bodies) {
      const { message } = decodeToDataplane(body);
      const line = json
        ? JSON.stringify({ step: name, session: stream, ...messageJson(message, NEWEST_CALICO) })
        : `  ${summaryOf(message)}`;
      out.write(`${line}\n`);
    }
    read[stream] = frames;
  }
}
