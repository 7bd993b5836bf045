/**
 * `calico-xpu driver`: what Felix executes. Relay or standalone, as the setting says. SIGTERM and the end of Felix's pipe mean
 * "freeze": nothing is flushed, the process is gone in under four seconds.
 */
import { felixSocketPath } from '../agent/felix-socket.js';
import { readSettings, variableName, type Settings } from '../agent/settings.js';
import { serveStatus, statusSocketPath } from '../agent/status-server.js';
import { systemClock } from '../base/clock.js';
import type { Logger } from '../base/log.js';
import { openFelixPipes, startedByFelix, type FelixPipes } from '../driver/pipes.js';
import { connectToAgent, relay } from '../driver/relay.js';
import { defineCommand, type CliContext } from './command.js';
import { createLogger } from './logger.js';
import { afterMs, createNodeAgent, exitSoon, terminationSignal } from './node-process.js';
import { settingsText } from './settings-text.js';

/** The command. */
export const driver = defineCommand({
  options: (yargs) => yargs.epilogue(settingsText()),
  async run(_args, context) {
    try {
      return await runDriver(context);
    } finally {
      exitSoon();
    }
  },
});

/** Writes under way when the end comes may take this long. */
const END_MS_MAX = 3_000;

async function runDriver(context: CliContext): Promise<number> {
  if (!startedByFelix()) {
    context.stderr.write(explainByHand());
    return 2;
  }
  const settings = readSettings(context.env);
  const pipes = openFelixPipes();
  if (settings.mode === 'relay') return runRelay(settings, pipes, createLogger('relay', context));
  if (settings.mode === 'standalone') return runStandalone(pipes, context);
  context.stderr.write(
    `${variableName('mode')} is not set: say relay (an agent runs on this node) or standalone\n`,
  );
  return 2;
}

function explainByHand(): string {
  return [
    'This is the data-plane driver that Felix starts, with its pipes on file descriptors 3 and 4; they are not there.',
    'To use it, set in FelixConfiguration (or as FELIX_... variables of calico-node):',
    '  useInternalDataplaneDriver: false',
    '  dataplaneDriver: <path of packaging/calico-xpu-driver>',
    `and ${variableName('mode')}=relay or standalone in calico-node's environment.`,
    'To try it without Felix: calico-xpu felix-sim replay RECORDING_FOLDER, or calico-xpu demo.',
    '',
  ].join('\n');
}

async function runRelay(settings: Settings, pipes: FelixPipes, logger: Logger): Promise<number> {
  const path = felixSocketPath(settings.stateDir);
  const terminated = terminationSignal();
  let waiting = false;
  const agent = await Promise.race([
    connectToAgent(path, systemClock, (reason) => {
      if (!waiting) logger.warn({ path, reason }, 'waiting for the agent');
      waiting = true;
    }),
    terminated,
  ]);
  if (agent === undefined) return 0;
  const end = await Promise.race([relay(pipes, agent), terminated]);
  logger.info({ end: end ?? 'terminated' }, 'relay ends');
  agent.destroy();
  // An agent that is gone, or refused what Felix said, is a failure of the data plane.
  return end === 'agent-closed' ? 1 : 0;
}

async function runStandalone(pipes: FelixPipes, context: CliContext): Promise<number> {
  const logger = createLogger('driver', context);
  const { agent, failed } = createNodeAgent('standalone', context, logger);
  const server = await serveStatus(statusSocketPath(readSettings(context.env).stateDir), agent);
  const terminated = terminationSignal();
  try {
    await Promise.race([agent.serve(pipes), terminated, failed]);
    logger.info({}, 'Felix is gone: what the XPU has stays in force');
    return 0;
  } finally {
    server.close();
    await Promise.race([agent.stop(), afterMs(END_MS_MAX)]);
  }
}
