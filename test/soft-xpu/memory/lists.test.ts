/** Plain network/cloud: SecurityPolicy lists of Vnics, on packets (opi.md section 2). */
import { expect } from 'chai';
import type { SecurityRuleSpec } from '../../../src/opi/objects/match.js';
import type { SecurityPolicySpec } from '../../../src/opi/objects/specs.js';
import {
  FAR,
  FAR6,
  HOST,
  HOST_PORT,
  icmp,
  key,
  object,
  POD_A,
  POD_A6,
  POD_B,
  PORT_A,
  replyTo,
  tcp,
  TestNode,
  udp,
  UPLINK,
} from '../node-fixture.js';

function securityRule(
  action: 'ALLOW' | 'DENY',
  priority: number,
  more: Partial<SecurityRuleSpec> = {},
): SecurityRuleSpec {
  return {
    ruleName: `${action} ${priority} ${JSON.stringify(more)}`,
    priority,
    action,
    terminating: true,
    source: [],
    destination: [],
    sourcePorts: [],
    destinationPorts: [],
    icmp: [],
    ...more,
  };
}

const port = (low: number, high = low) => ({ destinationPorts: [{ low, high }] });

class PlainNode extends TestNode {
  constructor() {
    super({ extension: false });
  }

  list(
    id: string,
    rules: readonly SecurityRuleSpec[],
    more: Partial<SecurityPolicySpec> = {},
  ): this {
    const spec = { family: 4, defaultAction: 'DENY', format: 'COMPACT', rules, ...more } as const;
    return this.put(object('securityPolicy', id, spec));
  }

  /** Gives pod a these lists of the IPv4 family. */
  attach(ingress: readonly string[], egress: readonly string[] = []): this {
    const refs = (ids: readonly string[]) => ids.map((id) => key('securityPolicy', id));
    return this.vnic('vnic-a', 'cali-a', true, {
      ingressV4: refs(ingress),
      egressV4: refs(egress),
    });
  }
}

const DENIED = 'deny SECURITY_POLICY';
const OPEN = 'allow vnic-a';

