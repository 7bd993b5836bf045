/** Errors as the command line shows them: one line each, the stack only for who asked for debugging. */
import { errorText } from '../base/errors.js';
import { LOG_VARIABLE } from './logger.js';

/** `calico-xpu: message: cause`, ended by a newline; with the stack below when the log level is debug. */
export function describeError(
  error: unknown,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const texts = causesOf(error).map(errorText);
  // Some errors tell their cause in their own words.
  const news = texts.filter(
    (text, index) => !texts.slice(0, index).some((told) => told.includes(text)),
  );
  const line = `calico-xpu: ${news.join(': ')}`.replaceAll(/\s*\n\s*/g, ' ');
  const stack =
    env[LOG_VARIABLE] === 'debug' && error instanceof Error ? `${error.stack ?? ''}\n` : '';
  return `${line}\n${stack}`;
}

/** The error and what caused it, outermost first; a chain is cut where it gets too long to read. */
function causesOf(error: unknown): unknown[] {
  const chain = [error];
  for (let at = error; at instanceof Error && at.cause !== undefined && chain.length < 5;) {
    at = at.cause;
    chain.push(at);
  }
  return chain;
}
