/** A whole XPU in a Linux network namespace: an object store with a linux data plane that follows it. No sockets. */
import { randomBytes } from 'node:crypto';
import { hashText } from '../base/hash.js';
import { canonicalJson } from '../base/json.js';
import { systemClock, type Clock } from '../base/clock.js';
import { silentLogger, type Logger } from '../base/log.js';
import { Connections } from './linux/connections.js';
import { LinuxDataPlane } from './linux/data-plane.js';
import { LinuxError } from './linux/errors.js';
import { Kernel } from './linux/kernel.js';
import { LinkWatch } from './linux/link-watch.js';
import {
  beginRouting,
  deleteNamespace,
  endRouting,
  ensureNamespace,
  existingNamespace,
  isOwnNamespace,
  namespaceExists,
  prepareRouter,
  processNamespacePath,
  requireForwarding,
} from './linux/namespace.js';
import { CONNECTION_MARK, DOMAIN_NUMBER_MAX, domainZone, TABLE_NAME } from './linux/names.js';
import { netdevOf, reservedNetdevs, type ForeignNetdevs } from './linux/netdevs.js';
import { DomainNumbers } from './linux/network/domains.js';
import { DEFAULT_MTU, type Uplink } from './linux/network/contributions.js';
import { Network, type LinkState } from './linux/network/network.js';
import { stepsOf } from './linux/network/steps.js';
import {
  itemsInPlace,
  observeNetwork,
  readLinks,
  readSetNames,
  readTablePosition,
  readUnderlay,
} from './linux/observe.js';
import { Ruleset } from './linux/ruleset/ruleset.js';
import type { SavedState } from './linux/saved-state.js';
import { watchTable } from './linux/table-watch.js';
import { StateFile } from './linux/state-file.js';
import {
  Transactions,
  type TransactionParts,
  type TransactionStart,
} from './linux/transactions.js';
import { MemoryDataPlane } from './memory/data-plane.js';
import { loadStore } from './store/dump.js';
import type { Limits } from './store/limits.js';
import { ObjectStore } from './store/object-store.js';
import type { Xpu } from './xpu.js';

/** Where an XPU lives. */
export interface LinuxPlace {
  /** Name of the XPU's network namespace, made if it is missing; absent = our own, which needs `foreign`. */
  readonly netns?: string;
  /** Name of the namespace where VF ends are made; default our own. */
  readonly hostNetns?: string;
  /** Netdev of the wire. */
  readonly uplink?: string;
  /** Representors exist already. */
  readonly foreign?: ForeignNetdevs;
  /** Folder of the state file. */
  readonly stateDir: string;
}

/** How an XPU behaves. */
export interface LinuxXpuOptions extends LinuxPlace {
  /** Table sizes; default unlimited but for what numbers there are for Vpcs. */
  readonly limits?: Limits;
  /** Offers the network/k8s extension; default true. */
  readonly extension?: boolean;
  /** SecurityPolicies may use COMPACT rules; default true. */
  readonly compactRules?: boolean;
  /** Default the real clock. */
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** Version of the program: a ruleset that another one has written is replaced at the start. */
  readonly program?: string;
  /** Gives boot ids and upload tokens: texts nobody can guess. Default 16 random bytes in hex. */
  readonly newToken?: () => string;
}

/** An XPU whose data plane is the kernel's. */
export interface LinuxXpu extends Xpu {
  readonly dataPlane: LinuxDataPlane;
  /** Lets go of it. Everything stays in force. */
  close(): Promise<void>;
}

const UPLOAD_LIFETIME_MS = 300_000;
const UPLOAD_MEMBERS_MAX = 4_000_000;

/**
 * Takes an XPU over as its state file says, or makes a new one. Resolves when the kernel has it. Rejects with LinuxError.
 */
export async function createLinuxXpu(options: LinuxXpuOptions): Promise<LinuxXpu> {
  const stateFile = await StateFile.open(options.stateDir);
  try {
    return await new Assembly(options, stateFile).run();
  } catch (error) {
    stateFile.close();
    throw error;
  }
}

/** The kernel of a place. */
async function kernelOf(place: LinuxPlace): Promise<Kernel> {
  const { netns, hostNetns, foreign } = place;
  if (netns === undefined && foreign === undefined) {
    const message = 'an XPU of our own making needs a namespace of its own';
    throw new LinuxError({ code: 'namespace', op: 'make XPU', message });
  }
  return new Kernel({
    netns: netns === undefined ? undefined : await ensureNamespace(netns),
    hostNetns: hostNetns === undefined ? undefined : existingNamespace(hostNetns),
  });
}

/**
 * Takes away everything of an XPU whose server has ended: netdevs, routes, ruleset, state, and the namespace if it was
 * made for it. What is not there is no failure. Rejects with LinuxError, `in_use` if the server still runs.
 */
