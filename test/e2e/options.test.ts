/** Options of `felix-sim replay` that disturb the driver or the pipe: the end is the same. */
import { expect } from 'chai';
import { recordingNamed } from '../support/recordings.js';
import { dumpOf, inScene, type Scene } from './programs.js';

const HELLO = recordingNamed('head/hello').folder;

describe('felix-sim replay', function () {
  this.timeout(120_000);

  async function dumpAfter(scene: Scene, source: string, args: readonly string[]): Promise<string> {
    const { address } = await scene.xpu();
    await scene.replay(source, ['--xpu', address, ...args]);
    return await dumpOf(address);
  }

  it(
    'ends the same with any --split-writes and with --restart-at anywhere',
    inScene(async (scene) => {
      const wanted = await dumpAfter(scene, HELLO, []);
      expect(wanted).to.match(/^policyBinding\//m);
      for (const args of [
        ['--split-writes', '1'],
        ['--restart-at', '40', '--split-writes', '7'],
      ]) {
        expect(await dumpAfter(scene, HELLO, args), args.join(' ')).to.equal(wanted);
      }
    }),
  );

  it(
    'keeps the recorded pace, times --speed',
    inScene(async (scene) => {
      const begin = performance.now();
      await scene.replay(HELLO, ['--speed', '2']);
      // Its last frame came after 6431 ms.
      expect(performance.now() - begin).to.be.greaterThan(3_200);
    }),
  );
});
