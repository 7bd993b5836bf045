/** `calico-xpu agent`: the resident process of a node. It outlives Felix and its drivers. */
import { felixSocketPath, serveFelix } from '../agent/felix-socket.js';
import type { NodeAgent } from '../agent/node-agent.js';
import { RelayFifos, relayFolder } from '../agent/relay-fifos.js';
import { readSettings } from '../agent/settings.js';
import { serveStatus, statusSocketPath } from '../agent/status-server.js';
import { systemClock } from '../base/clock.js';
import { errorText } from '../base/errors.js';
import type { Logger } from '../base/log.js';
import type { FelixPipes } from '../driver/pipes.js';
import { defineCommand, type CliContext } from './command.js';
import { createLogger } from './logger.js';
import { afterMs, createNodeAgent, exitSoon, terminationSignal } from './node-process.js';
import { settingsText } from './settings-text.js';

/** The command. */
export const agent = defineCommand({
  options: (yargs) => yargs.epilogue(settingsText()),
  async run(_args, context) {
    try {
      return await runAgent(context);
    } finally {
      exitSoon();
    }
  },
});

/** Writes under way when the end comes may take this long. */
const END_MS_MAX = 3_000;

async function runAgent(context: CliContext): Promise<number> {
  const logger = createLogger('agent', context);
  const { stateDir } = readSettings(context.env);
  const { agent: node, failed } = createNodeAgent('agent', context, logger);
  const onStream = (pipes: FelixPipes): void => void serveStream(node, pipes, logger);
  const status = await serveStatus(statusSocketPath(stateDir), node);
  const felix = await serveFelix(felixSocketPath(stateDir), onStream);
  const fifos = new RelayFifos({
    folder: relayFolder(stateDir),
    clock: systemClock,
    logger,
    onSession: onStream,
  });
  await fifos.start();
  logger.info({ stateDir }, 'agent waits for Felix');
  try {
    await Promise.race([terminationSignal(), failed]);
    logger.info({}, 'agent ends: what the XPU has stays in force');
    return 0;
  } finally {
    fifos.stop();
    felix.close();
    status.close();
    await Promise.race([node.stop(), afterMs(END_MS_MAX)]);
  }
}

/** A stream that cannot be read ends; its relay sees that, Felix restarts it, and the agent lives on. */
async function serveStream(node: NodeAgent, pipes: FelixPipes, logger: Logger): Promise<void> {
  logger.info({}, 'Felix connects');
  try {
    await node.serve(pipes);
    logger.info({}, 'Felix is gone: what the XPU has stays in force');
  } catch (error) {
    logger.error({ error: errorText(error) }, 'stream refused');
  }
}
