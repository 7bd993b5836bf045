/** A small node for packet tests: host port, two pods, an uplink; objects are made by short words. */
import type { Clock } from '../../src/base/clock.js';
import type { ObjectKey, ObjectKind } from '../../src/opi/objects/key.js';
import {
  ANY_ENDPOINT,
  type EndpointMatch,
  type PolicyRuleSpec,
  type RuleActionSpec,
  type RuleMatch,
} from '../../src/opi/objects/match.js';
import type {
  AnyObject,
  Direction,
  PolicyBindingSpec,
  SpecByKind,
  StageKind,
  StageSpec,
  TierSpec,
  VnicSpec,
} from '../../src/opi/objects/specs.js';
import {
  createMemoryXpu,
  type MemoryXpu,
  type MemoryXpuOptions,
} from '../../src/soft-xpu/memory-xpu.js';
import { packetOf, type PacketFields } from '../../src/soft-xpu/memory/packet.js';
import type { WalkOptions } from '../../src/soft-xpu/data-plane.js';
import type { PortRef } from '../../src/soft-xpu/memory/port.js';
import type { Passage } from '../../src/soft-xpu/memory/walk.js';

export const POD_A = '10.65.0.1';
export const POD_B = '10.65.0.2';
export const POD_A6 = 'fd00:65::1';
export const POD_B6 = 'fd00:65::2';
export const HOST = '172.30.0.1';
export const HOST6 = 'fd30::1';
export const FAR = '198.51.100.7';
export const FAR6 = '2001:db8::7';

export const UPLINK: PortRef = { kind: 'uplink' };
export const TUNNEL: PortRef = { kind: 'tunnel' };
export const HOST_PORT: PortRef = { kind: 'host' };
export const PORT_A: PortRef = { kind: 'vnic', id: 'vnic-a' };
export const PORT_B: PortRef = { kind: 'vnic', id: 'vnic-b' };

/** Key of an object. */
export function key<K extends ObjectKind>(kind: K, id: string): ObjectKey<K> {
  return { kind, id };
}

/** An object. */
export function object<K extends ObjectKind>(kind: K, id: string, spec: SpecByKind[K]): AnyObject {
  return { key: key(kind, id), spec } as AnyObject;
}

/** A clock that stands until it is moved. */
export class HandClock implements Clock {
  ms = 1_000_000;
  now(): number {
    return this.ms;
  }
  monotonic(): number {
    return this.ms;
  }
  after(): never {
    throw new Error('this clock has no timers');
  }
}

/** A rule that matches what `match` says. */
export function rule(
  action: RuleActionSpec,
  match: Partial<RuleMatch> = {},
  ruleId = `${action} ${JSON.stringify(match)}`.slice(0, 128),
): PolicyRuleSpec {
  return {
    ruleId,
    action,
    match: { source: ANY_ENDPOINT, destination: ANY_ENDPOINT, ipPortGroups: [], ...match },
  };
}

/** One side of a match. */
export function side(match: Partial<EndpointMatch>): EndpointMatch {
  return { ...ANY_ENDPOINT, ...match };
}

/** Destination ports. */
export function toPort(low: number, high = low): Partial<RuleMatch> {
  return { destination: side({ ports: [{ low, high }] }) };
}

/** A tier of policies. */
export function tier(
  tierId: string,
  policies: readonly string[],
  defaultAction: TierSpec['defaultAction'] = 'DENY',
): TierSpec {
  return { tierId, defaultAction, policies: policies.map((id) => key('networkPolicy', id)) };
}

/** A stage; its rule list is the one k8s-extension's table gives. */
export function stage(
  kind: StageKind,
  direction: Direction,
  tiers: readonly TierSpec[],
  profiles: readonly string[] = [],
): StageSpec {
  const fromIsIngress = kind !== 'WORKLOAD';
  const ingress = (direction === 'FROM_PORT') === fromIsIngress;
  return {
    kind,
    direction,
    ruleList: ingress ? 'INGRESS' : 'EGRESS',
    tiers,
    profiles: profiles.map((id) => key('networkPolicy', id)),
  };
}

