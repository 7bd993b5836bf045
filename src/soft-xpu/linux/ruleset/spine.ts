/**
 * The base chains and what they share: the way of every packet, whatever ports there are. Ports hang their chains into
 * the maps that are asked here.
 */
import { FAMILIES, type Family } from '../../../base/ip.js';
import { CONNECTION_MARK, MARK, VTEP_ADDRESS, VXLAN_PORT } from '../names.js';
import { DROP_REASONS, FORWARDED, TAKEN_BY_ROUTER, totalDropCounter } from './counters.js';
import { address } from './expression.js';
import {
  ADDRESSES,
  CHAINS,
  dropMap,
  NETDEVS,
  PORTS,
  ROUTED,
  ROUTED_TO,
  SHARED_REASONS,
  stageMap,
  STAGES,
} from './layout.js';
import { beginSide, hex, isMarked, MARK_EXIT_SIDE } from './mark.js';
import { countOn, PartBuilder, quoted, type Part } from './part.js';
import { addListDenial, ROUTER_LISTS } from './list-part.js';
import { DENY_BY_RULE } from './policy-part.js';
import { addStageEnds, DENY } from './stage-part.js';

/** What the spine depends on. */
export interface SpineOptions {
  /** Netdevs that are not ours share the namespace. */
  readonly foreign: boolean;
  readonly uplink: string | undefined;
  /** False: lists of plain network/cloud rule. */
  readonly extension: boolean;
  /** Generation of policy if any port wants established flows judged again. */
  readonly generation: number | undefined;
}

/** Types a pod may always send to its router; router advertisements are not among them. */
const DISCOVERY = 'meta nfproto ipv6 meta l4proto 58 @th,0,8 { 130, 131, 132, 133, 135, 136 }';

/** Echo requests to a gateway: all that a port may begin with the router itself. */
const ECHO_TO_GATEWAY = FAMILIES.map(
  (family) =>
    `${address(family, 'daddr')} @${ADDRESSES.gateway(family)} ` +
    (family === 4 ? 'icmp type echo-request' : 'icmpv6 type echo-request'),
);

const KNOWN_FLOW = 'flow/known';
const DENY_NO_MAPPING = 'deny/no-mapping';
const FROM_PORTS = 'router/from-ports';
const DENY_TO_ROUTER = 'deny/to-router';
const KNOWN_FLOW_AT_ENTRY = 'flow/known-at-entry';

/** The whole spine. */
export function spinePart(options: SpineOptions): Part {
  const part = new PartBuilder();
  addTables(part);
  addDenials(part, options);
  addFlows(part, options);
  addEntry(part, options);
  addForward(part, options);
  addRouterItself(part, options);
  if (!options.extension) addListDenial(part);
  return part;
}

function addTables(part: PartBuilder): void {
  for (const reason of DROP_REASONS) part.counter(totalDropCounter(reason));
  part.counter(FORWARDED);
  part.counter(TAKEN_BY_ROUTER);
  for (const map of Object.values(PORTS)) part.map(map, 'type ifname : verdict');
  for (const reason of SHARED_REASONS) part.map(dropMap(reason), 'type ifname : counter');
  for (const [kind, direction] of STAGES) {
    for (const outcome of ['allowed', 'dropped'] as const) {
      part.map(stageMap(kind, direction, outcome), 'type ifname : counter');
    }
  }
  for (const set of Object.values(NETDEVS)) part.set(set, 'type ifname');
  for (const set of Object.values(ROUTED)) part.set(set, `typeof ${ROUTED_TO}`);
  for (const family of FAMILIES) {
    const type = `ipv${family}_addr`;
    part.set(ADDRESSES.local(family), `type ${type}`);
    part.map(ADDRESSES.zone(family), `typeof ${address(family, 'daddr')} : ct zone`);
    part.set(ADDRESSES.gateway(family), `type ${type}`);
    part.set(ADDRESSES.tunnelEnd(family), `type ${type}`);
    part.set(ADDRESSES.tunnelPeer(family), `type ${type} . ${type}`);
    part.map(ADDRESSES.tunnelSource(family), `type ${type} : ${type}`);
  }
}

/** Ends of packets. A stage that judges an established flow again cuts it for good. */
function addDenials(part: PartBuilder, { generation }: SpineOptions): void {
  const cut =
    generation === undefined
      ? []
      : [`ct state established ct mark set ${flowMark(generation | CONNECTION_MARK.cut)}`];
  part.chain(DENY, [...cut, 'drop']);
  addStageEnds(part);
  part.chain(DENY_BY_RULE, [
    countOn(totalDropCounter('RULE')),
    `${isMarked(MARK_EXIT_SIDE)} counter name oifname map @${dropMap('RULE')} goto ${DENY}`,
    `meta mark & ${hex(MARK_EXIT_SIDE)} == 0 counter name iifname map @${dropMap('RULE')} goto ${DENY}`,
    `goto ${DENY}`,
  ]);
  for (const [chain, reason] of [
    [DENY_NO_MAPPING, 'NO_MAPPING'],
    [DENY_TO_ROUTER, 'TO_HOST'],
  ] as const) {
    part.chain(chain, [
      countOn(totalDropCounter(reason)),
      `counter name iifname map @${dropMap(reason)}`,
      'drop',
    ]);
  }
  part.chain(CHAINS.gateNoBinding, [`${countOn(totalDropCounter('NO_BINDING'))} drop`]);
  part.chain(CHAINS.gateAdminDown, [`${countOn(totalDropCounter('ADMIN_DOWN'))} drop`]);
}

