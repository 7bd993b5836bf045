/** What `GET /state` says can be read back without loss, by a process that has nothing else. */
import { expect } from 'chai';
import fc from 'fast-check';
import { parseSnapshot, snapshotText, type AgentSnapshot } from '../../src/agent/snapshot.js';
import type { DesiredState } from '../../src/desired/state.js';
import { dumpPlan } from '../../src/opi/objects/plan.js';
import { Translator } from '../../src/translators/translator.js';
import { readSource } from '../../src/lab/replay/source.js';
import { FelixView } from '../../src/lab/verdicts/felix-view.js';
import { copiedRecordings } from '../support/recordings.js';
import { delta } from '../translators/support/arbitraries.js';
import { NATIVE, Player, SETTINGS } from '../translators/support/play.js';

function snapshotOf(state: DesiredState): AgentSnapshot {
  return {
    version: '1.2.3',
    node: 'node-a',
    settings: {
      ownerId: '',
      uplinkInterface: 'eth0',
      hostInterfaces: [{ name: 'eth0', addresses: ['172.30.0.1'] }],
      uplinkMtu: 1500,
      ruleBudget: 4096,
    },
    capabilities: { level: 'plain', compactRules: true, limits: { vnic: 3 }, features: ['x'] },
    endpoints: { 'k8s/a%2Fb/eth0': { status: 'down', reason: 'not yet' } },
    state,
  };
}

/** Of a store's state without its class. */
function tablesOf(state: DesiredState): DesiredState {
  return { ...state };
}

describe('snapshot of an agent', () => {
  for (const { name, folder } of copiedRecordings()) {
    it(`${name}: is read back as it was`, () => {
      const view = new FelixView();
      for (const { frames } of readSource(folder).streams) {
        view.startSession();
        for (const { body } of frames) view.frame(body);
      }
      const snapshot = snapshotOf(tablesOf(view.state));
      expect(parseSnapshot(snapshotText(snapshot))).to.deep.equal(snapshot);
    });
  }

  it('any state is compiled to the same plan', () => {
    const property = fc.property(fc.array(delta, { maxLength: 40 }), (deltas) => {
      const player = new Player().session(...deltas, { type: 'in-sync' });
      const text = snapshotText(snapshotOf(player.store.state!));
      const again = parseSnapshot(text);
      expect(snapshotText(again)).to.equal(text);
      const translator = new Translator(SETTINGS, NATIVE);
      translator.translate(again.state, 'replaced');
      expect(dumpPlan(translator.plan())).to.equal(player.fullDump());
    });
    fc.assert(property, { numRuns: 200 });
  });

  it('refuses what another version wrote, and what nobody wrote', () => {
    const code = (text: string): unknown => {
      try {
        return parseSnapshot(text);
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    expect(code('{"format": 2}')).to.equal('format');
    expect(code('{')).to.equal('malformed');
    expect(code('{"format": 1}')).to.equal('malformed');
  });
});
