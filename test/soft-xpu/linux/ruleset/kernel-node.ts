/**
 * The test node with our table in the kernel of a namespace: links and routes are made by hand, rules by `Ruleset` alone.
 * The far ends of all netdevs lie in a second namespace, which sends frames and sees where they come out.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createMemoryXpu, type MemoryXpu } from '../../../../src/soft-xpu/memory-xpu.js';
import { parseCounters } from '../../../../src/soft-xpu/linux/ruleset/counters.js';
import { Ruleset, type RulesetPorts } from '../../../../src/soft-xpu/linux/ruleset/ruleset.js';
import { TABLE_NAME, VTEP_ADDRESS } from '../../../../src/soft-xpu/linux/names.js';
import type { Count } from '../../../../src/soft-xpu/memory/counters.js';
import type { Packet, PacketFields } from '../../../../src/soft-xpu/memory/packet.js';
import { packetOf } from '../../../../src/soft-xpu/memory/packet.js';
import type { PortRef } from '../../../../src/soft-xpu/memory/port.js';
import { buildPacket } from '../../../../src/lab/packets/build.js';
import { PacketProbe, type ProbeSend } from '../../../../src/lab/packets/packet-probe.js';
import type { PacketSpec } from '../../../../src/lab/packets/spec.js';
import { NodeObjects } from '../../node-objects.js';
import { HOST, HOST6, POD_A, POD_A6, POD_B, POD_B6 } from '../../node-words.js';

/** Netdevs of the node by port; a plain link stands for the VXLAN device, which is one to rules. */
const NETDEVS = ['cali-a', 'cali-b', 'host0', 'up0', 'vx4096'] as const;

const NETDEV_OF: Readonly<Record<string, string>> = {
  'vnic vnic-a': 'cali-a',
  'vnic vnic-b': 'cali-b',
  host: 'host0',
  uplink: 'up0',
  tunnel: 'vx4096',
};

const PORT_OF: Readonly<Record<string, string>> = {
  'cali-a': 'vnic-a',
  'cali-b': 'vnic-b',
  host0: 'host',
  up0: 'uplink',
  vx4096: 'tunnel',
};

let made = 0;

/** How a kernel node differs from the usual one. */
export interface KernelNodeOptions extends Partial<RulesetPorts> {
  /** Netdevs beside those of the node, with a prefix that is routed there. A packet enters by one as by a vNIC of its name. */
  readonly more?: Readonly<Record<string, string>>;
}

/** See the file head. */
export class KernelNode extends NodeObjects {
  readonly xpu: MemoryXpu;
  readonly router: string;
  private readonly outside: string;
  private readonly ruleset: Ruleset;
  private readonly more: Readonly<Record<string, string>>;
  private readonly netdevs: readonly string[];
  private readonly macs = new Map<string, string>();
  private probe: PacketProbe | undefined;
  private pending = '';

  constructor({ more = {}, ...options }: KernelNodeOptions = {}) {
    const extension = options.extension ?? true;
    const xpu = createMemoryXpu({ extension });
    super(xpu.store, extension);
    this.xpu = xpu;
    this.more = more;
    this.netdevs = [...NETDEVS, ...Object.keys(more)];
    made += 1;
    this.router = `cxr-r-${process.pid}-${made}`;
    this.outside = `cxr-o-${process.pid}-${made}`;
    const ports = { netdevOf: (name: string) => name, uplink: 'up0', foreign: false, ...options };
    this.ruleset = new Ruleset(xpu.store, { vpcNumber: () => 1, ...ports, extension });
  }

  /** Makes the namespaces and loads what the objects say so far. */
  open(): this {
    for (const name of [this.router, this.outside]) run('ip', ['netns', 'add', name]);
    this.makeLinks();
    this.probe = PacketProbe.open({ netns: this.outside });
    for (const netdev of this.netdevs) {
      this.macs.set(netdev, linkMac(this.router, netdev));
    }
    this.load(this.ruleset.whole());
    this.xpu.store.onCommit((commit) => {
      this.pending += this.ruleset.change(commit);
    });
    return this;
  }

