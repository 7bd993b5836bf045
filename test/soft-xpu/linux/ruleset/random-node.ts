/** Random objects and packets for the test node: every rule field, every stage, and few values, so that they meet. */
import type {
  EndpointMatch,
  PolicyRuleSpec,
  PortRangeSpec,
} from '../../../../src/opi/objects/match.js';
import type {
  AnyObject,
  FailsafeSpec,
  PolicyBindingSpec,
  StageKind,
  StageSpec,
  TierSpec,
} from '../../../../src/opi/objects/specs.js';
import type { PacketFields } from '../../../../src/soft-xpu/memory/packet.js';
import type { PortRef } from '../../../../src/soft-xpu/memory/port.js';
import type { ObjectStore, StoreOperation } from '../../../../src/soft-xpu/store/object-store.js';
import type { Chance } from '../../../support/chance.js';
import {
  binding,
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
  rule,
  side,
  stage,
  tier,
  TUNNEL,
  UPLINK,
} from '../../node-words.js';

/** A remote pod behind the tunnel, one more host on the wire. */
const REMOTE = '10.66.0.5';
const REMOTE6 = 'fd00:66::5';
const FAR_TOO = '203.0.113.9';

/** Addresses of the node and of others. */
export const V4 = [POD_A, POD_B, HOST, FAR, FAR_TOO, REMOTE];
/** The same for IPv6. */
export const V6 = [POD_A6, POD_B6, HOST6, FAR6, REMOTE6];
const PREFIXES = [
  ...V4.map((ip) => `${ip}/32`),
  ...V6.map((ip) => `${ip}/128`),
  ...['10.65.0.0/24', '10.64.0.0/15', '198.51.100.0/24', '0.0.0.0/1', '128.0.0.0/1', '0.0.0.0/0'],
  ...['fd00:65::/64', 'fd00::/16', '2001:db8::/32', '8000::/1', '::/1', '::/0'],
];
/** Ports that rules and packets have. */
export const PORTS = [53, 80, 443, 8080];
/** Protocols that rules and packets have, common ones more often. */
export const PROTOCOLS = [6, 6, 6, 17, 17, 132, 1, 58, 253, 4];
const NET_GROUPS = ['net-1', 'net-2', 'net-3'];
const PORT_GROUPS = ['port-1', 'port-2'];
const POLICIES = ['pol-1', 'pol-2', 'pol-3', 'pol-4', 'pol-5'];

/** Stages of each kind of port. */
const STAGES: Readonly<
  Record<'vnic' | 'UPLINK' | 'TUNNEL', readonly (readonly [StageKind, 'FROM_PORT' | 'TO_PORT'])[]>
> = {
  vnic: [
    ['PRE_DNAT', 'FROM_PORT'],
    ['FORWARD', 'FROM_PORT'],
    ['FORWARD', 'TO_PORT'],
    ['WORKLOAD', 'FROM_PORT'],
    ['WORKLOAD', 'TO_PORT'],
  ],
  UPLINK: [
    ['UNTRACKED', 'FROM_PORT'],
    ['UNTRACKED', 'TO_PORT'],
    ['PRE_DNAT', 'FROM_PORT'],
    ['FORWARD', 'FROM_PORT'],
    ['FORWARD', 'TO_PORT'],
    ['HOST', 'FROM_PORT'],
    ['HOST', 'TO_PORT'],
  ],
  TUNNEL: [
    ['PRE_DNAT', 'FROM_PORT'],
    ['FORWARD', 'FROM_PORT'],
    ['FORWARD', 'TO_PORT'],
  ],
};

/** One member of every shape, so that a group's sets do not depend on the way it came about. */
const NET_ANCHORS = [32, 24, 15, 1, 0].map(
  (length) => `${length === 0 ? '0.0.0.0' : '128.0.0.0'}/${length}`,
);
const NET_ANCHORS6 = [128, 64, 32, 16, 1, 0].map(
  (length) => `${length === 0 ? '::' : '8000::'}/${length}`,
);
const PORT_ANCHORS = ['192.0.2.1,6:9', '8000::1,6:9'];

/** Draws values. */
export class NodeDraw {
  protected readonly chance: Chance;

  constructor(chance: Chance) {
    this.chance = chance;
  }

  /** Fewer than `limit` values. */
  protected some<T>(limit: number, draw: (index: number) => T): T[] {
    return Array.from({ length: this.chance.below(limit) }, (_, index) => draw(index));
  }

  /** One of the values. */
  protected pick<T>(values: readonly T[]): T {
    return values[this.chance.below(values.length)] as T;
  }
}

/** Draws objects and packets. */
export class RandomNode extends NodeDraw {
  private readonly anchored: boolean;
  private nextPort = 10_000;

  /** `anchored`: groups have members of every shape from the beginning. */
  constructor(chance: Chance, anchored = false) {
    super(chance);
    this.anchored = anchored;
  }