export async function removeLinuxXpu(options: LinuxPlace): Promise<void> {
  // Where VFs were made may be gone already, and nothing is made any more.
  const { hostNetns: _, ...place } = options;
  const { netns, foreign, stateDir } = place;
  const stateFile = await StateFile.open(stateDir);
  try {
    if (netns === undefined ? foreign !== undefined : namespaceExists(netns)) {
      // Also where the namespace goes: that would take its netdevs along some time later.
      await new Assembly(place, stateFile).clear();
    }
    if (netns !== undefined && (await isOwnNamespace(netns))) await deleteNamespace(netns);
    stateFile.remove();
  } finally {
    stateFile.close();
  }
}

/** Characters of the hash that stands for a shape. */
const SHAPE_CHARS = 26;

/** How a data plane begins. */
interface Beginning extends TransactionStart {
  readonly saved: SavedState | undefined;
  /** Sets of the table that is taken over. */
  readonly sets: readonly string[];
}

/** The parts of an XPU on their way to each other. Use once. */
class Assembly {
  private readonly options: LinuxXpuOptions;
  private readonly stateFile: StateFile;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly newToken: () => string;
  private readonly domains = new DomainNumbers();
  private readonly extension: boolean;
  /** Interfaces without a netdev, each told once. */
  private readonly nameless = new Set<string>();

  constructor(options: LinuxXpuOptions, stateFile: StateFile) {
    this.options = options;
    this.stateFile = stateFile;
    this.clock = options.clock ?? systemClock;
    this.logger = options.logger ?? silentLogger;
    this.newToken = options.newToken ?? (() => randomBytes(16).toString('hex'));
    this.extension = options.extension ?? true;
  }

  async run(): Promise<LinuxXpu> {
    const { options, clock, newToken, domains, extension } = this;
    const kernel = await kernelOf(options);
    const foreign = options.foreign !== undefined;
    if (foreign) await requireForwarding(kernel);
    else await prepareRouter(kernel);
    const start = await this.begin(kernel);
    const { bootId, saved } = start;
    const store = this.emptyStore();
    const walk = new MemoryDataPlane({ store, clock, extension, bootId, flowsMax: 0 });
    if (saved !== undefined) this.restore(store, saved);
    store.limits = limitsOf(options.limits);
    const network = await this.network(kernel, store);
    const connections = new Connections(kernel);
    const transactions = this.transactions({ store, kernel, network, connections }, start);
    const endWatch = this.watch(kernel, network, transactions);
    const close = async (): Promise<void> => {
      endWatch();
      await transactions.close();
      this.stateFile.close();
    };
    try {
      // What is refused of single objects must not keep anybody from changing them.
      await transactions.settled([]);
      if (!foreign) await beginRouting(kernel);
    } catch (error) {
      await close();
      throw error;
    }
    const parts = { store, bootId, kernel, domains, connections, transactions, walk, foreign };
    return { store, dataPlane: new LinuxDataPlane(parts), clock, newToken, close };
  }

  /** What life this is: the one that the state file tells of, as long as the kernel has our table, or a new one. */
  private async begin(kernel: Kernel): Promise<Beginning> {
    const position = await readTablePosition(kernel);
    const saved = position === undefined ? undefined : this.stateFile.load();
    // Connections of an earlier life were judged by nobody.
    if (saved === undefined && this.options.foreign === undefined) {
      await new Connections(kernel).flush();
    }
    const shape = this.shape();
    const inStep = saved !== undefined && saved.position === position && saved.shape === shape;
    return {
      saved,
      sets: inStep ? await readSetNames(kernel) : [],
      bootId: saved?.bootId ?? this.newToken(),
      shape,
      position: position ?? 0,
      generation: saved?.generation ?? 0,
      left: saved?.left ?? [],
      inStep,
    };
  }

  /** What the ruleset depends on beside the objects: one of another shape is replaced. */
  private shape(): string {
    const { program = '', uplink, foreign } = this.options;
    const netdevs = foreign && { table: foreign.table, pattern: foreign.pattern };
    const { extension } = this;
    return hashText(canonicalJson({ program, uplink, extension, netdevs }), SHAPE_CHARS);
  }

  private transactions(
    parts: Pick<TransactionParts, 'store' | 'kernel' | 'network'> & { connections: Connections },
    start: Beginning,
  ): Transactions {
    const { domains, stateFile, clock, logger } = this;
    const { store, kernel, network, connections } = parts;
    const transactions = new Transactions(
      {
        store,
        clock,
        logger,
        kernel,
        network,
        domains,
        ruleset: this.ruleset(store, start),
        stateFile,
        observe: () => observeNetwork(kernel, network),
        lookAround: () => this.lookAround(kernel, network),
        tablePosition: () => readTablePosition(kernel),
        forgetFlows: (addresses) =>
          connections.forgetAddresses(
            addresses.map(({ domain, ip }) => ({ zone: domainZone(domain), ip })),
          ),
      },
      start,
    );
    store.onCommit((commit) => transactions.note(commit));
    return transactions;
  }

