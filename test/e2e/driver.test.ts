/**
 * The driver as Felix meets it: a process that is started, fed, and ended in every way. Whatever the end, what the XPU has
 * stays in force.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { encodeFrame } from '../../src/driver/frame.js';
import { encodeToDataplane } from '../../src/driver/message.js';
import type { DriverEnd } from '../../src/felix-sim/driver-process.js';
import type { TimedFrame } from '../../src/felix-sim/player.js';
import { OWN_BIN, OWN_DRIVER } from '../../src/lab/own-programs.js';
import { readSource } from '../../src/lab/replay/source.js';
import { fetchStatus } from '../../src/agent/status-client.js';
import { statusSocketPath } from '../../src/agent/status-server.js';
import { recordingNamed } from '../support/recordings.js';
import { applied, Felix, nodeEnvironment, statusWhere } from './felix.js';
import { debugging, dumpOf, inScene, type Scene } from './programs.js';

const FRAMES: readonly TimedFrame[] =
  readSource(recordingNamed('head/hello').folder, 'start').streams[0]?.frames ?? [];

/** Felix's patience after SIGTERM. */
const GRACE_MS = 4_000;

interface Running {
  readonly felix: Felix;
  readonly address: string;
  readonly stateDir: string;
  /** What stands on the XPU. */
  readonly dump: string;
}

/** A driver that has applied everything. */
async function running(scene: Scene, environment: Record<string, string> = {}): Promise<Running> {
  const { address } = await scene.xpu();
  const stateDir = scene.path('state');
  const felix = await Felix.start({
    stateDir,
    environment: { ...nodeEnvironment(stateDir, address), ...environment },
  });
  await felix.play(FRAMES);
  await applied(stateDir, FRAMES.length);
  return { felix, address, stateDir, dump: await dumpOf(address) };
}

/** A length of `bytes`, without a body. */
function header(bytes: bigint): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(bytes);
  return buffer;
}

async function endOf({ driver }: Felix): Promise<DriverEnd & { readonly ms: number }> {
  const begin = performance.now();
  const end = await driver.ended;
  return { ...end, ms: performance.now() - begin };
}