  /** What is there from the beginning: a tunnel, groups, policies. */
  begin(store: ObjectStore): void {
    this.beginRoutes(store);
    store.applyBatch([
      ...NET_GROUPS.map((id) => this.createGroup(id, 'PREFIX')),
      ...PORT_GROUPS.map((id) => this.createGroup(id, 'IP_PORT')),
      ...POLICIES.map((id) => this.update(this.policy(id))),
    ]);
  }

  /** The tunnel and what lies behind it. */
  beginRoutes(store: ObjectStore): void {
    const vpc = key('vpc', 'cluster');
    const tunnel = key('tunnel', 'tun-1');
    const spec = { vpc, localIp: HOST, remoteIp: '172.30.0.2', vni: 4096 };
    store.apply({ op: 'create', object: object('tunnel', 'tun-1', spec) });
    for (const [id, table, prefix] of [
      ['remote-4', 'table-4', '10.66.0.0/16'],
      ['remote-6', 'table-6', 'fd00:66::/64'],
    ] as const) {
      const route = { table: key('routeTable', table), prefix, via: { tunnel } };
      store.apply({ op: 'create', object: object('route', id, route) });
    }
  }

  /** One batch of changes. */
  batch(): StoreOperation[] {
    return Array.from({ length: 1 + this.chance.below(3) }, () => this.change());
  }

  /** A batch that makes ports, addresses and tunnels come and go. */
  topology(): StoreOperation[] {
    const id = this.pick(['vnic-c', 'vnic-d']);
    const vpc = this.pick(['cluster', 'other']);
    const parts = [key('mapping', `map-${id}`), key('policyBinding', `bind-${id.slice(-1)}`)];
    const gone = [...parts, key('vnic', id), key('interface', `if-${id}`)];
    const remove = gone.map((each) => ({ op: 'delete', key: each, allowMissing: true }) as const);
    switch (this.chance.below(7)) {
      case 0:
        return remove;
      case 5:
        return [key('networkPolicy', 'pol-9'), key('addressGroup', 'net-9')].map((each) => {
          return { op: 'delete', key: each, allowMissing: true };
        });
      case 6:
        return [
          this.createGroup('net-9', this.pick(['PREFIX', 'IP_PORT'])),
          this.update(this.lastPolicy()),
        ];
      case 1:
        return [{ op: 'delete', key: key('tunnel', 'tun-2'), allowMissing: true }];
      case 2:
        return [this.update(this.tunnel())];
      default:
        return [...remove, ...this.newVnic(id, vpc)];
    }
  }

  /** Names the group that comes and goes, whatever its members are. */
  private lastPolicy(): AnyObject {
    const groups = [key('addressGroup', 'net-9')];
    const rules = [rule('DENY', { source: side({ notGroups: groups }) }, 'one')];
    return object('networkPolicy', 'pol-9', { ingressRules: rules, egressRules: [] });
  }

  private tunnel(): AnyObject {
    const vpc = key('vpc', 'cluster');
    const vni = this.pick([4096, 4097]);
    return object('tunnel', 'tun-2', { vpc, localIp: HOST, remoteIp: '172.30.0.3', vni });
  }

  private newVnic(id: string, vpc: string): StoreOperation[] {
    const subnet = key('subnet', vpc === 'other' ? 'other-pool' : 'pool');
    const none = { ingressV4: [], ingressV6: [], egressV4: [], egressV6: [] };
    const hostInterface = key('interface', `if-${id}`);
    const ip = this.pick([POD_A, '10.65.0.7', '10.65.0.8']);
    const destination = key('vnic', id);
    const vf = this.chance.below(8) !== 0;
    const made = [
      object('vpc', 'other', {}),
      object('subnet', 'other-pool', { vpc: key('vpc', 'other') }),
      object('interface', `if-${id}`, { ifname: id.replace('vnic', 'cali'), vf, adminUp: true }),
      object('vnic', id, { subnet, hostInterface, sourceGuard: false, ...none }),
      object('mapping', `map-${id}`, { vpc: key('vpc', vpc), subnet, ip, destination }),
    ];
    if (this.chance.below(3) > 0) made.push(this.binding(`bind-${id.slice(-1)}`));
    return made.map((each) => this.update(each));
  }

  /** A packet, and the port it enters by. */
  packet(): [PortRef, PacketFields] {
    const v6 = this.chance.below(3) === 0;
    const [entry, own] = this.pick([
      [PORT_A, v6 ? POD_A6 : POD_A],
      [PORT_B, v6 ? POD_B6 : POD_B],
      [HOST_PORT, v6 ? HOST6 : HOST],
      [UPLINK, v6 ? FAR6 : this.pick([FAR, FAR_TOO])],
      [TUNNEL, v6 ? REMOTE6 : REMOTE],
    ] as const);
    const source = this.chance.below(20) === 0 ? this.pick(v6 ? V6 : V4) : own;
    const destination = this.pick((v6 ? V6 : V4).filter((ip) => ip !== source));
    return [entry, { source, destination, ...this.transport(v6) }];
  }

