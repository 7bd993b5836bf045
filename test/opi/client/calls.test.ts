/** What every call of the client has: deadline, retries where they can help, a bound on calls in flight, counters. */
import { expect } from 'chai';
import { status } from '@grpc/grpc-js';
import { grpcTarget } from '../../../src/opi/client/address.js';
import { connectOpiTarget } from '../../../src/opi/client/target.js';
import type { CallReport } from '../../../src/opi/client/options.js';
import type { OpiErrorCode } from '../../../src/opi/objects/errors.js';
import { failure, ScriptedServer } from './scripted-server.js';
import { message, QUICK, refused, vpc, withServer } from './setup.js';

const CODES: readonly [status, OpiErrorCode, number][] = [
  [status.UNKNOWN, 'UNKNOWN', 1],
  [status.INTERNAL, 'UNKNOWN', 1],
  [status.DATA_LOSS, 'UNKNOWN', 1],
  [status.INVALID_ARGUMENT, 'INVALID', 1],
  [status.OUT_OF_RANGE, 'INVALID', 1],
  [status.FAILED_PRECONDITION, 'PRECONDITION', 1],
  [status.UNIMPLEMENTED, 'UNSUPPORTED', 1],
  [status.PERMISSION_DENIED, 'DENIED', 1],
  [status.UNAUTHENTICATED, 'DENIED', 1],
  [status.UNAVAILABLE, 'UNAVAILABLE', 3],
  [status.ABORTED, 'CONFLICT', 3],
  [status.RESOURCE_EXHAUSTED, 'EXHAUSTED', 3],
];

describe('OPI client: calls', () => {
  for (const [code, expected, attempts] of CODES) {
    it(
      `takes ${status[code]} for ${expected} after ${attempts} attempt(s)`,
      withServer(async (server, target) => {
        server.script('CreateVpc', failure(code, 'the reason'));
        const error = await refused(target.create(vpc('v', 7)), expected);
        expect(error.message).to.include('the reason').and.to.include('CreateVpc');
        expect(server.requests('CreateVpc')).to.have.length(attempts);
      }),
    );
  }

  it(
    'succeeds when a further attempt does',
    withServer(async (server, target) => {
      const busy = failure(status.RESOURCE_EXHAUSTED);
      server.script('CreateVpc', busy, failure(status.UNAVAILABLE), message(vpc('v', 7)));
      await target.create(vpc('v', 7));
      expect(target.calls().get('CreateVpc')).to.equal(3);
    }),
  );

  it(
    'fails as if nobody answered once it is closed: whoever is in the middle of a pass ends it',
    withServer(async (server, target) => {
      await target.close();
      await refused(target.create(vpc('v', 7)), 'UNAVAILABLE');
      await refused(target.list('vpc'), 'UNAVAILABLE');
      expect(server.requests('CreateVpc')).to.have.length(0);
    }),
  );

  it(
    'does not wait for an answer beyond the deadline',
    withServer(
      async (server, target) => {
        server.on('ListVpcs', () => new Promise(() => undefined));
        const begun = performance.now();
        await refused(target.list('vpc'), 'UNAVAILABLE');
        expect(performance.now() - begun).to.be.within(140, 1_500);
      },
      { callTimeoutMs: 150, retryCount: 0 },
    ),
  );

  it(
    'tries again after a deadline',
    withServer(
      async (server, target) => {
        server.on('ListVpcs', (_, attempt) =>
          attempt === 1 ? new Promise(() => undefined) : { vpc: [] },
        );
        expect(await target.list('vpc')).to.deep.equal([]);
      },
      { callTimeoutMs: 150 },
    ),
  );

  it(
    'keeps no more calls in flight than it is told, and makes them all',
    withServer(
      async (server, target) => {
        server.on('CreateVpc', async (request) => {
          await new Promise((resolve) => setTimeout(resolve, 5));
          return message(vpc(request['vpc_id'] as string, 7));
        });
        await Promise.all(Array.from({ length: 30 }, (_, n) => target.create(vpc(`v${n}`, 7))));
        expect(server.requests('CreateVpc')).to.have.length(30);
        expect(server.concurrencyMax).to.equal(4);
      },
      { concurrency: 4 },
    ),
  );

  it('counts attempts by method, and those that write, and reports each', async () => {
    const reports: CallReport[] = [];
    const run = withServer(
      async (server, target) => {
        server.script('CreateVpc', failure(status.UNAVAILABLE), message(vpc('v', 7)));
        server.script('ListVpcs', { vpc: [] });
        await target.list('vpc');
        await target.create(vpc('v', 7));
        expect([...target.calls()]).to.deep.equal([
          ['ListVpcs', 1],
          ['CreateVpc', 2],
        ]);
        expect(target.writes()).to.equal(2);
      },
      { onCall: (report) => reports.push(report) },
    );
    await run();
    expect(reports.map(({ method, status: code }) => [method, code])).to.deep.equal([
      ['ListVpcs', status.OK],
      ['CreateVpc', status.UNAVAILABLE],
      ['CreateVpc', status.OK],
    ]);
    expect(reports.every(({ durationMs }) => durationMs >= 0)).to.equal(true);
  });

  it('finds a server again that was away, and fails at once while it is', async () => {
    const server = await new ScriptedServer().start();
    server.script('ListVpcs', { vpc: [] });
    const target = connectOpiTarget({ address: server.socket, ...QUICK });
    try {
      await target.list('vpc');
      server.stop();
      const begun = performance.now();
      await refused(target.list('vpc'), 'UNAVAILABLE');
      expect(performance.now() - begun).to.be.below(1_500);
      await server.start();
      const found = await eventually(() => target.list('vpc'));
      expect(found).to.deep.equal([]);
    } finally {
      await target.close();
      server.close();
    }
  });

  it('fails with UNAVAILABLE where nobody listens', async () => {
    const target = connectOpiTarget({ address: 'unix:/nonexistent/opi.sock', ...QUICK });
    await refused(target.probe(), 'UNAVAILABLE');
    await target.close();
  });

  it(
    'refuses a spec that is no address before anything is sent',
    withServer(async (server, target) => {
      const broken = {
        ...vpc('v', 7),
        key: { kind: 'nextHop', id: 'h' },
        spec: { ip: '10.0.0' },
      } as const;
      const error = await refused(target.create(broken), 'INVALID');
      expect(error.message).to.include('10.0.0');
      expect(server.received).to.deep.equal([]);
    }),
  );

  it('reads addresses in every form', () => {
    expect(grpcTarget('/run/opi.sock')).to.equal('unix:/run/opi.sock');
    expect(grpcTarget('unix:///run/opi.sock')).to.equal('unix:///run/opi.sock');
    expect(grpcTarget('10.0.0.1:9')).to.equal('10.0.0.1:9');
    expect(grpcTarget('xpu.local')).to.equal('xpu.local:50151');
    expect(grpcTarget('fd00::1')).to.equal('[fd00::1]:50151');
    expect(grpcTarget('[fd00::1]')).to.equal('[fd00::1]:50151');
    expect(grpcTarget('[fd00::1]:9')).to.equal('[fd00::1]:9');
  });
});

/** Repeats a call until it succeeds, for two seconds at most. */
async function eventually<T>(call: () => Promise<T>): Promise<T> {
  const end = performance.now() + 4_000;
  for (;;) {
    try {
      return await call();
    } catch (thrown) {
      if (performance.now() > end) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