/** What becomes of packets of known flows, at the head of each base chain behind the connection lookup. */
function addFlows(part: PartBuilder, { generation }: SpineOptions): void {
  if (generation === undefined) return;
  const judged = CONNECTION_MARK.cut | CONNECTION_MARK.generationMask;
  const cut = CONNECTION_MARK.cut | generation;
  const head = [
    `ct direction reply ct mark & ${hex(CONNECTION_MARK.cut)} != 0 drop`,
    'ct direction reply accept',
    'ct state related accept',
    `ct mark & ${hex(judged)} == ${hex(generation)} accept`,
    `ct mark & ${hex(judged)} == ${hex(cut)} drop`,
    `iifname @${NETDEVS.reevaluated} return`,
  ];
  part.chain(KNOWN_FLOW, [...head, `oifname @${NETDEVS.reevaluated} return`, 'accept']);
  const byRoute = `${ROUTED_TO} @${ROUTED.reevaluated} return`;
  part.chain(KNOWN_FLOW_AT_ENTRY, [...head, byRoute, 'accept']);
}

function flowMark(bits: number): string {
  const kept = ~(CONNECTION_MARK.cut | CONNECTION_MARK.generationMask);
  return `ct mark & ${hex(kept)} | ${hex(bits)}`;
}

function known({ generation }: SpineOptions, chain = KNOWN_FLOW): string {
  return `ct state established,related ${generation === undefined ? 'accept' : `jump ${chain}`}`;
}

/**
 * Prerouting: gates and source, tunnels, UNTRACKED; then PRE_DNAT, which outer packets of tunnels meet no more than any other
 * stage, and addresses that nobody has.
 */
function addEntry(part: PartBuilder, options: SpineOptions): void {
  const { foreign } = options;
  const stranger = foreign ? [`iifname != @${NETDEVS.known} accept`] : [];
  part.base('hook/raw', 'prerouting', -300, [
    `iifname vmap @${PORTS.entry}`,
    foreign ? `iifname @${NETDEVS.reserved} goto ${CHAINS.gateNoBinding}` : 'iifname != "lo" drop',
  ]);
  part.base('hook/notrack', 'prerouting', -299, [
    ...stranger,
    `${isMarked(MARK.skipEntry | MARK.skipExit)} notrack`,
  ]);
  part.base('hook/pre-dnat', 'prerouting', -150, [
    ...stranger,
    ...FAMILIES.map((family) => `${address(family, 'daddr')} ${VTEP_ADDRESS[family]} accept`),
    known(options, KNOWN_FLOW_AT_ENTRY),
    `${isMarked(MARK.skipEntry)} accept`,
    `iifname vmap @${PORTS.preDnat}`,
  ]);
  part.base('hook/mapping', 'prerouting', -90, [
    ...stranger,
    'ct state established,related accept',
    'ip6 daddr fe80::/10 accept',
    'fib daddr . mark oif missing fib daddr type != { local, broadcast, multicast, anycast } ' +
      `goto ${DENY_NO_MAPPING}`,
  ]);
}

/**
 * Forwarding: both ends of the path, each with its stages in base chains of their own. A netdev of others is no port:
 * nothing passes between it and ours, whose way to everybody else is the uplink.
 */
