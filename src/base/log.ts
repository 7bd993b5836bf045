/** The logging port. The edge binds it to bunyan; modules see four methods and structured fields. */

/** Structured fields of one log line. */
export type LogFields = Readonly<Record<string, unknown>>;

/** A logger. Implementations must not throw. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

/** Says nothing; the default of library code and most tests. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