describe('soft-xpu memory: SecurityPolicy lists', () => {
  it('no list allows, both ways', () => {
    const node = new PlainNode();
    expect(node.fate(UPLINK, tcp(FAR, POD_A, 80))).to.equal(OPEN);
    expect(node.fate(PORT_A, tcp(POD_A, FAR, 80))).to.equal('allow uplink');
  });

  it('a list rules its own family and direction alone', () => {
    const node = new PlainNode().list('none', []).attach(['none']);
    expect(node.fate(UPLINK, tcp(FAR, POD_A, 80))).to.equal(DENIED);
    expect(node.fate(UPLINK, tcp(FAR6, POD_A6, 80))).to.equal(OPEN);
    expect(node.fate(PORT_A, tcp(POD_A, FAR, 80))).to.equal('allow uplink');
  });

  it('lower priority wins, list order among equals, the default last', () => {
    const node = new PlainNode();
    node.list('list', [securityRule('ALLOW', 20), securityRule('DENY', 10, port(80))]);
    node.attach(['list']);
    expect(node.fate(UPLINK, tcp(FAR, POD_A, 80))).to.equal(DENIED);
    expect(node.fate(UPLINK, tcp(FAR, POD_A, 81))).to.equal(OPEN);
    node.list('list', [securityRule('ALLOW', 5, port(1, 90)), securityRule('DENY', 5, port(80))]);
    expect(node.fate(UPLINK, tcp(FAR, POD_A, 80))).to.equal(OPEN);
    expect(node.fate(UPLINK, tcp(FAR, POD_A, 91))).to.equal(DENIED);
    node.list('list', [], { defaultAction: 'ALLOW' });
    expect(node.fate(UPLINK, tcp(FAR, POD_A, 92))).to.equal(OPEN);
  });

  it('of several policies a terminating match decides; among others a deny wins', () => {
    const node = new PlainNode();
    const open = { terminating: false };
    node.list('list-1', [securityRule('ALLOW', 1, { ...open, ...port(80) })]);
    node.list('list-2', [securityRule('DENY', 1, { ...open, ...port(80) })]);
    node.list('list-3', [securityRule('ALLOW', 1, port(80))], { defaultAction: 'ALLOW' });
    node.attach(['list-1', 'list-2']);
    expect(node.fate(UPLINK, tcp(FAR, POD_A, 80))).to.equal(DENIED);
    node.attach(['list-1', 'list-3']);
    expect(node.fate(UPLINK, tcp(FAR, POD_A, 80))).to.equal(OPEN);
    // Nothing matches: one default denies.
    expect(node.fate(UPLINK, tcp(FAR, POD_A, 81))).to.equal(DENIED);
  });

  it('matches addresses by prefix and range, protocols, ports and ICMP', () => {
    const node = new PlainNode();
    node.list('list', [
      securityRule('ALLOW', 1, {
        protocol: 6,
        source: [{ prefix: '203.0.113.0/24' }, { low: '198.51.100.5', high: '198.51.100.9' }],
        ...port(80, 90),
      }),
      securityRule('ALLOW', 2, { protocol: 1, icmp: [{ type: 8, code: 0 }] }),
    ]);
    node.attach(['list']);
    expect(node.fate(UPLINK, tcp(FAR, POD_A, 85))).to.equal(OPEN);
    expect(node.fate(UPLINK, tcp('198.51.100.10', POD_A, 85))).to.equal(DENIED);
    expect(node.fate(UPLINK, tcp('203.0.113.200', POD_A, 85))).to.equal(OPEN);
    expect(node.fate(UPLINK, udp(FAR, POD_A, 85))).to.equal(DENIED);
    expect(node.fate(UPLINK, tcp(FAR, POD_A, 91))).to.equal(DENIED);
    expect(node.fate(UPLINK, icmp(FAR, POD_A, 8))).to.equal(OPEN);
    expect(node.fate(UPLINK, icmp(FAR, POD_A, 13))).to.equal(DENIED);
  });

  it('Subnet and Vpc hand their lists down: the Vnic is asked first, then the Subnet, then the Vpc', () => {
    const lists = (...ids: string[]) => ({
      ingressV4: ids.map((id) => key('securityPolicy', id)),
      ingressV6: [],
      egressV4: [],
      egressV6: [],
    });
    const node = new PlainNode();
    node.list('only-80', [securityRule('ALLOW', 1, port(80))]);
    node.list('no-80', [securityRule('DENY', 1, port(80))], { defaultAction: 'ALLOW' });
    node.put(object('subnet', 'pool', { vpc: key('vpc', 'cluster'), policies: lists('only-80') }));
    expect(node.fate(UPLINK, tcp(FAR, POD_A, 80))).to.equal(OPEN);
    expect(node.fate(UPLINK, tcp(FAR, POD_A, 81))).to.equal(DENIED);
    node.attach(['no-80']);
    expect(node.fate(UPLINK, tcp(FAR, POD_A, 80, { sourcePort: 2 }))).to.equal(DENIED);
    node.attach([]).put(object('subnet', 'pool', { vpc: key('vpc', 'cluster') }));
    expect(node.fate(UPLINK, tcp(FAR, POD_A, 82))).to.equal(OPEN);
    node.put(object('vpc', 'cluster', { policies: lists('only-80') }));
    expect(node.fate(UPLINK, tcp(FAR, POD_A, 83))).to.equal(DENIED);
  });

  it('is stateful: replies pass, invalid packets are dropped where there is a list', () => {
    const node = new PlainNode().list('none', []).attach(['none']);
    const packet = tcp(POD_A, FAR, 80);
    node.send(PORT_A, packet);
    expect(node.fate(UPLINK, replyTo(packet))).to.equal(OPEN);
    expect(node.fate(UPLINK, tcp(FAR, POD_A, 9, { tcpFlags: 4 }))).to.equal('deny INVALID_STATE');
    node.attach([]);
    expect(node.fate(UPLINK, tcp(FAR, POD_A, 9, { tcpFlags: 4 }))).to.equal(OPEN);
  });

  it('the Vnic of the host port has lists as any other', () => {
    const node = new PlainNode().list('none', []);
    node.vnic('vnic-host', 'host0', false, { ingressV4: [key('securityPolicy', 'none')] });
    expect(node.fate(UPLINK, tcp(FAR, HOST, 22))).to.equal(DENIED);
    expect(node.fate(HOST_PORT, tcp(HOST, FAR, 22))).to.equal('allow uplink');
  });

  it('sender and receiver must both allow', () => {
    const node = new PlainNode().list('list', [securityRule('ALLOW', 1, port(80))]);
    node.attach([], ['list']);
    expect(node.fate(PORT_A, tcp(POD_A, POD_B, 80))).to.equal('allow vnic-b');
    expect(node.fate(PORT_A, tcp(POD_A, POD_B, 81))).to.equal(DENIED);
  });

  it('the source guard lets a Vnic send from its own Mappings only', () => {
    const node = new PlainNode();
    expect(node.fate(PORT_A, tcp(POD_B, FAR, 80))).to.equal('deny SOURCE');
    expect(node.fate(PORT_A, tcp('10.9.9.9', FAR, 80))).to.equal('deny SOURCE');
    node.vnic('vnic-a', 'cali-a', true, { sourceGuard: false });
    expect(node.fate(PORT_A, tcp('10.9.9.9', FAR, 80))).to.equal('allow uplink');
  });

  it('neighbour discovery towards the host is answered without policy', () => {
    const node = new PlainNode().list('none-6', [], { family: 6 });
    node.vnic('vnic-a', 'cali-a', true, { egressV6: [key('securityPolicy', 'none-6')] });
    expect(node.fate(PORT_A, icmp('fe80::1', 'ff02::2', 133))).to.equal('allow host');
    expect(node.fate(PORT_A, icmp('fe80::1', 'ff02::2', 128))).to.equal(DENIED);
  });
});