  /** Loads what was committed meanwhile, as one transaction. */
  load(text = this.pending): void {
    if (text === this.pending) this.pending = '';
    if (text === '') return;
    const args = ['netns', 'exec', this.router, 'nft', '-f', '-'];
    const { status, stderr } = spawnSync('ip', args, { input: text, encoding: 'utf8' });
    if (status !== 0)
      throw new Error(`nft refused:\n${stderr.slice(0, 2000)}\n${text.slice(0, 20_000)}`);
  }

  /** Replaces the whole table. */
  reload(): void {
    this.pending = '';
    this.load(this.ruleset.whole());
  }

  /** Ends the namespaces. */
  close(): void {
    this.probe?.close();
    for (const name of [this.router, this.outside]) {
      spawnSync('ip', ['netns', 'del', name]);
    }
  }

  /** Runs a program in the router's namespace. */
  run(...command: readonly string[]): string {
    return run('ip', ['netns', 'exec', this.router, ...command]);
  }

  /** Runs a program in the router's namespace to whatever end. */
  try(...command: readonly string[]): { readonly stdout: string } {
    const { stdout } = spawnSync('ip', ['netns', 'exec', this.router, ...command], {
      encoding: 'utf8',
    });
    return { stdout };
  }

  /** Forgets all connections of the kernel. */
  flushFlows(): void {
    this.run('conntrack', '-F');
  }

  /** Counters of the kernel. */
  counters(): Map<string, Count> {
    return parseCounters(this.run('nft', '-j', 'list', 'counters'), TABLE_NAME);
  }

  /** Sends packets in this order: the port each came out at, `nowhere` if at none. */
  async exits(sends: readonly (readonly [PortRef, PacketFields])[]): Promise<string[]> {
    this.load();
    const outcomes = await this.opened().exchange(
      sends.map(([entry, fields]) => this.send(entry, fields)),
    );
    return outcomes.map(({ arrivals }) => {
      const ports = arrivals.map(({ via }) => PORT_OF[via] ?? via);
      return ports.length === 0 ? 'nowhere' : ports.join('+');
    });
  }

  /** Sends one packet: `allow PORT`, or `deny REASON` as the kernel counted it. */
  async fate(entry: PortRef, fields: PacketFields): Promise<string> {
    this.load();
    const before = this.counters();
    const [exit = 'nowhere'] = await this.exits([[entry, fields]]);
    if (exit !== 'nowhere') return `allow ${exit}`;
    const after = this.counters();
    const counted = [...after].filter(
      ([name, { packets }]) => packets > (before.get(name)?.packets ?? 0),
    );
    const totals = counted.map(([name]) => name).filter((name) => name.startsWith('total/'));
    return `deny ${totals.map((name) => name.replace('total/drop/', '')).join('+')}`;
  }

  /** What the packet walk in memory says of a first packet, in the words of `exits`. */
  walk(entry: PortRef, fields: PacketFields): { exit: string; reason: string } {
    const options = { fresh: true, commit: false, count: false };
    const passage = this.xpu.dataPlane.walk(entry, packetOf(fields), options);
    const { verdict, exit, dropReason } = passage;
    if (verdict === 'DENY') return { exit: 'nowhere', reason: dropReason ?? '' };
    return { exit: exit?.kind === 'vnic' ? exit.id : (exit?.kind ?? ''), reason: '' };
  }

  private opened(): PacketProbe {
    if (this.probe === undefined) throw new Error('the node is not open');
    return this.probe;
  }

  private send(entry: PortRef, fields: PacketFields): ProbeSend {
    const via = NETDEV_OF[entry.kind === 'vnic' ? `vnic ${entry.id}` : entry.kind] ?? nameOf(entry);
    return { via, destinationMac: this.macs.get(via) ?? '', packet: packetSpec(packetOf(fields)) };
  }

