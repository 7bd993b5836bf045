/** Binds the logging port to bunyan: one JSON object per line, on stderr. */
import { inspect } from 'node:util';
import bunyan from 'bunyan';
import { silentLogger } from '../base/log.js';
import type { LogFields, Logger } from '../base/log.js';
import type { CliContext } from './command.js';

/** Environment variable that sets the level. */
export const LOG_VARIABLE = 'CALICO_XPU_LOG';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
type Level = (typeof LEVELS)[number];

/**
 * The logger of one process. Level by `CALICO_XPU_LOG`: debug, info (default), warn, error or silent; any other value
 * means info and is logged once as a warning. `component` tells processes apart in a common log.
 */
export function createLogger(
  component: string,
  { env, stderr }: Pick<CliContext, 'env' | 'stderr'>,
): Logger {
  const wanted = env[LOG_VARIABLE] ?? 'info';
  if (wanted === 'silent') return silentLogger;
  const level = LEVELS.find((known) => known === wanted);
  const inner = bunyan.createLogger({
    name: 'calico-xpu',
    component,
    streams: [{ level: level ?? 'info', stream: stderr as NodeJS.WritableStream }],
    serializers: { err: errorFields, error: errorFields, cause: errorFields },
  });
  const logger: Logger = {
    debug: (fields, message) => say('debug', fields, message),
    info: (fields, message) => say('info', fields, message),
    warn: (fields, message) => say('warn', fields, message),
    error: (fields, message) => say('error', fields, message),
  };
  if (level === undefined) {
    logger.warn({ variable: LOG_VARIABLE, value: wanted }, 'unknown log level, using info');
  }
  return logger;

  function say(at: Level, fields: LogFields, message: string): void {
    try {
      inner[at](fields, message);
    } catch {
      // bunyan throws on what JSON cannot say, such as a bigint; a log line must never end its caller.
      inner[at]({ fields: inspect(fields) }, message);
    }
  }
}

/** An error as fields, with its causes; a chain is cut where it gets too long to read. */
function errorFields(thrown: unknown, depth = 0): unknown {
  if (!(thrown instanceof Error) || depth > 4) return thrown;
  const { name, message, stack, cause, code } = thrown as Error & { code?: unknown };
  return {
    name,
    message,
    code,
    stack,
    ...(cause === undefined ? {} : { cause: errorFields(cause, depth + 1) }),
  };
}
