/** The binding of the logging port: levels, form of a line, and that it never throws. */
import { expect } from 'chai';
import type { Logger } from '../../src/base/log.js';
import { createLogger } from '../../src/cli/logger.js';

function logged(level: string | undefined, use: (log: Logger) => void): Record<string, unknown>[] {
  let text = '';
  const stderr = { write: (line: string) => (text += line) };
  use(createLogger('driver', { env: { CALICO_XPU_LOG: level }, stderr }));
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

function sayAll(log: Logger): void {
  log.debug({}, 'd');
  log.info({}, 'i');
  log.warn({}, 'w');
  log.error({}, 'e');
}

const messages = (lines: Record<string, unknown>[]): unknown[] => lines.map((line) => line.msg);

describe('logger', () => {
  it('passes what the level lets pass', () => {
    expect(messages(logged(undefined, sayAll))).to.deep.equal(['i', 'w', 'e']);
    expect(messages(logged('debug', sayAll))).to.deep.equal(['d', 'i', 'w', 'e']);
    expect(messages(logged('error', sayAll))).to.deep.equal(['e']);
    expect(messages(logged('silent', sayAll))).to.deep.equal([]);
  });

  it('takes an unknown level as info and says so', () => {
    const lines = logged('loud', sayAll);
    expect(lines[0]).to.include({ value: 'loud', msg: 'unknown log level, using info' });
    expect(messages(lines).slice(1)).to.deep.equal(['i', 'w', 'e']);
  });

  it('writes fields, component and errors with their causes', () => {
    const error = new Error('outer', { cause: new Error('inner') });
    const [line] = logged('info', (log) => log.info({ endpoint: 'a', error }, 'done'));
    expect(line).to.include({ component: 'driver', endpoint: 'a', msg: 'done', level: 30 });
    expect(line?.error).to.include({ message: 'outer' }).and.to.have.property('stack');
    expect(JSON.stringify(line)).to.contain('inner');
  });

  it('does not throw on what JSON cannot say', () => {
    const loop: Record<string, unknown> = {};
    loop.self = loop;
    const [line] = logged('info', (log) => log.info({ loop, big: 10n }, 'odd'));
    expect(line?.msg).to.equal('odd');
    expect(line?.fields).to.contain('10n');
  });
});
