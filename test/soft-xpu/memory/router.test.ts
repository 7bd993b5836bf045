/** What a node's own router is asked: in memory the host port answers for it. */
import { expect } from 'chai';
import {
  HOST,
  icmp,
  key,
  object,
  POD_A,
  POD_A6,
  POD_B6,
  PORT_A,
  FAR6,
  stage,
  tcp,
  TestNode,
  udp,
  UPLINK,
} from '../node-fixture.js';

describe('soft-xpu memory: the router', () => {
  it('link-local, multicast and gateway destinations of a vNIC go to the host port', () => {
    const node = new TestNode().bindPod('a', undefined, { toHostAction: 'ACCEPT' });
    for (const destination of ['169.254.1.1', '224.0.0.5', '10.65.0.254']) {
      expect(node.fate(PORT_A, udp(POD_A, destination, 53)), destination).to.equal('allow host');
    }
    expect(node.fate(PORT_A, udp(POD_A6, 'ff02::fb', 5353))).to.equal('allow host');
  });

  it('a vNIC sends from :: for neighbour discovery only', () => {
    const node = new TestNode();
    expect(node.fate(PORT_A, icmp('::', 'ff02::1', 135))).to.equal('allow host');
    expect(node.fate(PORT_A, icmp('::', FAR6, 128))).to.equal('deny SOURCE');
  });

  it('neighbour and listener discovery reach the host whatever the pod egress says; advertisements do not', () => {
    const node = new TestNode().bindPod('a', []);
    for (const type of [130, 131, 132, 133, 135, 136]) {
      expect(node.fate(PORT_A, icmp('fe80::1', 'ff02::2', type)), `${type}`).to.equal('allow host');
    }
    expect(node.fate(PORT_A, icmp('fe80::1', 'ff02::2', 134))).to.equal('deny PROFILE_END');
    expect(node.fate(PORT_A, icmp(POD_A6, POD_B6, 135))).to.equal('deny PROFILE_END');
  });
  it('a vNIC sends from fe80::/10 to the router', () => {
    const node = new TestNode().bindPod('a', undefined, { toHostAction: 'ACCEPT' });
    expect(node.fate(PORT_A, tcp('fe80::1', 'ff02::fb', 80))).to.equal('allow host');
  });

  it('outer packets of known peers end here without policy', () => {
    const node = new TestNode().bindPort('UPLINK', [stage('HOST', 'FROM_PORT', [])]);
    const spec = { vpc: key('vpc', 'cluster'), localIp: HOST, remoteIp: '172.30.0.2', vni: 4096 };
    node.put(object('tunnel', 'tun-1', spec));
    expect(node.fate(UPLINK, udp('172.30.0.2', HOST, 4789))).to.equal('allow tunnel');
  });
});
