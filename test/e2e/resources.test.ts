/** A cluster's YAML at the real driver: the XPU ends as it does with what a real Felix said of the same cluster. */
import { join } from 'node:path';
import { expect } from 'chai';
import { recordingNamed } from '../support/recordings.js';
import { inScene } from './programs.js';

/** Kinds of objects that policy and endpoints become; routes are not computed from resources. */
const POLICY_OBJECTS = ['vnic', 'addressGroup', 'networkPolicy', 'policyBinding'];

describe('felix-sim replay of resources', function () {
  this.timeout(120_000);

  for (const name of ['head/kubernetes', 'head/matches']) {
    it(
      `${name}: from its manifests as from its recording`,
      inScene(async (scene) => {
        const { folder } = recordingNamed(name);
        const recorded = await scene.replay(folder, []);
        const computed = await scene.replay(join(folder, 'sources'), []);
        const counts = ({ objects }: typeof recorded) =>
          POLICY_OBJECTS.map((kind) => [kind, objects?.[kind] ?? 0]);
        expect(computed.endpoints).to.deep.equal(recorded.endpoints);
        expect(counts(computed)).to.deep.equal(counts(recorded));
        expect(computed.degraded).to.deep.equal(recorded.degraded);
      }),
    );
  }
});
