/** Commands that the lab calls by itself: its keeper, the Felix of a node, the process of a pod or node. */
import { runFelix } from '../lab/nodes/felix-process.js';
import { keepLab } from '../lab/nodes/keeper.js';
import { servePlace } from '../lab/nodes/place-server.js';
import { defineCommand } from './command.js';
import { exitSoon, terminationSignal } from './node-process.js';

/** Keeps the processes of a lab until the lab is gone. */
export const labKeeper = defineCommand({
  options: (yargs) => yargs.option('name', { type: 'string', demandOption: true }),
  async run({ name }) {
    await keepLab(name);
    return 0;
  },
});

/** Runs a node's Felix until it has to start anew. */
export const labFelix = defineCommand({
  options: (yargs) =>
    yargs
      .option('name', { type: 'string', demandOption: true })
      .option('node', { type: 'string', demandOption: true }),
  async run({ name, node }) {
    try {
      await runFelix(name, node, terminationSignal());
    } finally {
      exitSoon();
    }
    return 0;
  },
});

/** Listens and probes inside the network namespace that it was started in. */
export const labPlace = defineCommand({
  options: (yargs) =>
    yargs
      .option('place', { type: 'string', demandOption: true })
      .option('socket', { type: 'string', demandOption: true }),
  async run({ place, socket }) {
    const ended = terminationSignal();
    const server = await servePlace(place, socket);
    await ended;
    server.close();
    exitSoon();
    return 0;
  },
});
