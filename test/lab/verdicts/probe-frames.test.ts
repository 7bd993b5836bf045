import { expect } from 'chai';
import type { Arrival } from '../../../src/lab/packets/packet-probe.js';
import { buildPacket } from '../../../src/lab/packets/build.js';
import { parsePacket } from '../../../src/lab/packets/parse.js';
import { FelixView } from '../../../src/lab/verdicts/felix-view.js';
import { ProbePlaces } from '../../../src/lab/verdicts/probe-frames.js';
import type { Probe, ProbePacket } from '../../../src/lab/verdicts/probe.js';
import { readFrames, readRecording } from '../../../src/lab/verdicts/recording.js';
import { recordingNamed } from '../../support/recordings.js';

/** Of head/vxlan-hep, by its sources: l1 on this node, r1 on node-b behind the tunnel. */
const LOCAL = '10.65.46.130';
const REMOTE = '10.65.39.200';
const TUNNEL = { source: '172.30.0.2', destination: '172.30.0.1', vni: 4096 };
const MACS = { a: '66:00:00:00:00:01', b: '66:00:00:00:00:02' };

describe('probes as frames', () => {
  let places: ProbePlaces;

  before(() => {
    const { folder } = readRecording(recordingNamed('head/vxlan-hep').folder);
    const view = new FelixView();
    view.startSession();
    for (const frame of readFrames(folder, 0)) view.frame(frame);
    places = new ProbePlaces(view, 'node-a');
  });

  const probe = (from: string, to: string, packet: Partial<ProbePacket>): Probe => {
    const addresses = {
      source: LOCAL,
      destination: REMOTE,
      protocol: 17,
      sourcePort: 5,
      destinationPort: 6,
    };
    return { line: 1, from, to, packet: { ...addresses, ...packet }, allowed: true };
  };
  const send = (from: string, packet: Partial<ProbePacket>) =>
    places.sendOf(
      probe(from, '', packet),
      places.interfaceOf(from) ?? '',
      7,
      (via) => `mac of ${via}`,
    );
  const arrival = (via: string, packet: ProbePacket, more: Partial<Arrival> = {}): Arrival => ({
    via,
    packet: parsePacket(buildPacket(packet))!,
    sourceMac: MACS.a,
    destinationMac: MACS.b,
    forAnother: false,
    ...more,
  });

  it('leave from the interface of their place', () => {
    expect(
      ['host', 'wire', 'default/l1', 'default/r1'].map((place) => places.interfaceOf(place)),
    ).to.deep.equal(['host0', 'wire', 'cali120b42252d5', undefined]);
    expect(send('default/l1', {})).to.deep.include({
      via: 'cali120b42252d5',
      destinationMac: 'mac of cali120b42252d5',
    });
    expect(send('default/l1', {})).not.to.have.property('tunnel');
  });

  it('come in from the wire through the tunnel that Felix routes their source through', () => {
    const remote = { source: REMOTE, destination: LOCAL };
    expect(send('wire', remote).tunnel).to.deep.equal({
      ...TUNNEL,
      innerSourceMac: MACS.b,
      innerDestinationMac: MACS.a,
    });
    expect(send('wire', { ...remote, source: '198.18.0.9' })).not.to.have.property('tunnel');
  });

  it('have an ICMP id of their own', () => {
    expect(send('host', { protocol: 1, icmpType: 13 }).packet.icmp).to.deep.equal({
      type: 13,
      code: 0,
      id: 7,
    });
  });

  it('have arrived at a place only as the packet that was sent', () => {
    const one = probe('host', 'default/l1', { source: '172.30.0.1', destination: LOCAL });
    const at = (...args: Parameters<typeof arrival>): string =>
      places.placeOf(one, arrival(...args));
    expect(at('cali120b42252d5', one.packet)).to.equal('default/l1');
    expect(at('host0', one.packet)).to.equal('host');
    expect(at('wire', one.packet)).to.equal('wire');
    for (const change of [{ source: '10.0.0.9' }, { destinationPort: 7 }, { sourcePort: 4 }]) {
      expect(at('cali120b42252d5', { ...one.packet, ...change })).to.equal(
        'default/l1, as another packet',
      );
    }
    expect(at('wire', one.packet, { forAnother: true })).to.equal(
      'wire, addressed to another MAC address',
    );
    const tunnel = { source: '172.30.0.1', destination: '172.30.0.2', vni: 4096 };
    expect(at('cali120b42252d5', one.packet, { tunnel })).to.equal('default/l1, encapsulated');
  });

  it('are known by their addresses, however these are written', () => {
    const addresses = { source: 'FD30:0::0:1', destination: 'fd65:0:0:1:0:0:0:2' };
    const one = probe('host', 'wire', addresses);
    expect(places.placeOf(one, arrival('wire', one.packet))).to.equal('wire');
  });

  it('have to come out encapsulated where Felix routes them through a tunnel, and to the right node', () => {
    const one = probe('default/l1', 'wire', {});
    const at = (more: Partial<Arrival>): string =>
      places.placeOf(one, arrival('wire', one.packet, more));
    const tunnel = { source: '172.30.0.1', destination: '172.30.0.2', vni: 4096 };
    expect(at({ tunnel })).to.equal('wire');
    expect(at({})).to.equal('wire, not encapsulated');
    for (const change of [{ vni: 1 }, { destination: '172.30.0.3' }, { source: '172.30.0.9' }]) {
      expect(at({ tunnel: { ...tunnel, ...change } })).to.equal('wire, in a tunnel to elsewhere');
    }
    expect(at({ tunnel, destinationMac: MACS.a })).to.equal('wire, in a tunnel to elsewhere');
  });
});