  private transport(v6: boolean): Pick<PacketFields, 'protocol'> & Partial<PacketFields> {
    const protocol = this.pick(PROTOCOLS.filter((one) => one !== (v6 ? 1 : 58)));
    this.nextPort += 1;
    if (protocol === 1) {
      return {
        protocol,
        icmp: { type: this.pick([8, 8, 13, 0, 3]), code: this.pick([0, 0, 1]), id: this.nextPort },
      };
    }
    if (protocol === 58) {
      return {
        protocol,
        icmp: {
          type: this.pick([128, 128, 129, 1, 136]),
          code: this.pick([0, 0, 1]),
          id: this.nextPort,
        },
      };
    }
    const sourcePort = this.chance.below(4) === 0 ? this.pick(PORTS) : this.nextPort;
    const destinationPort = this.pick([...PORTS, ...PORTS, 4789, this.nextPort]);
    const tcpFlags = this.pick([2, 2, 2, 2, 2, 16, 18, 4]);
    return { protocol, sourcePort, destinationPort, tcpFlags };
  }

  private change(): StoreOperation {
    switch (this.chance.below(12)) {
      case 0:
      case 1:
      case 2:
        return this.members();
      case 3:
        return {
          op: 'replaceMembers',
          key: key('addressGroup', 'net-1'),
          members: { members: [...this.anchors('PREFIX'), ...this.prefixes(5)] },
        };
      case 4:
      case 5:
      case 6:
        return this.update(this.policy(this.pick(POLICIES)));
      case 7:
        return { op: 'delete', key: key('policyBinding', this.pick(BINDINGS)), allowMissing: true };
      case 8:
        return this.update(this.interface(this.pick(['vnic-a', 'vnic-b', 'vnic-host'])));
      default:
        return this.update(this.binding(this.pick(BINDINGS)));
    }
  }

  private members(): StoreOperation {
    const net = this.chance.below(2) === 0;
    const type = net ? 'PREFIX' : 'IP_PORT';
    const draw = (): string[] => (net ? this.prefixes(3) : this.ipPorts(3));
    const anchors = new Set(this.anchors(type));
    return {
      op: 'modifyMembers',
      key: key('addressGroup', this.pick(net ? NET_GROUPS : PORT_GROUPS)),
      added: { members: draw() },
      removed: { members: draw().filter((text) => !anchors.has(text)) },
    };
  }

  private interface(id: string): AnyObject {
    const ifname = id === 'vnic-host' ? 'host0' : id.replace('vnic', 'cali');
    const adminUp = this.chance.below(4) !== 0;
    return object('interface', `if-${id}`, { ifname, vf: id !== 'vnic-host', adminUp });
  }

  private binding(id: string): AnyObject {
    const [port, kind] = portOf(id);
    const { chance } = this;
    const stages = STAGES[kind].flatMap(([stageKind, direction]) =>
      chance.below(3) === 0 ? [] : [this.stage(stageKind, direction)],
    );
    const own = 'vnic' in port && port.vnic.id === 'vnic-a' ? [POD_A, POD_A6] : [POD_B, POD_B6];
    const vnic = kind === 'vnic';
    const spec: PolicyBindingSpec = binding(port, stages, {
      failsafes: vnic ? [] : this.failsafes(),
      allowedSources: vnic ? [`${own[0]}/32`, `${own[1]}/128`, ...this.prefixes(1)] : [],
      toHostAction: this.pick(['DROP', 'ACCEPT', 'RETURN']),
      fromHostBypass: vnic && chance.below(2) === 0,
      invalidAction: this.pick(['DROP', 'DROP', 'CONTINUE']),
      disabled: vnic && chance.below(10) === 0,
      deniedEncapsulation: this.pick([{ vxlanPort: 4789, ipip: true }, { ipip: false }]),
    });
    return object('policyBinding', id, spec);
  }

  private stage(kind: StageKind, direction: 'FROM_PORT' | 'TO_PORT'): StageSpec {
    const tiers = this.some(3, (index) => this.tier(`t${index}`));
    const profiled = kind === 'HOST' || kind === 'WORKLOAD';
    return stage(kind, direction, tiers, profiled ? this.some(3, () => this.pick(POLICIES)) : []);
  }

  private tier(id: string): TierSpec {
    const policies = this.some(3, () => this.pick(POLICIES));
    return tier(id, policies, this.pick(['DENY', 'PASS', 'PASS']));
  }

