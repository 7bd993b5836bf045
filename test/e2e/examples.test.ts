/** The scenarios in examples/ play as docs/felix-sim.md says, on both kinds of XPU. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { inScene } from './programs.js';

const EXAMPLES = path.resolve(import.meta.dirname, '../../examples/scenarios');
const FILES = readdirSync(EXAMPLES).filter((file) => file.endsWith('.yaml'));

describe('example scenarios', function () {
  this.timeout(120_000);

  for (const file of FILES) {
    for (const target of ['native', 'plain']) {
      it(
        `${file} on ${target}: every endpoint is up, nothing is narrower`,
        inScene(async (scene) => {
          const report = await scene.replay(path.join(EXAMPLES, file), ['--target', target]);
          expect(new Set(report.inSync)).to.deep.equal(new Set([true]));
          expect(report.degraded).to.deep.equal([]);
          expect(report.steps[0]?.writes).to.be.greaterThan(0);
        }),
      );
    }
  }

  it(
    'shop.yaml: a change is a small change, and a Felix that says the same again causes no write',
    inScene(async (scene) => {
      const { steps, endpoints } = await scene.replay(path.join(EXAMPLES, 'shop.yaml'), []);
      expect(steps.slice(1)).to.deep.equal([
        { name: 'nobody may reach the database', writes: 1 },
        { name: 'Felix is back', writes: 0 },
      ]);
      expect(Object.keys(endpoints).sort()).to.deep.equal([
        'k8s/shop%2Fdatabase-0/eth0',
        'k8s/shop%2Fweb-0/eth0',
      ]);
    }),
  );
});
