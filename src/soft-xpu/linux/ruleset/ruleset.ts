/**
 * The objects of the store as nftables text: whole, or what one commit changed. A commit recompiles only the units that
 * its objects touch; unchanged chains and elements of those are left alone. Pure: nothing is read but the store.
 */
import { OBJECT_KINDS } from '../../../opi/objects/key.js';
import type { Commit, ObjectStore } from '../../store/object-store.js';
import { CONNECTION_MARK } from '../names.js';
import { GroupSets } from './groups.js';
import { ObjectIndex } from './object-index.js';
import { ElementChanges } from './elements.js';
import { Table } from './table.js';
import { follow, reshape, type Followed, type Unit } from './touched.js';
import { arpTable, REPLACE_TABLE } from './transaction.js';
import { partOf, type UnitContext } from './units.js';

/** What only the network side knows. */
export interface RulesetPorts {
  /** Representor netdev of an Interface by its ifname; in a namespace of our own, the same name. */
  netdevOf(ifname: string): string | undefined;
  readonly uplink: string | undefined;
  /** Number of a routing domain, from 1. It must stay for as long as the Vpc does. */
  vpcNumber(vpcId: string): number;
  /**
   * True: netdevs that are not ours share the namespace, and what none of ours is concerned with meets no rule. False:
   * packets of unknown netdevs are dropped.
   */
  readonly foreign: boolean;
  /** Representors among netdevs that are not ours: those that no Interface speaks of are closed. Default none. */
  readonly reserved?: Iterable<string>;
  /** False: plain network/cloud, where SecurityPolicy lists rule. Default true. */
  readonly extension?: boolean;
  /** Generation of policy to begin with; used only where a port has REEVALUATE. Default 0. */
  readonly generation?: number;
}

/** See the file head. */
export class Ruleset {
  private readonly store: ObjectStore;
  private readonly ports: RulesetPorts;
  private readonly groups = new GroupSets();
  private table = new Table();
  private index = new ObjectIndex();
  private generation: number;

  /** Knows nothing of the store until `whole` was called. */
  constructor(store: ObjectStore, ports: RulesetPorts) {
    this.store = store;
    this.ports = ports;
    this.generation = ports.generation ?? 0;
  }

  /** Transaction for one commit alone, to be applied after all earlier ones; '' if it changes no rule. */
  change({ objects, groups }: Commit): string {
    const touched = new Set<Unit>();
    const elements = new ElementChanges();
    const judged = this.index.reevaluating.size > 0;
    for (const change of objects) follow(change, this.followed(), touched);
    for (const [id, delta] of groups) {
      const { added, removed } = delta.net();
      this.groups.remove(id, removed, elements);
      if (this.groups.add(id, added, elements)) reshape(id, this.store, touched);
    }
    this.generation = (this.generation % CONNECTION_MARK.generationMask) + 1;
    if (judged || this.index.reevaluating.size > 0) touched.add('spine');
    return this.compile(touched, elements);
  }

  /**
   * Text that puts what the store says in place of the whole table, in one transaction. `sets` are names of sets that
   * are there: groups go on using theirs, so that what comes out is a table that was changed step by step to here.
   */
  whole(sets: Iterable<string> = []): string {
    this.table = new Table();
    this.index = new ObjectIndex();
    this.groups.clear();
    const touched = new Set<Unit>(['spine', 'reserved', 'uplink', 'tunnel', 'router']);
    const followed = this.followed();
    for (const kind of OBJECT_KINDS) {
      for (const { object } of this.store.list(kind)) {
        follow({ key: object.key, before: undefined, after: object }, followed, touched);
      }
    }
    for (const name of sets) this.groups.keep(name);
    const elements = new ElementChanges();
    for (const { object } of this.store.list('addressGroup')) {
      const { id } = object.key;
      this.groups.add(id, this.store.group(id)?.members.texts() ?? [], elements);
    }
    const arp = arpTable(this.ports.foreign, this.ports.uplink);
    return REPLACE_TABLE + arp + this.compile(touched, elements);
  }

  private compile(touched: ReadonlySet<Unit>, elements: ElementChanges): string {
    const context: UnitContext = {
      ...this.followed(),
      uplink: this.ports.uplink,
      foreign: this.ports.foreign,
      reserved: this.ports.reserved ?? [],
      generation: this.generation,
    };
    for (const unit of touched) this.table.replace(unit, partOf(unit, context));
    return this.table.flush(elements);
  }

  private followed(): Followed {
    const { store, index, groups, ports } = this;
    return {
      store,
      index,
      groups,
      extension: ports.extension !== false,
      netdevOf: (ifname) => speakable(ports.netdevOf(ifname)),
      vpcNumber: (id) => ports.vpcNumber(id),
    };
  }
}

/** Names with characters that mean something to nft are no netdevs of ours. */
function speakable(netdev: string | undefined): string | undefined {
  return netdev !== undefined && /^[\w.:@+=,-]+$/.test(netdev) ? netdev : undefined;
}