/** A binding with everything a pod usually has. */
export function binding(
  port: PolicyBindingSpec['port'],
  stages: readonly StageSpec[],
  more: Partial<PolicyBindingSpec> = {},
): PolicyBindingSpec {
  return {
    port,
    stages,
    failsafes: [],
    allowedSources: [],
    toHostAction: 'DROP',
    fromHostBypass: true,
    invalidAction: 'DROP',
    establishedPolicy: 'KEEP',
    disabled: false,
    deniedEncapsulation: { vxlanPort: 4789, ipip: true },
    ...more,
  };
}

/** The node. Pods are bound with a profile that allows everything unless a test says otherwise. */
export class TestNode {
  readonly xpu: MemoryXpu;
  readonly clock = new HandClock();

  constructor(options: MemoryXpuOptions = {}) {
    this.xpu = createMemoryXpu({ clock: this.clock, ...options });
    this.network();
    if (options.extension !== false) {
      this.policy('allow-all', [rule('ALLOW')], [rule('ALLOW')]);
      this.bindPod('a');
      this.bindPod('b');
    }
  }

  /** Creates or replaces one object. */
  put(made: AnyObject): this {
    this.xpu.store.apply({ op: 'update', object: made, allowMissing: true });
    return this;
  }

  remove(kind: ObjectKind, id: string): this {
    this.xpu.store.apply({ op: 'delete', key: key(kind, id) });
    return this;
  }

  policy(
    id: string,
    ingressRules: readonly PolicyRuleSpec[],
    egressRules: readonly PolicyRuleSpec[] = [],
  ): this {
    return this.put(object('networkPolicy', id, { ingressRules, egressRules }));
  }

  group(id: string, memberType: 'PREFIX' | 'IP_PORT', members: readonly string[]): this {
    this.xpu.store.apply({
      op: 'create',
      object: object('addressGroup', id, { memberType }),
      members: { members },
    });
    return this;
  }

  /** Binds pod a or b; without stages it has a profile that allows everything. */
  bindPod(
    pod: 'a' | 'b',
    stages: readonly StageSpec[] = [
      stage('WORKLOAD', 'FROM_PORT', [], ['allow-all']),
      stage('WORKLOAD', 'TO_PORT', [], ['allow-all']),
    ],
    more: Partial<PolicyBindingSpec> = {},
  ): this {
    const allowedSources =
      pod === 'a' ? [`${POD_A}/32`, `${POD_A6}/128`] : [`${POD_B}/32`, `${POD_B6}/128`];
    const port = { vnic: key('vnic', `vnic-${pod}`) };
    const spec = binding(port, stages, { allowedSources, ...more });
    return this.put(object('policyBinding', `bind-${pod}`, spec));
  }

  /** Binds the uplink or the tunnel. */
  bindPort(
    port: 'UPLINK' | 'TUNNEL',
    stages: readonly StageSpec[],
    more: Partial<PolicyBindingSpec> = {},
  ): this {
    const spec = binding({ port }, stages, { deniedEncapsulation: { ipip: false }, ...more });
    return this.put(object('policyBinding', `bind-${port.toLowerCase()}`, spec));
  }

  /** Walks a packet for good: counted, and tracked if it is allowed. */
  send(entry: PortRef, fields: PacketFields): Passage {
    return this.xpu.dataPlane.walk(entry, packetOf(fields));
  }

  /** Walks a packet without counting or tracking it. */
  lookup(entry: PortRef, fields: PacketFields, options: WalkOptions = {}): Passage {
    const quiet = { commit: false, count: false, ...options };
    return this.xpu.dataPlane.walk(entry, packetOf(fields), quiet);
  }