describe('the driver process', function () {
  this.timeout(120_000);

  const broken: [string, Buffer, RegExp][] = [
    [
      'a body that is no message',
      encodeFrame(Buffer.from([0xff])),
      /undecodable body.*sequence number \d+, offset \d+, length 1\)/,
    ],
    [
      'a length beyond the cap',
      header(2n ** 63n - 1n),
      /exceeds the limit.*sequence number \d+, offset \d+, length 9223372036854775807\)/,
    ],
    [
      'an end inside a frame',
      Buffer.concat([header(100n), Buffer.from([0x0a])]),
      /the stream ended after 1 bytes.*sequence number \d+, offset \d+, length 100\)/,
    ],
  ];
  for (const [title, bytes, words] of broken) {
    it(
      `ends with code 1 at ${title}, and says where`,
      inScene(async (scene) => {
        const { felix, address, dump } = await running(scene);
        felix.driver.toDriver.end(bytes);
        const { code } = await endOf(felix);
        expect(felix.output).to.match(words);
        expect(code).to.equal(1);
        expect(await dumpOf(address)).to.equal(dump);
      }),
    );
  }

  it(
    'freezes at SIGTERM and at the end of the pipe, within the grace, though the XPU does not answer',
    inScene(async (scene) => {
      for (const [title, leave] of [
        ['SIGTERM', (felix: Felix) => felix.driver.kill('SIGTERM')],
        ['EOF', (felix: Felix) => felix.driver.toDriver.end()],
      ] as const) {
        const { felix, address, dump } = await running(scene);
        await debugging(address, (debug) =>
          debug.injectFailure({ method: '*', skip: 0, count: -1, code: 0, delayMs: 3_600_000 }),
        );
        // Something to write, so that a call hangs when the end comes.
        const body = encodeToDataplane({
          workload_endpoint_remove: {
            id: { orchestrator_id: 'k8s', workload_id: 'shop/db-1', endpoint_id: 'eth0' },
          },
          sequence_number: FRAMES.length,
        });
        await felix.play([{ body, atMs: 0 }]);
        await delay(100);
        leave(felix);
        const { code, ms } = await endOf(felix);
        expect(code, title).to.equal(0);
        expect(ms, title).to.be.lessThan(GRACE_MS);
        expect(await dumpOf(address), title).to.equal(dump);
      }
    }),
  );

  it(
    'waits for a left-over driver of the same XPU to be gone before its first call',
    inScene(async (scene) => {
      const left = await running(scene);
      const stateDir = scene.path('state');
      const environment = nodeEnvironment(stateDir, left.address);
      const next = await Felix.start({ stateDir, environment });
      await next.play(FRAMES);
      await statusWhere(stateDir, ({ felix }) => felix.received === FRAMES.length);
      await delay(500);
      const { xpu, felix } = await fetchStatus(statusSocketPath(stateDir));
      expect(xpu.calls).to.deep.equal({});
      expect(felix.applied).to.equal(0);
      await left.felix.kill();
      const { xpu: after } = await applied(stateDir, FRAMES.length);
      expect(after.writes).to.equal(0);
      expect(await next.stop()).to.be.lessThan(GRACE_MS);
    }),
  );

  it(
    'takes a set of a million members in one frame, and answers others meanwhile',
    inScene(async (scene) => {
      const { felix, stateDir } = await running(scene);
      const members = Array.from(
        { length: 1_000_000 },
        (_, index) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}/32`,
      );
      const body = encodeToDataplane({
        ipset_update: { id: 's:million', type: 1, members },
        sequence_number: FRAMES.length,
      });
      await felix.play([{ body, atMs: 0 }]);
      await applied(stateDir, FRAMES.length + 1, 1, 90_000);
      expect(felix.driver.pid).to.be.a('number');
      await felix.stop();
    }),
  );

  it('explains itself when it is run by hand, also where fd 3 and 4 are something else', () => {
    const file = openSync(OWN_BIN, 'r');
    try {
      for (const stdio of [
        ['ignore', 'pipe', 'pipe'] as const,
        ['ignore', 'pipe', 'pipe', file, file],
      ]) {
        const { status, stderr } = spawnSync(OWN_DRIVER, [], {
          stdio: [...stdio],
          encoding: 'utf8',
          env: { ...process.env, CALICO_XPU_NODE: process.execPath, FELIX_XPUMODE: 'standalone' },
        });
        expect(stderr).to.contain('Felix starts');
        expect(status).to.equal(2);
      }
    } finally {
      closeSync(file);
    }
  });

  it(
    'refuses to guess its mode',
    inScene(async (scene) => {
      const stateDir = scene.path('state');
      const felix = await Felix.start({ stateDir, environment: { FELIX_XPUMODE: '' } });
      const { code } = await endOf(felix);
      expect(felix.output).to.contain('FELIX_XPUMODE is not set');
      expect(code).to.equal(2);
    }),
  );
});

describe('the relay and the agent', function () {
  this.timeout(120_000);

  it(
    'outlive each other as they should: the agent its relays, no relay the agent',
    inScene(async (scene) => {
      const { address } = await scene.xpu();
      const stateDir = scene.path('state');
      const environment = { ...nodeEnvironment(stateDir, address), FELIX_XPUMODE: 'relay' };
      const launch = { stateDir, environment };
      // The relay waits for an agent that starts later.
      const first = await Felix.start(launch);
      await first.play(FRAMES);
      const agent = scene.start(['agent'], environment);
      await applied(stateDir, FRAMES.length, 1);
      const dump = await dumpOf(address);

      first.driver.toDriver.end();
      expect((await endOf(first)).code, 'the end of Felix').to.equal(0);

      const second = await Felix.start(launch);
      await second.play(FRAMES);
      const { xpu, felix } = await applied(stateDir, FRAMES.length, 2);
      expect(felix.inSync).to.equal(true);
      expect(await dumpOf(address)).to.equal(dump);
      second.driver.toDriver.write(encodeFrame(Buffer.from([0xff])));
      expect((await endOf(second)).code, 'a frame that cannot be read').to.equal(1);

      const third = await Felix.start(launch);
      await third.play(FRAMES);
      const { xpu: later } = await applied(stateDir, FRAMES.length, 3);
      expect(later.writes, 'writes of two sessions that said the same').to.equal(xpu.writes);
      agent.kill('SIGTERM');
      expect((await endOf(third)).code, 'the end of the agent').to.equal(1);
      expect(await dumpOf(address)).to.equal(dump);
    }),
  );
});
