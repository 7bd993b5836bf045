/** `calico-xpu lab exec`: runs a command in the network of a pod or node. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { LabError } from '../lab/nodes/errors.js';
import { namespaceFile, requireSystem, systemPath } from '../lab/nodes/kernel.js';
import { findLab } from '../lab/nodes/lab-files.js';
import { MARK_VARIABLE } from '../lab/nodes/names.js';
import { findPlace, placesOf } from '../lab/nodes/places.js';
import { defineCommand } from './command.js';
import { NAME_OPTION } from './lab-output.js';

/** What shells add to the number of a signal. */
const SIGNALLED = 128;

/** The exit code is the command's own; 128 and its number after a signal. */
export const labExec = defineCommand({
  options: (yargs) =>
    yargs
      .parserConfiguration({ 'populate--': true })
      .positional('place', { type: 'string', demandOption: true, describe: 'pod or node' })
      .positional('command', { type: 'string', array: true, describe: 'behind --' })
      .option('name', NAME_OPTION)
      .example('$0 lab exec shop/db-1 -- ip addr', '')
      .check((args) => {
        if (commandOf(args).length === 0) throw new Error('Name a command behind --.');
        return true;
      }),
  run(args) {
    const { place, name } = args;
    requireSystem(['ip', 'nsenter']);
    const state = findLab(name);
    const { namespace } = findPlace(placesOf(state.name, state), place);
    return runIn(namespace, state.name, commandOf(args));
  },
});

/** Words before and behind `--`. */
function commandOf(args: Record<string, unknown>): string[] {
  return [args['command'], args['--']].flatMap((words) =>
    Array.isArray(words) ? words.map(String) : [],
  );
}

function runIn(namespace: string, lab: string, command: readonly string[]): Promise<number> {
  const child = spawn('nsenter', [`--net=${namespaceFile(namespace)}`, '--', ...command], {
    stdio: 'inherit',
    env: { ...process.env, PATH: systemPath(), [MARK_VARIABLE]: lab },
  });
  // A terminal sends its interrupt to both: the command decides what becomes of it.
  process.on('SIGINT', ignore);
  return new Promise((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new LabError({ code: 'place', op: 'run command', message: cause.message, cause })),
    );
    child.once('close', (code, signal) => {
      process.off('SIGINT', ignore);
      resolve(code ?? SIGNALLED + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

function ignore(): void {
  // See above.
}
