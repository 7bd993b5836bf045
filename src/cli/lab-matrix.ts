/** `calico-xpu lab matrix`: real probes for every pair of places and every port, held against `why`. */
import { requireSystem } from '../lab/nodes/kernel.js';
import { ensureKeeper } from '../lab/nodes/keeper.js';
import { findLab, readCluster } from '../lab/nodes/lab-files.js';
import { matrixReport, matrixText, mismatchLines } from '../lab/nodes/matrix-text.js';
import { allQuestions, probeAll } from '../lab/nodes/matrix.js';
import { nodeStates } from '../lab/nodes/node-states.js';
import { placesOf } from '../lab/nodes/places.js';
import { Predictor } from '../lab/nodes/prediction.js';
import { parseServices, servicesInUse } from '../lab/nodes/services.js';
import { defineCommand } from './command.js';
import { NAME_OPTION, progressOn } from './lab-output.js';

/** Exit code 1 if a packet does what `why` does not say. */
export const labMatrix = defineCommand({
  options: (yargs) =>
    yargs
      .option('ports', {
        type: 'string',
        describe: 'as icmp,80/tcp,53/udp; default what the policies speak of, and one more',
      })
      .option('family', { choices: [4, 6] as const, describe: 'default both' })
      .option('json', { type: 'boolean', default: false, describe: 'every probe, as JSON' })
      .option('name', NAME_OPTION),
  async run({ ports, family, json, name }, context) {
    requireSystem();
    const state = findLab(name);
    await ensureKeeper(state.name);
    const states = nodeStates(readCluster(state.name), state.nodes);
    const services =
      ports === undefined
        ? servicesInUse([...states.values()].flatMap(({ messages }) => messages))
        : parseServices(ports);
    const questions = allQuestions(placesOf(state.name, state), services).filter(
      (one) => family === undefined || one.family === family,
    );
    const progress = progressOn(context);
    const cells = await probeAll(questions, new Predictor(states), progress.say);
    progress.end();
    const report = matrixReport(state.name, cells);
    const { passed, mismatches, probes } = report;
    const summary = `${probes.length} probes, ${passed} pass, ${mismatches} contradict why`;
    const text = [matrixText(cells), '', ...mismatchLines(cells), summary].join('\n');
    context.stdout.write(`${json ? JSON.stringify(report) : text}\n`);
    return mismatches === 0 ? 0 : 1;
  },
});