  private makeLinks(): void {
    const { router, outside } = this;
    this.run('sysctl', '-qw', ...ROUTER_SYSCTLS);
    run('ip', ['netns', 'exec', outside, 'sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1']);
    const lines: string[] = ['link set lo up'];
    for (const netdev of this.netdevs) {
      lines.push(`link add ${netdev} type veth peer name ${netdev} netns ${outside}`);
      lines.push(`link set ${netdev} up`);
    }
    batch(router, lines);
    batch(
      outside,
      this.netdevs.map((netdev) => `link set ${netdev} up`),
    );
    const hops = Object.entries(this.more).map(
      ([netdev, prefix], index) => [prefix, `169.254.78.${index + 1}`, netdev] as const,
    );
    batch(
      router,
      routerLines((netdev) => linkMac(outside, netdev), [...HOPS, ...hops]),
    );
  }
}

const ROUTER_SYSCTLS = [
  'net.ipv4.ip_forward=1',
  'net.ipv4.conf.all.rp_filter=0',
  'net.ipv4.conf.default.rp_filter=0',
  'net.ipv4.conf.all.send_redirects=0',
  'net.ipv4.conf.default.send_redirects=0',
  'net.ipv4.icmp_ratelimit=0',
  'net.ipv6.conf.all.forwarding=1',
  'net.ipv6.conf.default.forwarding=1',
  'net.ipv6.conf.default.accept_dad=0',
  'net.netfilter.nf_conntrack_checksum=0',
];

/** Addresses of the node, the wire behind the uplink, and remote pods behind the tunnel. */
const ROUTES: readonly (readonly [string, string])[] = [
  [POD_A, 'cali-a'],
  [POD_A6, 'cali-a'],
  [POD_B, 'cali-b'],
  [POD_B6, 'cali-b'],
  [HOST, 'host0'],
  [HOST6, 'host0'],
];
const HOPS: readonly (readonly [string, string, string])[] = [
  ['default', '169.254.77.1', 'up0'],
  ['10.66.0.0/16', '169.254.77.2', 'vx4096'],
  ['::/0', 'fe80::77:1', 'up0'],
  ['fd00:66::/64', 'fe80::77:2', 'vx4096'],
];

function routerLines(macOf: (netdev: string) => string, hops: typeof HOPS): string[] {
  const neighbour = (ip: string, netdev: string): string =>
    `neigh replace ${ip} lladdr ${macOf(netdev)} dev ${netdev} nud permanent`;
  return [
    'addr add 10.65.0.254/32 dev lo',
    `addr add ${VTEP_ADDRESS[4]}/32 dev lo`,
    `addr add ${VTEP_ADDRESS[6]}/128 dev lo`,
    ...ROUTES.flatMap(([ip, netdev]) => [`route add ${ip} dev ${netdev}`, neighbour(ip, netdev)]),
    ...hops.flatMap(([prefix, hop, netdev]) => [
      `route add ${prefix} via ${hop} dev ${netdev} onlink`,
      neighbour(hop, netdev),
    ]),
  ];
}

/** A netdev beside those of the node. */
function nameOf(port: PortRef): string {
  return port.kind === 'vnic' ? port.id : port.kind;
}

/** The packet as the lab builds it; an ICMP error carries the head of what it quotes. */
export function packetSpec(packet: Packet): PacketSpec {
  const { source, destination, protocol, icmp, quoted } = packet;
  return {
    source: source.text,
    destination: destination.text,
    protocol,
    sourcePort: packet.sourcePort,
    destinationPort: packet.destinationPort,
    tcp: { flags: packet.tcpFlags },
    ...(icmp === undefined
      ? {}
      : {
          icmp: {
            ...icmp,
            ...(quoted === undefined ? {} : { quoted: buildPacket(packetSpec(quoted)) }),
          },
        }),
  };
}

function linkMac(netns: string, netdev: string): string {
  const text = run('ip', ['-n', netns, '-j', 'link', 'show', netdev]);
  const [link] = JSON.parse(text) as readonly { readonly address: string }[];
  return link?.address ?? '';
}

function batch(netns: string, lines: readonly string[]): void {
  execFileSync('ip', ['-n', netns, '-batch', '-'], { input: `${lines.join('\n')}\n` });
}

function run(program: string, args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
