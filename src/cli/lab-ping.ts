/** `calico-xpu lab ping`: one place probes another with real packets, and `why` says what it should come to. */
import { explanationText } from '../lab/explain/explanation-text.js';
import { LabError } from '../lab/nodes/errors.js';
import { requireSystem } from '../lab/nodes/kernel.js';
import { ensureKeeper } from '../lab/nodes/keeper.js';
import { findLab, readCluster } from '../lab/nodes/lab-files.js';
import { allQuestions, isMismatch, probeAll, type Cell } from '../lab/nodes/matrix.js';
import { nodeStates } from '../lab/nodes/node-states.js';
import { findPlace, placesOf } from '../lab/nodes/places.js';
import { Predictor } from '../lab/nodes/prediction.js';
import { parseServices } from '../lab/nodes/services.js';
import { defineCommand } from './command.js';
import { NAME_OPTION, progressOn } from './lab-output.js';
import { DENIED } from './why.js';

/** Exit code 0: passes in every family asked, 3: does not, 1: packets contradict `why`. */
export const labPing = defineCommand({
  options: (yargs) =>
    yargs
      .positional('from', { type: 'string', demandOption: true, describe: 'pod or node' })
      .positional('to', { type: 'string', demandOption: true, describe: 'pod or node' })
      .option('port', { type: 'string', describe: 'PORT/PROTOCOL, as 80/tcp; default ICMP echo' })
      .option('family', { choices: [4, 6] as const, describe: 'default all that both have' })
      .option('why', { type: 'boolean', default: false, describe: 'also tell why, if it passes' })
      .option('name', NAME_OPTION),
  async run(args, context) {
    requireSystem();
    const state = findLab(args.name);
    await ensureKeeper(state.name);
    const places = placesOf(state.name, state);
    const [from, to] = [findPlace(places, args.from), findPlace(places, args.to)];
    if (from === to) {
      const message = `${from.name} cannot be asked by itself: no packet leaves it`;
      throw new LabError({ code: 'place', op: 'ping', message });
    }
    const services = parseServices(args.port ?? 'icmp');
    const questions = allQuestions([from, to], services).filter(
      (one) => one.from === from && (args.family === undefined || one.family === args.family),
    );
    const predictor = new Predictor(nodeStates(readCluster(state.name), state.nodes));
    const progress = progressOn(context);
    const cells = await probeAll(questions, predictor, (text) => {
      if (context.stderr.isTTY === true) progress.say(text);
    });
    progress.end();
    for (const cell of cells) context.stdout.write(cellText(cell, args.why));
    if (cells.some(isMismatch)) return 1;
    return cells.length > 0 && cells.every(({ outcome }) => outcome.passes) ? 0 : DENIED;
  },
});

function cellText(cell: Cell, tellWhy: boolean): string {
  const { from, to, family, service, outcome, prediction } = cell;
  const what = `${from.name} > ${to.name} (${to.addresses[family] ?? ''}) ${service.label}`;
  const did = outcome.passes ? `passes: ${outcome.detail} in ${outcome.ms} ms` : 'does not pass';
  const detail = outcome.passes ? '' : `: ${outcome.detail}`;
  const contradiction = isMismatch(cell) ? '  !! why says otherwise' : '';
  const told = tellWhy || isMismatch(cell) || !outcome.passes;
  const why = told ? prediction.explanations.map(explanationText) : [];
  const decided = told ? [`  ${prediction.by}\n`] : [];
  return [`${what} ${did}${detail}${contradiction}\n`, ...decided, ...why].join('');
}
