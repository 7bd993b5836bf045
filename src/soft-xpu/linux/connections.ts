/** The kernel's tracked connections, by the `conntrack` program. I/O edge. */
import { PROTOCOL } from '../memory/packet.js';
import { LinuxError } from './errors.js';
import type { IdleTimeouts } from '../memory/conntrack.js';
import {
  parseConnections,
  TIMEOUT_PATHS,
  timeoutSettings,
  type ConnectionEntry,
  type TimeoutValues,
} from './conntrack-text.js';
import { readSettings } from './namespace.js';
import type { Kernel } from './kernel.js';

/** Deletions that run at a time. */
const PARALLEL_MAX = 4;

/** An address in a connection tracking zone. */
export interface ZonedAddress {
  readonly zone: number;
  readonly ip: string;
}

/** See the file head. */
export class Connections {
  private readonly kernel: Kernel;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }

  /** Every connection of both families. */
  async list(): Promise<ConnectionEntry[]> {
    const listings = await Promise.all(
      ['ipv4', 'ipv6'].map((family) => this.run(['-L', '-f', family, '-o', 'extended,id'])),
    );
    return listings.flatMap(parseConnections);
  }

  /** Number of connections. */
  async count(): Promise<number> {
    return Number((await this.run(['-C'])).trim());
  }

  /** Idle times in force. */
  async timeouts(): Promise<TimeoutValues> {
    const settings = await readSettings(this.kernel, TIMEOUT_PATHS);
    return new Map(
      [...settings].map((setting) => {
        const equals = setting.indexOf('=');
        return [setting.slice(0, equals), Number(setting.slice(equals + 1))];
      }),
    );
  }

  /** Sets the kernel's idle times, for connections whose next packet comes after it. */
  async setIdleTimeouts(timeouts: IdleTimeouts): Promise<void> {
    await this.kernel.read(['sysctl', '-q', '-w', ...timeoutSettings(timeouts)]);
  }

  /** Forgets everything. */
  async flush(): Promise<void> {
    await this.run(['-F']);
  }

  /**
   * Forgets the connections that are from or to these addresses. Every call of the program reads the whole table: of many
   * addresses only those are gone through that have a connection at all.
   */
  async forgetAddresses(addresses: readonly ZonedAddress[]): Promise<void> {
    const [first, ...more] = addresses;
    if (first === undefined) return;
    const used = more.length === 0 ? addresses : usedBy(await this.list(), addresses);
    const sides = used.flatMap((address) =>
      ['--orig-src', '--orig-dst'].map((side) => ({ ...address, side })),
    );
    await inParallel(sides, ({ zone, ip, side }) => {
      const family = ip.includes(':') ? 'ipv6' : 'ipv4';
      return this.run(['-D', '-f', family, '-w', String(zone), side, ip]);
    });
  }

  /** Forgets these connections and gives the number of those that were still there. */
  async forget(entries: readonly ConnectionEntry[]): Promise<number> {
    let count = 0;
    await inParallel(entries, async (entry) => {
      if (await this.forgetOne(entry)) count += 1;
    });
    return count;
  }

  private async forgetOne({ family, protocol, zone, original }: ConnectionEntry): Promise<boolean> {
    const { source, destination, sourcePort, destinationPort, icmp } = original;
    const argv = ['-D', '-f', `ipv${family}`, '-w', String(zone), '-p', protocolName(protocol)];
    argv.push('--orig-src', source, '--orig-dst', destination);
    if (icmp !== undefined) {
      const name = `--${protocolName(protocol)}`;
      argv.push(`${name}-type`, String(icmp.type), `${name}-code`, String(icmp.code));
      argv.push(`${name}-id`, String(icmp.id));
    } else if (sourcePort !== 0 || destinationPort !== 0) {
      argv.push('--sport', String(sourcePort), '--dport', String(destinationPort));
    }
    return (await this.run(argv)) !== '';
  }

  /** Ends with 1 and a word about 0 entries where nothing was found: that is no failure. */
  private async run(args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.kernel.run(['conntrack', ...args]);
    if (code === 0 || /\b0 flow entries/.test(stderr)) return stdout;
    const message = stderr.trim().split('\n').at(-1) ?? '';
    throw new LinuxError({ code: 'command', op: `run conntrack ${args.join(' ')}`, message });
  }
}

function usedBy(
  entries: readonly ConnectionEntry[],
  addresses: readonly ZonedAddress[],
): ZonedAddress[] {
  const used = new Set<string>();
  for (const { zone, original } of entries) {
    used.add(`${zone} ${original.source}`).add(`${zone} ${original.destination}`);
  }
  return addresses.filter(({ zone, ip }) => used.has(`${zone} ${ip}`));
}

/** Options of a protocol are only known together with its name. */
function protocolName(protocol: number): string {
  return PROTOCOL_NAMES.get(protocol) ?? String(protocol);
}

const PROTOCOL_NAMES: ReadonlyMap<number, string> = new Map([
  [PROTOCOL.icmp, 'icmp'],
  [PROTOCOL.icmpv6, 'icmpv6'],
  [PROTOCOL.tcp, 'tcp'],
  [PROTOCOL.udp, 'udp'],
  [PROTOCOL.sctp, 'sctp'],
]);

/** Rejects with the first failure when everything that was begun has ended: nothing runs on behind the caller's back. */
async function inParallel<T>(
  items: readonly T[],
  action: (item: T) => Promise<unknown>,
): Promise<void> {
  const rest = [...items];
  const work = async (): Promise<void> => {
    try {
      for (let item = rest.shift(); item !== undefined; item = rest.shift()) await action(item);
    } catch (error) {
      rest.length = 0;
      throw error;
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: PARALLEL_MAX }, work));
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}