  /** Spec of a pod's binding. */
  bindingSpec(pod: 'a' | 'b'): PolicyBindingSpec {
    const stored = this.xpu.store.get(key('policyBinding', `bind-${pod}`));
    return stored?.object.spec as PolicyBindingSpec;
  }

  /** `allow PORT`, or `deny REASON`. */
  fate(entry: PortRef, fields: PacketFields): string {
    const passage = this.send(entry, fields);
    if (passage.verdict === 'DENY') return `deny ${passage.dropReason}`;
    return `allow ${passage.exit?.kind === 'vnic' ? passage.exit.id : passage.exit?.kind}`;
  }

  vnic(id: string, ifname: string, vf: boolean, lists: Partial<VnicSpec> = {}): this {
    this.put(object('interface', `if-${id}`, { ifname, vf, adminUp: true }));
    return this.put(
      object('vnic', id, {
        subnet: key('subnet', 'pool'),
        hostInterface: key('interface', `if-${id}`),
        sourceGuard: true,
        ingressV4: [],
        ingressV6: [],
        egressV4: [],
        egressV6: [],
        ...lists,
      }),
    );
  }

  mapping(id: string, ip: string, vnic: string): this {
    return this.put(
      object('mapping', id, {
        vpc: key('vpc', 'cluster'),
        subnet: key('subnet', 'pool'),
        ip,
        destination: key('vnic', vnic),
      }),
    );
  }

  route(id: string, prefix: string, via: SpecByKind['route']['via']): this {
    const table = prefix.includes(':') ? 'table-6' : 'table-4';
    return this.put(object('route', id, { table: key('routeTable', table), prefix, via }));
  }

  private network(): void {
    this.put(object('routeTable', 'table-4', { family: 4 }));
    this.put(object('routeTable', 'table-6', { family: 6 }));
    const v4RouteTable = key('routeTable', 'table-4');
    const v6RouteTable = key('routeTable', 'table-6');
    this.put(object('vpc', 'cluster', { v4RouteTable, v6RouteTable }));
    this.put(object('subnet', 'pool', { vpc: key('vpc', 'cluster'), v4RouterIp: '10.65.0.254' }));
    this.vnic('vnic-host', 'host0', false).vnic('vnic-a', 'cali-a', true);
    this.vnic('vnic-b', 'cali-b', true);
    this.mapping('map-host', HOST, 'vnic-host').mapping('map-host6', HOST6, 'vnic-host');
    this.mapping('map-a', POD_A, 'vnic-a').mapping('map-a6', POD_A6, 'vnic-a');
    this.mapping('map-b', POD_B, 'vnic-b').mapping('map-b6', POD_B6, 'vnic-b');
  }
}

/** A TCP packet; a SYN unless flags are given. */
export function tcp(
  source: string,
  destination: string,
  destinationPort: number,
  more: Partial<PacketFields> = {},
): PacketFields {
  return { source, destination, protocol: 6, sourcePort: 40000, destinationPort, ...more };
}

/** A UDP packet. */
export function udp(
  source: string,
  destination: string,
  destinationPort: number,
  more: Partial<PacketFields> = {},
): PacketFields {
  return { source, destination, protocol: 17, sourcePort: 40000, destinationPort, ...more };
}

/** An ICMP or ICMPv6 packet. */
export function icmp(
  source: string,
  destination: string,
  type: number,
  more: { code?: number; id?: number; quoted?: PacketFields } = {},
): PacketFields {
  const { quoted, ...fields } = more;
  const protocol = source.includes(':') ? 58 : 1;
  return { source, destination, protocol, icmp: { type, ...fields }, quoted };
}

/** The packet that answers one. */
export function replyTo(fields: PacketFields, tcpFlags = 18): PacketFields {
  return {
    ...fields,
    source: fields.destination,
    destination: fields.source,
    sourcePort: fields.destinationPort,
    destinationPort: fields.sourcePort,
    tcpFlags,
  };
}