  /** Routes go before rules, so that nothing moves that no rule speaks of. */
  async clear(): Promise<void> {
    const kernel = await kernelOf(this.options);
    if (this.options.foreign === undefined) await endRouting(kernel);
    const store = this.emptyStore();
    const saved = this.stateFile.load();
    if (saved !== undefined) this.restore(store, saved);
    const network = await this.network(kernel, store);
    const items = await itemsInPlace(kernel, network);
    const { before } = stepsOf(
      items.map((item) => ({ id: item.id, before: item, after: undefined })),
    );
    const { refused } = await kernel.take(before);
    const message = refused.map(({ complaint }) => complaint).join('; ');
    if (message !== '') throw new LinuxError({ code: 'refused', op: 'remove network', message });
    for (const family of ['netdev', 'arp', 'inet']) {
      const table = `table ${family} ${TABLE_NAME}`;
      await kernel.nft(`add ${table}\ndelete ${table}\n`);
    }
  }

  private emptyStore(): ObjectStore {
    const { clock, newToken, options } = this;
    return new ObjectStore({
      clock,
      newToken,
      limits: {},
      compactRules: options.compactRules ?? true,
      uploadLifetimeMs: UPLOAD_LIFETIME_MS,
      uploadMembersMax: UPLOAD_MEMBERS_MAX,
    });
  }

  private restore(store: ObjectStore, saved: SavedState): void {
    this.domains.restore(saved.domains);
    loadStore(store, saved.dump);
    this.logger.info({ bootId: saved.bootId, position: saved.position }, 'state taken over');
  }

  private async network(kernel: Kernel, store: ObjectStore): Promise<Network> {
    const { hostNetns, uplink } = this.options;
    const links = await readLinks(kernel);
    if (uplink !== undefined && !links.has(uplink)) {
      this.logger.warn({ uplink }, 'the uplink is not there; it is waited for');
    }
    const network = new Network(store, this.domains, {
      netdevOf: (ifname) => this.netdevOf(ifname),
      foreign: this.options.foreign !== undefined,
      hostNetns:
        hostNetns === undefined ? processNamespacePath(process.pid) : existingNamespace(hostNetns),
      uplink: this.uplinkOf(links),
      underlay: await readUnderlay(kernel),
    });
    network.followAll();
    return network;
  }

  private ruleset(store: ObjectStore, { generation, sets }: Beginning): Ruleset {
    const { options, domains, extension } = this;
    const ruleset = new Ruleset(store, {
      netdevOf: (ifname) => this.netdevOf(ifname),
      uplink: options.uplink,
      vpcNumber: (vpcId) => domains.take(vpcId),
      foreign: options.foreign !== undefined,
      ...(options.foreign && { reserved: reservedNetdevs(options.foreign, options.uplink) }),
      extension,
      // As if this process had followed every commit so far.
      generation: generation === 0 ? 0 : ((generation - 1) % CONNECTION_MARK.generationMask) + 1,
    });
    // Changes are told against what the store holds now, whether the kernel has it already or will get it whole.
    ruleset.whole(sets);
    return ruleset;
  }

  private async lookAround(kernel: Kernel, network: Network): Promise<void> {
    const links = await readLinks(kernel);
    network.setUplink(this.uplinkOf(links));
    network.setUnderlay(await readUnderlay(kernel));
    network.look(links);
  }

  /** Watches what others do to the namespace. Gives what ends that. */
  private watch(kernel: Kernel, network: Network, transactions: Transactions): () => void {
    const { clock, logger } = this;
    const place = { netns: kernel.netns, clock, logger };
    const isOwn = (device: string): boolean => network.inPlace(`link ${device}`) !== undefined;
    const watches = [
      new LinkWatch({ ...place, isOwn, listener: () => transactions.lookAround() }),
      watchTable({ ...place, listener: () => transactions.doubtTable() }),
    ];
    return () => watches.forEach((watch) => watch.close());
  }

  private netdevOf(ifname: string): string | undefined {
    const netdev = netdevOf(ifname, this.options.foreign, this.options.uplink);
    if (netdev === undefined && !this.nameless.has(ifname)) {
      this.nameless.add(ifname);
      this.logger.warn({ ifname }, 'no netdev stands for this interface: its port is closed');
    }
    return netdev;
  }

  private uplinkOf(links: ReadonlyMap<string, LinkState>): Uplink | undefined {
    const { uplink: name } = this.options;
    return name === undefined ? undefined : { name, mtu: links.get(name)?.mtu ?? DEFAULT_MTU };
  }
}

/** Vpcs beyond those that have a number are refused as any full table refuses. */
function limitsOf(limits: Limits = {}): Limits {
  return { ...limits, vpc: Math.min(limits.vpc ?? DOMAIN_NUMBER_MAX, DOMAIN_NUMBER_MAX) };
}
