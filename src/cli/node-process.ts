/** What driver and agent processes share: a node's agent wired to the real world, and how such a process ends. */
import { hostname } from 'node:os';
import { NodeAgent } from '../agent/node-agent.js';
import { systemClock } from '../base/clock.js';
import type { Logger } from '../base/log.js';
import type { CliContext } from './command.js';
import { packageVersion } from './version.js';
import { connectXpu } from './xpu-connection.js';

/** A node's agent, and a promise that rejects when living on would be wrong. */
export interface NodeProcess {
  readonly agent: NodeAgent;
  readonly failed: Promise<never>;
}

/** Wires one. Throws for settings that cannot be used. */
export function createNodeAgent(
  mode: 'agent' | 'standalone',
  context: CliContext,
  logger: Logger,
): NodeProcess {
  let onFatal: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => (onFatal = reject));
  // Whoever awaits it hears of it; nobody has to.
  failed.catch(() => undefined);
  const agent = new NodeAgent({
    mode,
    version: packageVersion(),
    environment: context.env,
    hostname: hostname(),
    clock: systemClock,
    logger,
    connect: (settings, node) => connectXpu(settings, node, logger),
    onFatal,
  });
  return { agent, failed };
}

/** Resolves at the first SIGTERM or SIGINT. */
export function terminationSignal(): Promise<undefined> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => resolve(undefined));
    }
  });
}

/** Resolves after that many milliseconds. */
export function afterMs(delayMs: number): Promise<undefined> {
  return new Promise((resolve) => systemClock.after(delayMs, () => resolve(undefined)));
}

/** Whatever still holds the process (a pipe, a connection) may do so for a moment only: Felix waits for it to go. */
export function exitSoon(): void {
  setTimeout(() => process.exit(), EXIT_MS_MAX).unref();
}

const EXIT_MS_MAX = 500;
