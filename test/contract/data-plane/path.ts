/** The path of a packet: every rule of k8s-extension sections 1 and 2, one by one, on packets. */
import { expect } from 'chai';

import {
  FAR,
  FAR6,
  HOST,
  HOST6,
  HOST_PORT,
  key,
  object,
  POD_A,
  POD_A6,
  POD_B,
  POD_B6,
  PORT_A,
  PORT_B,
  replyTo,
  rule,
  stage,
  tcp,
  tier,
  toPort,
  TUNNEL,
  udp,
  UPLINK,
} from '../../soft-xpu/node-fixture.js';
import type { NewNode } from './node.js';

/** The path of a packet: every rule of k8s-extension sections 1 and 2, one by one, on packets. */
export function pathContract(newNode: NewNode): void {
  describe('ports', () => {
    it('a local Mapping says which port a packet leaves by', async () => {
      const node = await newNode();
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal('allow vnic-b');
      expect(await node.fate(UPLINK, tcp(FAR, POD_A, 80))).to.equal('allow vnic-a');
      expect(await node.fate(UPLINK, tcp(FAR, HOST, 80))).to.equal('allow host');
    });

    it('without a Mapping or route it leaves by the uplink', async () => {
      expect(await (await newNode()).fate(PORT_A, tcp(POD_A, FAR, 80))).to.equal('allow uplink');
    });

    it('an address of an own block that nobody has is dropped, and leaves by the uplink without the block', async () => {
      const node = (await newNode()).route('block', '10.65.0.0/26', { evalMapping: true });
      expect(await node.fate(PORT_A, tcp(POD_A, '10.65.0.9', 80))).to.equal('deny NO_MAPPING');
      node.remove('route', 'block');
      expect(await node.fate(PORT_A, tcp(POD_A, '10.65.0.9', 80))).to.equal('allow uplink');
    });

    it('the longest route wins: a block inside a tunnel route, a tunnel route inside a block', async () => {
      const node = (await newNode()).put(
        object('tunnel', 'tun-1', {
          vpc: key('vpc', 'cluster'),
          localIp: HOST,
          remoteIp: '172.30.0.2',
          vni: 4096,
        }),
      );
      const tunnel = { tunnel: key('tunnel', 'tun-1') };
      node
        .route('pool', '10.65.0.0/16', tunnel)
        .route('block', '10.65.0.0/26', { evalMapping: true });
      node.route('borrowed', '10.65.0.9/32', tunnel);
      expect(await node.fate(PORT_A, tcp(POD_A, '10.65.3.1', 80))).to.equal('allow tunnel');
      expect(await node.fate(PORT_A, tcp(POD_A, '10.65.0.8', 80))).to.equal('deny NO_MAPPING');
      expect(await node.fate(PORT_A, tcp(POD_A, '10.65.0.9', 80))).to.equal('allow tunnel');
      node.route('default', '0.0.0.0/0', tunnel);
      expect(await node.fate(PORT_A, tcp(POD_A, FAR, 80))).to.equal('allow tunnel');
    });

    it('from the uplink and the tunnel, a source that is a local Mapping is dropped', async () => {
      const node = await newNode();
      expect(await node.fate(UPLINK, tcp(POD_B, POD_A, 80))).to.equal('deny SOURCE');
      expect(await node.fate(UPLINK, tcp(HOST, POD_A, 80))).to.equal('deny SOURCE');
      expect(await node.fate(TUNNEL, tcp(POD_B, POD_A, 80))).to.equal('deny SOURCE');
    });

    it('a vNIC sends from its allowed prefixes only, and from fe80::/10', async () => {
      const node = await newNode();
      expect(await node.fate(PORT_A, tcp(POD_B, FAR, 80))).to.equal('deny SOURCE');
      expect(await node.fate(PORT_A, tcp(POD_B6, FAR6, 80))).to.equal('deny SOURCE');
      const allowedSources = [`${POD_A}/32`, '10.9.0.0/16'];
      node.bindPod('a', undefined, { allowedSources, toHostAction: 'ACCEPT' });
      expect(await node.fate(PORT_A, tcp('10.9.8.7', FAR, 80))).to.equal('allow uplink');
    });

    it('nobody’s link-local source is routed on', async () => {
      const node = await newNode();
      expect(await node.fate(PORT_A, tcp('fe80::1', FAR6, 80))).to.match(/^deny/);
      expect(await node.fate(UPLINK, tcp('fe80::1', POD_A6, 80))).to.match(/^deny/);
    });

    it('a port whose interface is administratively down passes nothing', async () => {
      const node = (await newNode()).put(
        object('interface', 'if-vnic-b', { ifname: 'cali-b', vf: true, adminUp: false }),
      );
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal('deny ADMIN_DOWN');
      expect(await node.fate(PORT_B, tcp(POD_B, POD_A, 80))).to.equal('deny ADMIN_DOWN');
    });

    it('outer packets of tunnels: known peers are ended here, unknown ones dropped, others are ordinary', async () => {
      const node = await newNode();
      expect(await node.fate(UPLINK, udp('172.30.0.9', HOST, 4789))).to.equal('allow host');
      node.put(
        object('tunnel', 'tun-1', {
          vpc: key('vpc', 'cluster'),
          localIp: HOST,
          remoteIp: '172.30.0.2',
          vni: 4096,
        }),
      );
      expect(await node.fate(UPLINK, udp('172.30.0.8', HOST, 4789))).to.equal('deny UNKNOWN_PEER');
      expect(
        await node.fate(UPLINK, { source: '172.30.0.9', destination: HOST, protocol: 4 }),
      ).to.equal('deny UNKNOWN_PEER');
      node.bindPort('UPLINK', [stage('HOST', 'FROM_PORT', [])]);
      expect(await node.fate(TUNNEL, tcp('10.65.9.1', POD_A, 80))).to.equal('allow vnic-a');
    });
  });

  describe('bindings', () => {
    it('a vNIC without a binding denies both ways, from the host too', async () => {
      const node = (await newNode()).remove('policyBinding', 'bind-b');
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal('deny NO_BINDING');
      expect(await node.fate(PORT_B, tcp(POD_B, POD_A, 80))).to.equal('deny NO_BINDING');
      expect(await node.fate(HOST_PORT, tcp(HOST, POD_B, 80))).to.equal('deny NO_BINDING');
    });

    it('removing a binding stops established flows', async () => {
      const node = await newNode();
      const packet = tcp(POD_A, POD_B, 80);
      await node.fate(PORT_A, packet);
      expect(await node.fate(PORT_B, replyTo(packet))).to.equal('allow vnic-a');
      node.remove('policyBinding', 'bind-b');
      expect(await node.fate(PORT_B, replyTo(packet))).to.equal('deny NO_BINDING');
    });

    it('a disabled binding denies established flows too', async () => {
      const node = await newNode();
      const packet = tcp(POD_A, POD_B, 80);
      await node.fate(PORT_A, packet);
      node.bindPod('a', undefined, { disabled: true });
      expect(await node.fate(PORT_B, replyTo(packet))).to.equal('deny BINDING_DISABLED');
      expect(await node.fate(PORT_A, packet)).to.equal('deny BINDING_DISABLED');
      expect(await node.fate(HOST_PORT, tcp(HOST, POD_A, 80))).to.equal('deny BINDING_DISABLED');
    });

    it('an uplink or tunnel without a binding passes', async () => {
      const node = await newNode();
      expect(await node.fate(UPLINK, tcp(FAR, HOST, 8080))).to.equal('allow host');
      expect(await node.fate(TUNNEL, tcp('10.65.9.1', POD_A, 8080))).to.equal('allow vnic-a');
    });

    it('a vNIC binding that lists no WORKLOAD stage denies', async () => {
      const node = (await newNode()).bindPod('b', []);
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal('deny PROFILE_END');
      expect(await node.fate(PORT_B, tcp(POD_B, FAR, 80))).to.equal('deny PROFILE_END');
    });

    it('the binding overrides the lists of the Vnic', async () => {
      const node = (await newNode()).put(
        object('securityPolicy', 'deny-4', {
          family: 4,
          defaultAction: 'DENY',
          format: 'FLATTENED',
          rules: [],
        }),
      );
      node.vnic('vnic-b', 'cali-b', true, { ingressV4: [key('securityPolicy', 'deny-4')] });
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal('allow vnic-b');
    });
  });

  describe('pods and the host', () => {
    it('to_host_action decides after the pod egress: DROP, ACCEPT, RETURN', async () => {
      const node = await newNode();
      expect(await node.fate(PORT_A, tcp(POD_A, HOST, 80))).to.equal('deny TO_HOST');
      for (const toHostAction of ['ACCEPT', 'RETURN'] as const) {
        node.bindPod('a', undefined, { toHostAction });
        expect(await node.fate(PORT_A, tcp(POD_A, HOST, 81)), toHostAction).to.equal('allow host');
      }
      node.bindPod('a', [stage('WORKLOAD', 'FROM_PORT', [])], { toHostAction: 'ACCEPT' });
      expect(await node.fate(PORT_A, tcp(POD_A, HOST, 82))).to.equal('deny PROFILE_END');
    });

    it('no HOST stage is asked for pod to host', async () => {
      const node = (await newNode()).bindPod('a', undefined, { toHostAction: 'ACCEPT' });
      node.bindPort('UPLINK', [stage('HOST', 'FROM_PORT', []), stage('HOST', 'TO_PORT', [])]);
      expect(await node.fate(PORT_A, tcp(POD_A, HOST, 80))).to.equal('allow host');
      expect(await node.fate(UPLINK, tcp(FAR, HOST, 80))).to.equal('deny PROFILE_END');
    });

    it('from_host_bypass: the host reaches a pod that denies everybody', async () => {
      const node = (await newNode()).bindPod('a', []);
      expect(await node.fate(HOST_PORT, tcp(HOST, POD_A, 80))).to.equal('allow vnic-a');
      expect(await node.fate(UPLINK, tcp(FAR, POD_A, 80))).to.equal('deny PROFILE_END');
      node.bindPod('a', [], { fromHostBypass: false });
      expect(await node.fate(HOST_PORT, tcp(HOST, POD_A, 81))).to.equal('deny PROFILE_END');
    });

    it('another node is not the host', async () => {
      const node = (await newNode()).bindPod('a', []);
      expect(await node.fate(UPLINK, tcp('172.30.0.2', POD_A, 80))).to.equal('deny PROFILE_END');
    });

    it('a pod answers the host under DROP, because the flow is established', async () => {
      const node = await newNode();
      const probe = tcp(HOST, POD_A, 8080);
      await node.fate(HOST_PORT, probe);
      expect(await node.fate(PORT_A, replyTo(probe))).to.equal('allow host');
    });

    it('VXLAN and IPIP of a pod are dropped before its egress, unless configured', async () => {
      const node = await newNode();
      const ipip = { source: POD_A, destination: FAR, protocol: 4 };
      expect(await node.fate(PORT_A, udp(POD_A, FAR, 4789))).to.equal('deny ENCAPSULATION');
      expect(await node.fate(PORT_A, udp(POD_A6, FAR6, 4789))).to.equal('deny ENCAPSULATION');
      expect(await node.fate(PORT_A, ipip)).to.equal('deny ENCAPSULATION');
      expect(await node.fate(PORT_A, tcp(POD_A, FAR, 4789))).to.equal('allow uplink');
      node.bindPod('a', undefined, { deniedEncapsulation: { ipip: false } });
      expect(await node.fate(PORT_A, udp(POD_A, FAR, 4789))).to.equal('allow uplink');
      expect(await node.fate(PORT_A, ipip)).to.equal('allow uplink');
    });
  });

  describe('FORWARD and HOST', () => {
    it('HOST is asked from and to the host port only, FORWARD for the rest', async () => {
      const node = (await newNode()).policy(
        'no-9',
        [rule('DENY', toPort(9))],
        [rule('DENY', toPort(9))],
      );
      node.bindPort('UPLINK', [
        stage('FORWARD', 'FROM_PORT', [tier('t', ['no-9'], 'PASS')]),
        stage('FORWARD', 'TO_PORT', [tier('t', ['no-9'], 'PASS')]),
        stage('HOST', 'FROM_PORT', []),
        stage('HOST', 'TO_PORT', []),
      ]);
      expect(await node.fate(UPLINK, tcp(FAR, POD_A, 9))).to.equal('deny RULE');
      expect(await node.fate(UPLINK, tcp(FAR, POD_A, 10))).to.equal('allow vnic-a');
      expect(await node.fate(PORT_A, tcp(POD_A, FAR, 9))).to.equal('deny RULE');
      expect(await node.fate(PORT_A, tcp(POD_A, FAR, 10))).to.equal('allow uplink');
      expect(await node.fate(UPLINK, tcp(FAR, HOST, 9))).to.equal('deny PROFILE_END');
      expect(await node.fate(HOST_PORT, tcp(HOST, FAR, 9))).to.equal('deny PROFILE_END');
    });

    it('FORWARD that ends without a verdict allows; a tier default there denies', async () => {
      const node = (await newNode()).policy('empty', []);
      node.bindPort('UPLINK', [stage('FORWARD', 'FROM_PORT', [tier('t', ['empty'], 'PASS')])]);
      expect(await node.fate(UPLINK, tcp(FAR, POD_A, 80))).to.equal('allow vnic-a');
      node.bindPort('UPLINK', [stage('FORWARD', 'FROM_PORT', [tier('t', ['empty'], 'DENY')])]);
      expect(await node.fate(UPLINK, tcp(FAR, POD_A, 81))).to.equal('deny TIER_DEFAULT');
    });

    it('every stage on the way must pass: FORWARD of both ports and both pods', async () => {
      const node = (await newNode()).policy(
        'no-9',
        [rule('DENY', toPort(9))],
        [rule('DENY', toPort(9))],
      );
      const workload = [
        stage('WORKLOAD', 'FROM_PORT', [], ['allow-all']),
        stage('WORKLOAD', 'TO_PORT', [], ['allow-all']),
      ];
      node.bindPod('b', [...workload, stage('FORWARD', 'TO_PORT', [tier('t', ['no-9'], 'PASS')])]);
      expect(await node.fate(PORT_A, tcp(POD_A, POD_B, 9))).to.equal('deny RULE');
      expect(await node.fate(HOST_PORT, tcp(HOST, POD_B, 9))).to.equal('allow vnic-b');
      node.bindPod('b', [
        ...workload,
        stage('FORWARD', 'FROM_PORT', [tier('t', ['no-9'], 'PASS')]),
      ]);
      expect(await node.fate(PORT_B, tcp(POD_B, POD_A, 9))).to.equal('deny RULE');
    });

    it('HOST asks its profiles after the tiers', async () => {
      const node = (await newNode()).policy('allow-ssh', [rule('ALLOW', toPort(22))]);
      node.bindPort('UPLINK', [stage('HOST', 'FROM_PORT', [], ['allow-ssh'])]);
      expect(await node.fate(UPLINK, tcp(FAR, HOST, 22))).to.equal('allow host');
      expect(await node.fate(UPLINK, tcp(FAR, HOST, 23))).to.equal('deny PROFILE_END');
    });

    it('a HOST or FORWARD stage of one direction says nothing about the other', async () => {
      const node = (await newNode()).bindPort('UPLINK', [stage('HOST', 'FROM_PORT', [])]);
      expect(await node.fate(HOST_PORT, tcp(HOST, FAR, 9))).to.equal('allow uplink');
    });

    it('the inner packets of tunnels meet the binding of the tunnel in the place of the uplink', async () => {
      const node = (await newNode()).policy(
        'no-9',
        [rule('DENY', toPort(9))],
        [rule('DENY', toPort(9))],
      );
      node.bindPort('UPLINK', [stage('FORWARD', 'FROM_PORT', [tier('t', ['no-9'])])]);
      expect(await node.fate(TUNNEL, tcp('10.65.9.1', POD_A, 9))).to.equal('allow vnic-a');
      node.bindPort('TUNNEL', [stage('FORWARD', 'FROM_PORT', [tier('t', ['no-9'], 'PASS')])]);
      expect(await node.fate(TUNNEL, tcp('10.65.9.1', POD_A, 9, { sourcePort: 2 }))).to.equal(
        'deny RULE',
      );
      expect(await node.fate(TUNNEL, tcp('10.65.9.1', POD_A, 10))).to.equal('allow vnic-a');
    });
  });

  describe('UNTRACKED and PRE_DNAT', () => {
    const HOST_CLOSED = [stage('HOST', 'FROM_PORT', []), stage('HOST', 'TO_PORT', [])];

    it('allow in UNTRACKED skips PRE_DNAT, FORWARD and HOST, and leaves no connection', async () => {
      const node = (await newNode())
        .policy('allow-dns', [rule('ALLOW', toPort(53))])
        .policy('none', []);
      node.bindPort('UPLINK', [
        stage('UNTRACKED', 'FROM_PORT', [tier('t', ['allow-dns'], 'PASS')]),
        stage('PRE_DNAT', 'FROM_PORT', [tier('t', ['none'], 'DENY')]),
        ...HOST_CLOSED,
      ]);
      expect(await node.fate(UPLINK, udp(FAR, HOST, 53))).to.equal('allow host');
      expect(await node.flowCount()).to.equal(0);
      expect(await node.fate(UPLINK, udp(FAR, HOST, 54))).to.equal('deny TIER_DEFAULT');
      // The reply has no connection to belong to: policy decides, and HOST is closed.
      expect(await node.fate(HOST_PORT, replyTo(udp(FAR, HOST, 53)))).to.equal('deny PROFILE_END');
    });

    it('allow in UNTRACKED or PRE_DNAT never skips WORKLOAD', async () => {
      for (const kind of ['UNTRACKED', 'PRE_DNAT'] as const) {
        const node = (await newNode()).policy('open', [rule('ALLOW')]);
        node.bindPort('UPLINK', [stage(kind, 'FROM_PORT', [tier('t', ['open'])])]);
        node.bindPod('a', []);
        expect(await node.fate(UPLINK, tcp(FAR, POD_A, 80)), kind).to.equal('deny PROFILE_END');
      }
    });

    it('allow in PRE_DNAT skips FORWARD and HOST of the same port', async () => {
      const node = (await newNode()).policy('open', [rule('ALLOW', toPort(80))]).policy('none', []);
      node.bindPort('UPLINK', [
        stage('PRE_DNAT', 'FROM_PORT', [tier('t', ['open'], 'PASS')]),
        stage('FORWARD', 'FROM_PORT', [tier('t', ['none'])]),
        ...HOST_CLOSED,
      ]);
      expect(await node.fate(UPLINK, tcp(FAR, HOST, 80))).to.equal('allow host');
      expect(await node.fate(UPLINK, tcp(FAR, POD_A, 80))).to.equal('allow vnic-a');
      expect(await node.fate(UPLINK, tcp(FAR, HOST, 81))).to.equal('deny PROFILE_END');
      expect(await node.fate(UPLINK, tcp(FAR, POD_A, 81))).to.equal('deny TIER_DEFAULT');
    });

    it('deny in PRE_DNAT is final', async () => {
      const node = (await newNode()).policy('deny-80', [rule('DENY', toPort(80))]);
      node.bindPort('UPLINK', [stage('PRE_DNAT', 'FROM_PORT', [tier('t', ['deny-80'], 'PASS')])]);
      expect(await node.fate(UPLINK, tcp(FAR, POD_A, 80))).to.equal('deny RULE');
      expect(await node.fate(UPLINK, tcp(FAR, POD_A, 81))).to.equal('allow vnic-a');
    });

    it('a PRE_DNAT stage of a vNIC is asked before its egress, and its allow skips FORWARD alone', async () => {
      const node = (await newNode()).policy('open', [rule('ALLOW', toPort(80))]).policy('none', []);
      node.bindPod('a', [
        stage('PRE_DNAT', 'FROM_PORT', [tier('t', ['open'], 'PASS')]),
        stage('FORWARD', 'FROM_PORT', [tier('t', ['none'])]),
        stage('WORKLOAD', 'FROM_PORT', [], ['allow-all']),
      ]);
      expect(await node.fate(PORT_A, tcp(POD_A, FAR, 80))).to.equal('allow uplink');
      expect(await node.fate(PORT_A, tcp(POD_A, FAR, 81))).to.equal('deny TIER_DEFAULT');
    });

    it('UNTRACKED towards a port is asked only for what the host sends', async () => {
      const node = (await newNode()).policy('deny-80', [], [rule('DENY', toPort(80))]);
      node.bindPort('UPLINK', [stage('UNTRACKED', 'TO_PORT', [tier('t', ['deny-80'], 'PASS')])]);
      expect(await node.fate(PORT_A, tcp(POD_A, FAR, 80))).to.equal('allow uplink');
      expect(await node.fate(HOST_PORT, tcp(HOST, FAR, 80))).to.equal('deny RULE');
      expect(await node.fate(HOST_PORT, tcp(HOST, FAR, 81))).to.equal('allow uplink');
    });

    it('UNTRACKED towards a port skips its HOST stage and leaves no connection', async () => {
      const node = (await newNode()).policy('open', [], [rule('ALLOW', toPort(53))]);
      node.bindPort('UPLINK', [
        stage('UNTRACKED', 'TO_PORT', [tier('t', ['open'], 'PASS')]),
        ...HOST_CLOSED,
      ]);
      expect(await node.fate(HOST_PORT, udp(HOST, FAR, 53))).to.equal('allow uplink');
      expect(await node.flowCount()).to.equal(0);
    });
  });

  describe('failsafes', () => {
    const FAILSAFES = [
      { direction: 'INBOUND' as const, protocol: 6, port: 22 },
      { direction: 'INBOUND' as const, protocol: 6, port: 6443, prefix: '198.51.100.0/24' },
      { direction: 'OUTBOUND' as const, protocol: 17, port: 53 },
    ];

    it('allow in HOST, by direction, protocol, port and prefix', async () => {
      const node = (await newNode()).bindPort(
        'UPLINK',
        [stage('HOST', 'FROM_PORT', []), stage('HOST', 'TO_PORT', [])],
        { failsafes: FAILSAFES },
      );
      expect(await node.fate(UPLINK, tcp(FAR, HOST, 22))).to.equal('allow host');
      expect(await node.fate(UPLINK, tcp(FAR6, HOST6, 22))).to.equal('allow host');
      expect(await node.fate(UPLINK, udp(FAR, HOST, 22))).to.equal('deny PROFILE_END');
      expect(await node.fate(UPLINK, tcp(FAR, HOST, 6443))).to.equal('allow host');
      expect(await node.fate(UPLINK, tcp('203.0.113.1', HOST, 6443))).to.equal('deny PROFILE_END');
      expect(await node.fate(UPLINK, tcp(FAR6, HOST6, 6443))).to.equal('deny PROFILE_END');
      expect(await node.fate(HOST_PORT, udp(HOST, FAR, 53))).to.equal('allow uplink');
      expect(await node.fate(HOST_PORT, tcp(HOST, FAR, 22))).to.equal('deny PROFILE_END');
    });

    it('allow in PRE_DNAT and UNTRACKED, but not in FORWARD or WORKLOAD', async () => {
      const node = (await newNode()).policy('none', []);
      for (const kind of ['UNTRACKED', 'PRE_DNAT'] as const) {
        node.bindPort('UPLINK', [stage(kind, 'FROM_PORT', [tier('t', ['none'])])], {
          failsafes: FAILSAFES,
        });
        expect(await node.fate(UPLINK, tcp(FAR, HOST, 22)), kind).to.equal('allow host');
        expect(await node.fate(UPLINK, tcp(FAR, HOST, 23)), kind).to.equal('deny TIER_DEFAULT');
      }
      node.bindPort('UPLINK', [stage('FORWARD', 'FROM_PORT', [tier('t', ['none'])])], {
        failsafes: FAILSAFES,
      });
      expect(await node.fate(UPLINK, tcp(FAR, POD_A, 22))).to.equal('deny TIER_DEFAULT');
    });

    it('of the reverse direction only end UNTRACKED: the packet stays tracked and HOST decides', async () => {
      const node = (await newNode()).policy('none', []);
      const reply = { ...udp(FAR, HOST, 9999), sourcePort: 53 };
      node.bindPort('UPLINK', [stage('UNTRACKED', 'FROM_PORT', [tier('t', ['none'])])], {
        failsafes: FAILSAFES,
      });
      expect(await node.fate(UPLINK, reply)).to.equal('allow host');
      expect(await node.flowCount()).to.equal(1);
      await node.reset();
      node.bindPort(
        'UPLINK',
        [stage('UNTRACKED', 'FROM_PORT', [tier('t', ['none'])]), stage('HOST', 'FROM_PORT', [])],
        { failsafes: FAILSAFES },
      );
      expect(await node.fate(UPLINK, reply)).to.equal('deny PROFILE_END');
    });
  });
}
