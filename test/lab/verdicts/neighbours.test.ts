import { expect } from 'chai';
import { FelixView } from '../../../src/lab/verdicts/felix-view.js';
import { neighboursOf } from '../../../src/lab/verdicts/neighbours.js';
import { readFrames } from '../../../src/lab/verdicts/recording.js';
import { recordingNamed } from '../../support/recordings.js';

function neighbours(recording: string): Map<string, string[]> {
  const view = new FelixView();
  view.startSession();
  for (const frame of readFrames(recordingNamed(recording).folder, 0)) view.frame(frame);
  const all = neighboursOf(view.state, 'node-a');
  return new Map(all.map(({ ifname, addresses }) => [ifname, [...addresses].sort()]));
}

describe('neighbours of an XPU', () => {
  it('are the node behind the host port, and the other nodes on the wire', () => {
    const found = neighbours('head/vxlan-hep');
    expect(found.get('host0')).to.deep.equal(['172.30.0.1', 'fd30::1']);
    expect(found.get('wire')).to.deep.equal(['172.30.0.2', '172.30.0.3', 'fd30::2', 'fd30::3']);
  });

  it('are pods whose MAC address nobody tells, and no others', () => {
    expect([...neighbours('head/vxlan-hep').keys()].sort()).to.deep.equal(['host0', 'wire']);
    // A Kubernetes API server has no place for MAC addresses.
    expect(neighbours('head/kubernetes').get('cali482fd277278')).to.deep.equal(['10.65.4.5']);
  });
});
