/** Asks the kernel for its network state. I/O edge. */
import type { Kernel } from './kernel.js';
import { POSITION_CHAIN_PREFIX, ROUTE_PROTOCOL, TABLE_NAME } from './names.js';
import { readSettings } from './namespace.js';
import type { NetItem } from './network/item.js';
import type { LinkState, Network } from './network/network.js';
import { linksOf, observedItems, type KernelListing } from './network/observed.js';
import { underlayRoutes, type UnderlayRoute } from './network/underlay.js';

/** Takes what the kernel holds as what is in place. */
export async function observeNetwork(kernel: Kernel, network: Network): Promise<void> {
  network.observe(await itemsInPlace(kernel, network));
}

/** What the kernel holds of a network: what it wants, and what is marked as ours. */
export async function itemsInPlace(kernel: Kernel, network: Network): Promise<NetItem[]> {
  const wanted = new Map<string, NetItem>();
  for (const item of network.items()) wanted.set(item.id, item);
  return observedItems(await listKernel(kernel, wanted), wanted);
}

/** The main table. */
export async function readUnderlay(kernel: Kernel): Promise<UnderlayRoute[]> {
  const [v4, v6] = await byFamily(kernel, ['route', 'show', 'table', 'main']);
  return underlayRoutes(v4, v6);
}

/** Netdevs by name. */
export async function readLinks(kernel: Kernel): Promise<Map<string, LinkState>> {
  const links = linksOf(await kernel.read(['ip', '-j', 'link', 'show']));
  return new Map(
    links.map(({ ifname, ifindex, mtu, flags }) => [
      ifname,
      { index: ifindex, mtu, up: flags.includes('UP') },
    ]),
  );
}

/**
 * The listing that `observedItems` reads. Families and tables that have nothing yet are errors to iproute2: such a part is
 * empty.
 */
async function listKernel(
  kernel: Kernel,
  wanted: ReadonlyMap<string, NetItem>,
): Promise<KernelListing> {
  const json = async (...argv: string[]): Promise<string> => (await kernel.run(argv)).stdout;
  return {
    links: await kernel.read(['ip', '-j', '-d', 'link', 'show']),
    addresses: await kernel.read(['ip', '-j', 'addr', 'show']),
    rules: await byFamily(kernel, ['rule', 'show']),
    routes: await byFamily(kernel, ['route', 'show', 'table', 'all', 'proto', `${ROUTE_PROTOCOL}`]),
    neighbours: await byFamily(kernel, ['neigh', 'show', 'nud', 'permanent']),
    proxies: await byFamily(kernel, ['neigh', 'show', 'proxy']),
    forwarding: await json('bridge', '-j', 'fdb', 'show'),
    ingress: await json('nft', '-j', 'list', 'chains', 'netdev'),
    sysctls: [...(await readSettings(kernel, sysctlPaths(wanted)))],
  };
}

async function byFamily(
  kernel: Kernel,
  argv: readonly string[],
): Promise<readonly [v4: string, v6: string]> {
  const read = async (family: string): Promise<string> =>
    (await kernel.run(['ip', family, '-j', '-N', ...argv])).stdout;
  return [await read('-4'), await read('-6')];
}

function sysctlPaths(wanted: ReadonlyMap<string, NetItem>): string[] {
  return [...wanted.values()].flatMap(({ kind, id }) =>
    kind === 'sysctl' ? id.slice('sysctl '.length) : [],
  );
}

interface ChainEntry {
  readonly chain?: { readonly table: string; readonly family: string; readonly name: string };
}

/** Number of the ruleset that our table is at; undefined if there is no such table. */
export async function readTablePosition(kernel: Kernel): Promise<number | undefined> {
  const text = await kernel.read(['nft', '-j', 'list', 'chains', 'inet']);
  const { nftables } = JSON.parse(text) as { readonly nftables: readonly ChainEntry[] };
  for (const { chain } of nftables) {
    if (chain?.table !== TABLE_NAME || !chain.name.startsWith(POSITION_CHAIN_PREFIX)) continue;
    return Number(chain.name.slice(POSITION_CHAIN_PREFIX.length));
  }
  return undefined;
}

interface SetEntry {
  readonly set?: { readonly name: string };
}

/** Names of the sets of our table, which must be there. */
export async function readSetNames(kernel: Kernel): Promise<string[]> {
  // Terse: without elements.
  const argv = ['nft', '-j', '-t', 'list', 'sets', 'table', 'inet', TABLE_NAME];
  const { nftables } = JSON.parse(await kernel.read(argv)) as { readonly nftables: SetEntry[] };
  return nftables.flatMap(({ set }) => set?.name ?? []);
}
