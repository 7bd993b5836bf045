import { expect } from 'chai';
import { decodeToDataplane, encodeToDataplane } from '../../src/driver/message.js';
import { OrderCheck } from '../../src/felix-sim/order.js';
import { SessionState } from '../../src/felix-sim/session-state.js';
import { finalSession, readSource } from '../../src/lab/replay/source.js';
import { DesiredStore } from '../../src/desired/store.js';
import { FelixSession } from '../../src/driver/session.js';
import { encodeFrame } from '../../src/driver/frame.js';
import { canonicalJson } from '../../src/base/json.js';
import { allRecordings } from '../support/recordings.js';

/** What a driver makes of frames: the judge of "says the same". */
function desiredAfter(bodies: Iterable<Uint8Array>): string {
  const store = new DesiredStore();
  const session = new FelixSession();
  store.beginSession();
  for (const body of bodies) {
    session.append(encodeFrame(body));
    for (const delta of session.next()?.deltas ?? []) store.fold(delta);
  }
  const state = store.state;
  expect(state, 'in sync').to.not.equal(undefined);
  return canonicalJson({ ...state });
}

describe('final session', () => {
  for (const { name, folder } of allRecordings()) {
    it(`leaves the same state as the whole story, in Felix's order: ${name}`, () => {
      const source = readSource(folder);
      const last = source.streams.at(-1);
      const step = source.steps.at(-1);
      const told = (last?.frames ?? []).slice(0, step?.frames).map(({ body }) => body);
      const final = finalSession(source);
      const bodies = final.streams.flatMap(({ frames }) => frames.map(({ body }) => body));
      const order = new OrderCheck();
      for (const body of bodies) order.next(decodeToDataplane(body).message);
      expect(desiredAfter(bodies)).to.equal(desiredAfter(told));
      expect(bodies.length).to.be.at.most(told.length + 1);
    });
  }

  it('numbers its messages from 0', () => {
    const state = new SessionState();
    state.apply(
      decodeToDataplane(encodeToDataplane({ payload: 'config_update', config_update: {} })).message,
    );
    expect(state.messages().map(({ sequence_number: number }) => Number(number))).to.deep.equal([
      0, 1,
    ]);
  });
});
