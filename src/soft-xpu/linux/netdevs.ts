/** Which netdev stands for an Interface. Pure. */
import { isLinkInMaking } from './names.js';

/** Netdevs that exist already: a table, and a pattern for what is not in it. */
export interface ForeignNetdevs {
  /** Netdev by ifname. */
  readonly table: ReadonlyMap<string, string>;
  /** `{ifname}`, `{pf}` and `{vf}` stand for the Interface's name and the numbers in it (`host{pf}-{vf}`). */
  readonly pattern: string | undefined;
}

/** Numbers of physical and virtual functions that names are made of: 0 to these, exclusive. */
const [PF_MAX, VF_MAX] = [8, 256];

/** Longest name of a netdev, characters. */
const NAME_MAX = 15;

/**
 * Netdev of an Interface; undefined if there can be none: such a port is closed. Names that are taken by what is not a
 * representor, and those that are no names to the kernel, stand for no netdev.
 */
export function netdevOf(
  ifname: string,
  foreign: ForeignNetdevs | undefined,
  uplink: string | undefined,
): string | undefined {
  const name = foreign === undefined ? ifname : foreignName(ifname, foreign);
  if (name === undefined || name.length > NAME_MAX || !/^[\w.:@+=,-]+$/.test(name))
    return undefined;
  const taken = ['.', '..', 'lo', 'all', 'default', uplink].includes(name) || isLinkInMaking(name);
  return taken || /^vx\d+(-6)?$/.test(name) ? undefined : name;
}

function foreignName(ifname: string, { table, pattern }: ForeignNetdevs): string | undefined {
  const listed = table.get(ifname);
  if (listed !== undefined || pattern === undefined) return listed;
  const [, pf, vf] = /(\d+)\D+(\d+)$/.exec(ifname) ?? [];
  if (/\{[pv]f\}/.test(pattern) && vf === undefined) return undefined;
  return pattern
    .replaceAll('{ifname}', ifname)
    .replaceAll('{pf}', pf ?? '')
    .replaceAll('{vf}', vf ?? '');
}

/**
 * Netdevs that are representors whether or not an Interface speaks of them: those of the table, and those that the pattern
 * gives for every function there can be. Ports nobody has described yet, or any more, are closed by these names.
 */
export function reservedNetdevs(foreign: ForeignNetdevs, uplink: string | undefined): Set<string> {
  const ifnames = [...foreign.table.keys()];
  if (foreign.pattern !== undefined) {
    for (let pf = 0; pf < PF_MAX; pf += 1) {
      for (let vf = 0; vf < VF_MAX; vf += 1) ifnames.push(`host${pf}-${vf}`);
    }
  }
  return new Set(ifnames.flatMap((ifname) => netdevOf(ifname, foreign, uplink) ?? []));
}

/** Table of a text `IFNAME=NETDEV,...`. Throws RangeError naming the entry that cannot be read. */
export function parseNetdevs(text: string): Map<string, string> {
  return new Map(
    text.split(',').map((entry) => {
      const [, ifname, netdev] = /^([^=]+)=([^=]+)$/.exec(entry.trim()) ?? [];
      if (ifname === undefined || netdev === undefined) {
        throw new RangeError(`--netdevs ${entry}: not IFNAME=NETDEV`);
      }
      return [ifname, netdev];
    }),
  );
}
