/** Whole sessions: generations, sequence numbers, and every recording of real Felix. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { encodeFrame, FrameError } from '../../src/driver/frame.js';
import { encodeToDataplane } from '../../src/driver/message.js';
import { FelixSession, type SessionFrame } from '../../src/driver/session.js';
import type { Draft, ToDataplane } from '../../src/gen/felix/types.js';
import type { Delta } from '../../src/model/delta.js';
import type { PolicyKey } from '../../src/model/ids.js';
import type { Tier } from '../../src/model/policy.js';
import { allRecordings } from '../support/recordings.js';
import { thrownBy } from '../support/wire/thrown.js';

describe('FelixSession', () => {
  it('takes the generation from ConfigUpdate, also from a second one', () => {
    const session = new FelixSession();
    expect(session.calicoVersion.major).to.be.greaterThan(1000);
    const metadata = { host_metadata_update: { hostname: 'a' } };
    const frames = play(session, [
      metadata,
      { config_update: { config: { CalicoVersion: 'v3.28.5' } } },
      metadata,
      { config_update: { config: { CalicoVersion: 'head' } } },
      metadata,
    ]);
    const scopes = frames
      .flatMap(({ deltas }) => deltas)
      .map((delta) => 'scope' in delta && delta.scope);
    expect(scopes).to.deep.equal(['all', false, 'ipv4', false, 'all']);
  });

  it('reports gaps in sequence numbers and goes on from there', () => {
    const session = new FelixSession();
    const frames = play(session, [
      { in_sync: {} },
      { in_sync: {}, sequence_number: 1 },
      { in_sync: {}, sequence_number: 5 },
      { in_sync: {}, sequence_number: 6 },
      { in_sync: {}, sequence_number: 3 },
    ]);
    expect(frames.map(({ gap }) => gap)).to.deep.equal([
      undefined,
      undefined,
      { expected: 2, got: 5 },
      undefined,
      { expected: 7, got: 3 },
    ]);
    expect(frames.map(({ sequenceNumber }) => sequenceNumber)).to.deep.equal([0, 1, 5, 6, 3]);
  });

  it('names the frame that it cannot decode', () => {
    const session = new FelixSession();
    session.append(encodeFrame(encodeToDataplane({ in_sync: {} })));
    expect(session.next()?.deltas).to.deep.equal([{ type: 'in-sync' }]);
    session.append(encodeFrame(Buffer.from([0x12, 0x05])));
    const error = thrownBy(() => session.next()) as FrameError;
    expect(error).to.be.instanceOf(FrameError);
    expect(error.code).to.equal('frame-body');
    expect(error.position).to.deep.equal({ index: 1, offset: 10, length: 2n });
  });

  for (const { name, streams, version } of allRecordings()) {
    it(`${name}: every frame becomes Deltas, and every reference is met`, () => {
      for (const stream of streams) {
        const session = new FelixSession();
        session.append(readFileSync(stream));
        const frames = drain(session);
        session.finish();
        expect(frames.filter(({ gap }) => gap !== undefined)).to.deep.equal([]);
        const deltas = frames.flatMap((frame) => frame.deltas);
        expect(deltas.filter(({ type }) => type === 'unknown')).to.deep.equal([]);
        expect(unmetReferences(deltas)).to.deep.equal([]);
        expect(unreadableRules(deltas)).to.deep.equal([]);
        const { major, minor } = session.calicoVersion;
        if (version !== 'head') expect(version.startsWith(`v${major}.${minor}.`)).to.equal(true);
      }
    });
  }
});

function play(session: FelixSession, messages: readonly Draft<ToDataplane>[]): SessionFrame[] {
  return messages.flatMap((message, index) => {
    const numbered = { sequence_number: index, ...message };
    session.append(encodeFrame(encodeToDataplane(numbered)));
    return drain(session);
  });
}

function drain(session: FelixSession): SessionFrame[] {
  const frames = [];
  for (let frame = session.next(); frame !== undefined; frame = session.next()) frames.push(frame);
  return frames;
}

/** Felix sends policies and sets before what names them, so a key that is not there is a key we built wrongly. */
function unmetReferences(deltas: readonly Delta[]): string[] {
  const policies = new Set<PolicyKey>();
  const sets = new Set<string>();
  const unmet: string[] = [];
  for (const delta of deltas) {
    if (delta.type === 'policy') policies.add(delta.policy.key);
    if (delta.type === 'policy-remove' && !policies.delete(delta.key)) unmet.push(delta.key);
    if (delta.type === 'ip-set') sets.add(delta.id);
    if (delta.type === 'ip-set-remove' && !sets.delete(delta.id)) unmet.push(delta.id);
    if (delta.type === 'ip-set-delta' && !sets.has(delta.id)) unmet.push(delta.id);
    unmet.push(...policyKeysIn(delta).filter((key) => !policies.has(key)));
    unmet.push(...setIdsIn(delta).filter((id) => !sets.has(id)));
  }
  return unmet;
}

function policyKeysIn(delta: Delta): PolicyKey[] {
  const tiers: Tier[] = [];
  if (delta.type === 'workload') tiers.push(...delta.endpoint.tiers);
  if (delta.type === 'host-endpoint') {
    const { endpoint } = delta;
    tiers.push(
      ...endpoint.tiers,
      ...endpoint.forwardTiers,
      ...endpoint.preDnatTiers,
      ...endpoint.untrackedTiers,
    );
  }
  return tiers.flatMap(({ ingress, egress }) => [...ingress, ...egress].map(({ key }) => key));
}

function setIdsIn(delta: Delta): string[] {
  return rulesIn(delta).flatMap(({ source, destination, destinationIpPortSets }) => [
    ...[source, destination].flatMap((side) => [
      ...side.ipSets,
      ...side.notIpSets,
      ...side.namedPorts,
      ...side.notNamedPorts,
    ]),
    ...destinationIpPortSets,
  ]);
}

function rulesIn(delta: Delta) {
  const rules =
    delta.type === 'policy' ? delta.policy : delta.type === 'profile' ? delta.profile : undefined;
  return rules === undefined ? [] : [...rules.inbound, ...rules.outbound];
}

function unreadableRules(deltas: readonly Delta[]) {
  return deltas
    .flatMap(rulesIn)
    .filter((rule) => rule.action === 'unknown' || rule.protocol?.kind === 'unknown');
}
