/** The contract of `Target`, kept by the client and a soft-xpu in a process of its own, for every kind of XPU. */
import { connectOpiTarget } from '../../../src/opi/client/target.js';
import { ALL_TRAITS, debugging, Scene, traitsText } from '../../e2e/programs.js';
import { targetContract } from './contract.js';

for (const traits of ALL_TRAITS) {
  describe(`soft-xpu process, ${traitsText(traits)}`, function () {
    this.timeout(60_000);
    let scene: Scene;
    let address: string;

    before(async () => {
      scene = new Scene();
      ({ address } = await scene.xpu(traits));
    });
    after(() => scene.end());

    const { target: level, mode, flattened } = traits;
    const expected = { level, strict: mode === 'strict', compactRules: !flattened };
    targetContract(traitsText(traits), expected, async () => {
      await debugging(address, (debug) => debug.load(''));
      return {
        target: connectOpiTarget({ address }),
        cleanup: () => Promise.resolve(),
      };
    });
  });
}
