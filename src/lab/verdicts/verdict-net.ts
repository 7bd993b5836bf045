/**
 * Two namespaces for a verdict run: the XPU's with its uplink, and one in which all other ends are, where probes are sent
 * and caught. Nothing there has an address: what an XPU has to know of its neighbours is told to it. I/O edge.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseIp } from '../../base/ip.js';
import { namespaceFile } from '../../netlink/netns.js';
import { runCommand } from '../../soft-xpu/linux/command.js';
import { LabError } from '../nodes/errors.js';
import { addNamespaces, commandsIn, deleteNamespaces, wire } from '../nodes/kernel.js';
import { namespaceNames } from '../nodes/names.js';
import type { Neighbours } from './neighbours.js';
import { WIRE_INTERFACE } from './probe-frames.js';

/** The uplink in the XPU's namespace: Felix's host endpoints are of an interface of this name. */
export const UPLINK_INTERFACE = 'eth0';

/** Next hops of all that no route is told for; link-local, so that they can be nobody else. */
const GATEWAYS = ['169.254.64.254', 'fe80::fe'];
/** Runs of one process that have names of their own. */
const RUNS_MAX = 36 ** 2;
const LINKS_MS_MAX = 30_000;
const POLL_MS = 10;

/** What `ip -j link show` tells of an interface. */
interface LinkState {
  readonly ifname: string;
  readonly address: string;
  readonly flags: readonly string[];
  readonly operstate: string;
}

let runs = 0;

/** A name as labs have it, which no other run on this machine has: `lab down --all` removes what a killed run left. */
export function runName(): string {
  const number = (runs++ % RUNS_MAX).toString(36).padStart(2, '0');
  return `v${process.pid.toString(36)}${number}`;
}

/** See the file head. */
export class VerdictNet {
  /** Namespace of the XPU. */
  readonly xpu: string;
  /** Namespace of everybody else. */
  readonly outside: string;
  private behind = new Map<string, LinkState>();

  constructor(run: string, node: string) {
    this.xpu = namespaceNames.xpu(run, node);
    this.outside = namespaceNames.wire(run);
  }

  /** Makes the namespaces and the uplink. Fails with `LabError`. */
  async build(): Promise<void> {
    await addNamespaces([this.xpu, this.outside]);
    await wire({
      namespace: this.outside,
      links: [],
      sysctls: [
        ['ipv6/conf/all/disable_ipv6', 1],
        ['ipv6/conf/default/disable_ipv6', 1],
      ],
      commands: [],
    });
    await wire({
      namespace: this.xpu,
      links: [
        `link add name ${UPLINK_INTERFACE} type veth peer name ${WIRE_INTERFACE} netns ${this.outside}`,
      ],
      sysctls: [
        ['ipv4/ip_forward', 1],
        // Frames have the right ones, which Linux takes for wrong in UDP-Lite: it sums them up as if they were UDP.
        ['netfilter/nf_conntrack_checksum', 0],
        ['ipv4/conf/all/rp_filter', 0],
        [`ipv4/conf/${UPLINK_INTERFACE}/rp_filter`, 0],
        ['ipv6/conf/all/forwarding', 1],
        [`ipv6/conf/${UPLINK_INTERFACE}/accept_dad`, 0],
      ],
      commands: ['link set dev lo up', `link set dev ${UPLINK_INTERFACE} up`],
    });
    await commandsIn(this.outside, [`link set dev ${WIRE_INTERFACE} up`]);
    await this.look();
    await this.tellNeighbours([{ ifname: WIRE_INTERFACE, addresses: GATEWAYS }]);
    await commandsIn(
      this.xpu,
      GATEWAYS.map(
        (one) => `route add ${everything(one)} via ${one} dev ${UPLINK_INTERFACE} onlink`,
      ),
    );
  }

  /** Whoever is at the other ends has these addresses. Ports that are not there are passed over. Fails with `LabError`. */
  async tellNeighbours(neighbours: readonly Neighbours[]): Promise<void> {
    const links = await this.linksOf(this.outside);
    const commands = neighbours.flatMap(({ ifname, addresses }) => {
      const mac = links.get(ifname)?.address;
      const entry = `lladdr ${mac} dev ${nameInXpu(ifname)} nud permanent`;
      return mac === undefined ? [] : addresses.map((one) => `neigh replace ${one} ${entry}`);
    });
    await commandsIn(this.xpu, commands);
  }

  /** Brings every end up that was made meanwhile, and waits until all can carry packets. Fails with `LabError`. */
  async bringUp(): Promise<void> {
    const deadline = performance.now() + LINKS_MS_MAX;
    const outside = await this.linksOf(this.outside);
    const down = [...outside.values()].filter(
      ({ ifname, flags }) => ifname !== 'lo' && !flags.includes('UP'),
    );
    await commandsIn(
      this.outside,
      down.map(({ ifname }) => `link set dev ${ifname} up`),
    );
    for (;;) {
      const late = await this.look();
      if (late.length === 0) return;
      if (performance.now() > deadline) {
        const names = late.map(({ ifname }) => ifname).join(', ');
        throw new LabError({ code: 'kernel', op: 'bring links up', message: `${names} stay down` });
      }
      await delay(POLL_MS);
    }
  }

  /** MAC address of the XPU's end of an interface; `undefined` where there is none, or it is down. */
  macBehind(ifname: string): string | undefined {
    const link = this.behind.get(nameInXpu(ifname));
    return link?.flags.includes('LOWER_UP') === true ? link.address : undefined;
  }

  /** The XPU forgets every connection, be it of an object or not. Fails with `LabError`. */
  async flushConnections(): Promise<void> {
    await this.read(this.xpu, ['conntrack', '-F']);
  }

  /** Removes both namespaces and everything in them, made or not. Fails with `LabError`. */
  async remove(): Promise<void> {
    await deleteNamespaces([this.xpu, this.outside]);
  }

  /** Looks at both ends of all; gives those that have a carrier but do not send yet. */
  private async look(): Promise<LinkState[]> {
    this.behind = await this.linksOf(this.xpu);
    const outside = await this.linksOf(this.outside);
    return [...this.behind.values(), ...outside.values()].filter(
      ({ flags, operstate }) => flags.includes('LOWER_UP') && operstate === 'DOWN',
    );
  }

  private async linksOf(namespace: string): Promise<Map<string, LinkState>> {
    const text = await this.read(namespace, ['ip', '-j', 'link', 'show']);
    return new Map((JSON.parse(text) as LinkState[]).map((link) => [link.ifname, link]));
  }

  private async read(namespace: string, command: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await runCommand(namespaceFile(namespace), command);
    if (code === 0) return stdout;
    throw new LabError({ code: 'kernel', op: command.join(' '), message: stderr.trim() });
  }
}

/** What the other end of an interface is called. */
function nameInXpu(ifname: string): string {
  return ifname === WIRE_INTERFACE ? UPLINK_INTERFACE : ifname;
}

function everything(address: string): string {
  return parseIp(address)?.family === 6 ? '::/0' : '0.0.0.0/0';
}
