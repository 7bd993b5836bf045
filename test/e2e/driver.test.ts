/** The driver process with input that is wrong, huge, or not Felix's at all. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { expect } from 'chai';
import { encodeFrame } from '../../src/driver/frame.js';
import { encodeToDataplane } from '../../src/driver/message.js';
import type { TimedFrame } from '../../src/felix-sim/player.js';
import { OWN_BIN, OWN_DRIVER } from '../../src/lab/own-programs.js';
import { readSource } from '../../src/lab/replay/source.js';
import { recordingNamed } from '../support/recordings.js';
import { applied, Felix, nodeEnvironment } from './felix.js';
import { dumpOf, inScene, type Scene } from './programs.js';

const FRAMES: readonly TimedFrame[] =
  readSource(recordingNamed('head/hello').folder, 'start').streams[0]?.frames ?? [];

interface Running {
  readonly felix: Felix;
  readonly address: string;
  readonly stateDir: string;
  /** What stands on the XPU. */
  readonly dump: string;
}

/** A driver that has applied everything. */
async function running(scene: Scene): Promise<Running> {
  const { address } = await scene.xpu();
  const stateDir = scene.path('state');
  const felix = await Felix.start({
    stateDir,
    environment: nodeEnvironment(stateDir, address),
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

describe('the driver process', function () {
  this.timeout(120_000);

  const broken: [string, Buffer, RegExp][] = [
    [
      'a body that is no message',
      encodeFrame(Buffer.from([0xff])),
      /undecodable body.*sequence number \d+, offset \d+, length 1\)/,
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
        const { code } = await felix.driver.ended;
        expect(felix.output).to.match(words);
        expect(code).to.equal(1);
        expect(await dumpOf(address)).to.equal(dump);
      }),
    );
  }

  it(
    'takes a set of a million members in one frame',
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
      await felix.stop();
    }),
  );

  it('explains itself when it is run by hand, also where fd 3 and 4 are something else', () => {
    const file = openSync(OWN_BIN, 'r');
    try {
      for (const more of [[], [file, file]]) {
        const { status, stderr } = spawnSync(OWN_DRIVER, [], {
          stdio: ['ignore', 'pipe', 'pipe', ...more],
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
      const { code } = await felix.driver.ended;
      expect(felix.output).to.contain('FELIX_XPUMODE is not set');
      expect(code).to.equal(2);
    }),
  );
});