  private failsafes(): FailsafeSpec[] {
    return this.some(4, () => ({
      direction: this.pick(['INBOUND', 'OUTBOUND'] as const),
      protocol: this.pick([6, 17, 1]),
      port: this.pick([0, 53, 80]),
      ...(this.chance.below(2) === 0 ? {} : { prefix: this.pick(PREFIXES) }),
    }));
  }

  private policy(id: string): AnyObject {
    const rules = (list: string): PolicyRuleSpec[] =>
      this.some(4, (index) => this.rule(`${list} ${index}/"${id}"`));
    return object('networkPolicy', id, { ingressRules: rules('in'), egressRules: rules('out') });
  }

  private rule(ruleId: string): PolicyRuleSpec {
    const { chance } = this;
    const action = this.pick(['ALLOW', 'ALLOW', 'DENY', 'PASS', 'LOG'] as const);
    const protocol = this.pick(PROTOCOLS);
    return rule(
      action,
      {
        ...(chance.below(5) === 0 ? { family: this.pick([4, 6] as const) } : {}),
        ...(chance.below(2) === 0 ? { protocol } : {}),
        ...(chance.below(6) === 0 ? { notProtocol: this.pick(PROTOCOLS) } : {}),
        ...(chance.below(6) === 0 ? { icmp: this.icmp() } : {}),
        ...(chance.below(6) === 0 ? { notIcmp: this.icmp() } : {}),
        source: this.side(),
        destination: this.side(),
        ipPortGroups: chance.below(8) === 0 ? [key('addressGroup', this.pick(PORT_GROUPS))] : [],
      },
      ruleId,
    );
  }

  private icmp(): { type: number; code?: number } {
    const type = this.pick([0, 8, 13, 128, 136]);
    return this.chance.below(2) === 0 ? { type } : { type, code: this.pick([0, 1]) };
  }

  private side(): EndpointMatch {
    const seldom = <T>(times: number, values: () => T[]): T[] =>
      this.chance.below(times) === 0 ? values() : [];
    const groups = (ids: readonly string[]) => (): ReturnType<typeof groupRef>[] => [
      groupRef(this.pick(ids)),
    ];
    return side({
      prefixes: seldom(4, () => this.prefixes(3)),
      notPrefixes: seldom(6, () => this.prefixes(2)),
      groups: seldom(4, groups(NET_GROUPS)),
      notGroups: seldom(6, groups(NET_GROUPS)),
      ports: seldom(4, () => this.ranges()),
      namedPortGroups: seldom(6, groups(PORT_GROUPS)),
      notPorts: seldom(7, () => this.ranges()),
      notNamedPortGroups: seldom(8, groups(PORT_GROUPS)),
    });
  }

  private ranges(): PortRangeSpec[] {
    return this.some(3, () => {
      const low = this.pick([0, ...PORTS]);
      return { low, high: this.chance.below(2) === 0 ? low : this.pick([500, 9000, 65535]) };
    }).filter(({ low, high }) => low <= high);
  }

  private prefixes(max: number): string[] {
    return [...new Set(this.some(max + 1, () => this.pick(PREFIXES)))].sort();
  }

  private ipPorts(max: number): string[] {
    return this.some(max + 1, () => {
      const ip = this.pick([...V4, ...V6]);
      return `${ip},${this.pick([6, 17, 132, 1])}:${this.pick([...PORTS, 0])}`;
    });
  }

  private createGroup(id: string, memberType: 'PREFIX' | 'IP_PORT'): StoreOperation {
    const drawn = memberType === 'PREFIX' ? this.prefixes(3) : this.ipPorts(3);
    const members = [...this.anchors(memberType), ...drawn];
    return {
      op: 'create',
      object: object('addressGroup', id, { memberType }),
      members: { members },
    };
  }

  private anchors(type: 'PREFIX' | 'IP_PORT'): string[] {
    if (!this.anchored) return [];
    return type === 'PREFIX' ? [...NET_ANCHORS, ...NET_ANCHORS6] : PORT_ANCHORS;
  }

  private update(made: AnyObject): StoreOperation {
    return { op: 'update', object: made, allowMissing: true };
  }
}

const BINDINGS = [
  'bind-a',
  'bind-a',
  'bind-b',
  'bind-b',
  'bind-uplink',
  'bind-uplink',
  'bind-tunnel',
];

function portOf(id: string): [PolicyBindingSpec['port'], 'vnic' | 'UPLINK' | 'TUNNEL'] {
  if (id === 'bind-uplink') return [{ port: 'UPLINK' }, 'UPLINK'];
  if (id === 'bind-tunnel') return [{ port: 'TUNNEL' }, 'TUNNEL'];
  return [{ vnic: key('vnic', id.replace('bind', 'vnic')) }, 'vnic'];
}

function groupRef(id: string): ReturnType<typeof key<'addressGroup'>> {
  return key('addressGroup', id);
}