function addForward(part: PartBuilder, options: SpineOptions): void {
  const stranger = options.foreign
    ? [`iifname != @${NETDEVS.own} oifname != @${NETDEVS.own} accept`]
    : [];
  const reserved = `oifname @${NETDEVS.reserved} oifname != @${NETDEVS.own}`;
  const flow = known(options);
  part.base('hook/exit-gate', 'forward', -40, [
    ...(options.foreign ? [`${reserved} goto ${CHAINS.gateNoBinding}`] : []),
    ...stranger,
    ...(options.foreign
      ? [`iifname != @${NETDEVS.known} ${countOn(totalDropCounter('SOURCE'))} drop`]
      : []),
    `oifname vmap @${PORTS.exit}`,
    `goto ${DENY_NO_MAPPING}`,
  ]);
  part.chain(CHAINS.open, [
    flow,
    beginSide(false),
    `${isMarked(MARK.skipEntry)} accept`,
    `oifname @${NETDEVS.host} goto path/host-from`,
    `iifname vmap @${PORTS.forwardFrom}`,
  ]);
  part.chain('path/host-from', [`iifname vmap @${PORTS.hostFrom}`]);
  part.base('hook/workload-from', 'forward', -35, [
    ...stranger,
    flow,
    beginSide(false),
    `iifname @${NETDEVS.vnics} oifname @${NETDEVS.host} ${DISCOVERY} accept`,
    `iifname vmap @${PORTS.workloadFrom}`,
  ]);
  part.base('hook/forward-to', 'forward', -30, [
    ...stranger,
    flow,
    beginSide(true),
    `oifname @${NETDEVS.host} goto path/to-host`,
    `iifname @${NETDEVS.host} goto path/host-to`,
    `oifname vmap @${PORTS.forwardTo}`,
  ]);
  part.chain('path/to-host', [`${DISCOVERY} accept`, `iifname vmap @${PORTS.toHost}`]);
  part.chain('path/host-to', [
    `${isMarked(MARK.skipExit)} accept`,
    `oifname vmap @${PORTS.hostTo}`,
  ]);
  part.base('hook/workload-to', 'forward', -25, [
    ...stranger,
    flow,
    beginSide(true),
    ...(options.extension
      ? []
      : [`iifname @${NETDEVS.vnics} oifname @${NETDEVS.host} ${DISCOVERY} accept`]),
    `oifname vmap @${PORTS.workloadTo}`,
  ]);
  part.base('hook/accepted', 'forward', -20, [
    ...stranger,
    countOn(FORWARDED),
    ...acceptedLines(options),
  ]);
}

function acceptedLines({ generation }: SpineOptions): string[] {
  if (generation === undefined) return [];
  const judged = CONNECTION_MARK.cut | CONNECTION_MARK.generationMask;
  const stale = `ct direction original ct mark & ${hex(judged)} != ${hex(generation)}`;
  return ['iifname', 'oifname'].map(
    (side) => `${side} @${NETDEVS.reevaluated} ${stale} ct mark set ${flowMark(generation)}`,
  );
}

/**
 * What the router itself gets and sends. It has no services for those behind its ports: what they may begin with it is
 * an echo to a gateway, judged as what goes to the host port. The rest answers what the router began.
 */
function addRouterItself(part: PartBuilder, options: SpineOptions): void {
  const { foreign, uplink } = options;
  const stranger = foreign ? [`iifname != @${NETDEVS.own} accept`] : [];
  part.chain(FROM_PORTS, [
    ...ECHO_TO_GATEWAY.map((echo) => `${echo} return`),
    `goto ${DENY_TO_ROUTER}`,
  ]);
  part.base('hook/input', 'input', -40, [
    'iifname "lo" accept',
    ...vtepInputLines(uplink),
    ...stranger,
    `${DISCOVERY} accept`,
    'ct direction reply ct state established,related accept',
    `iifname @${NETDEVS.own} jump ${FROM_PORTS}`,
    known(options),
    beginSide(false),
    `iifname vmap @${PORTS.workloadFrom}`,
    `${isMarked(MARK.skipEntry)} accept`,
    `iifname vmap @${PORTS.hostFrom}`,
  ]);
  part.base('hook/input-to-host', 'input', -30, [
    ...stranger,
    `${DISCOVERY} accept`,
    known(options),
    `iifname vmap @${PORTS.toHost}`,
  ]);
  if (!options.extension) {
    part.base('hook/input-lists', 'input', -25, [
      ...stranger,
      `iifname != @${NETDEVS.vnics} accept`,
      `${DISCOVERY} accept`,
      known(options),
      beginSide(true),
      `goto ${ROUTER_LISTS}`,
    ]);
  }
  part.base('hook/input-accepted', 'input', -20, [
    ...stranger,
    `iifname != "lo" ${countOn(FORWARDED)} ${countOn(TAKEN_BY_ROUTER)}`,
  ]);
  part.base('hook/output', 'output', -300, FAMILIES.flatMap(vtepOutputLines));
}

/** VXLAN devices get what was readdressed to them at the uplink, and nobody else reaches them. */
function vtepInputLines(uplink: string | undefined): string[] {
  return FAMILIES.flatMap((family) => {
    const vtep = `${address(family, 'daddr')} ${VTEP_ADDRESS[family]}`;
    const taken = `${vtep} udp dport ${VXLAN_PORT} accept`;
    return [
      ...(uplink === undefined ? [] : [`iifname ${quoted(uplink)} ${taken}`]),
      `${vtep} drop`,
    ];
  });
}

/** Outer packets go out under the tunnel's own address, or not at all. */
function vtepOutputLines(family: Family): string[] {
  const [from, to] = [address(family, 'saddr'), address(family, 'daddr')];
  const vtep = `${from} ${VTEP_ADDRESS[family]}`;
  const source = `${from} set ${to} map @${ADDRESSES.tunnelSource(family)}`;
  return [`${vtep} udp dport ${VXLAN_PORT} ${source} notrack accept`, `${vtep} drop`];
}
