/**
 * Plain lowering (network/cloud alone): each Vnic has one SecurityPolicy per direction and family that holds everything
 * its packets must pass. Policies are named by content and never change: a new content is a new object, one UpdateVnic
 * moves over to it, the old one goes.
 */
import { addressBits, formatCidr, type IpAddress } from '../../../base/ip.js';
import { canonicalJson } from '../../../base/json.js';
import type { ObjectKey } from '../../../opi/objects/key.js';
import type { Degradation } from '../../degradation.js';
import type { ObjectNames } from '../../names.js';
import { TUNNEL, UPLINK } from '../compile.js';
import type {
  PolicyChange,
  PolicyLowering,
  PolicyOutput,
  PolicyPort,
  PolicyView,
  VnicLists,
} from '../lowering.js';
import type { PortProgram } from '../program.js';
import type { PlainCapabilities } from './capabilities.js';
import type { Narrowing } from './decision-list.js';
import { ListTable } from './list-table.js';
import { MemberSets } from './member-sets.js';
import { familyFacts } from './node-facts.js';
import {
  PortLists,
  type ListDirection,
  type RenderedList,
  type Surroundings,
} from './port-lists.js';
import { StageLists } from './stage-lists.js';

/** What one Vnic got. The host port's is kept under the subject of the uplink, whose stages it holds. */
interface VnicState {
  readonly vnic: ObjectKey<'vnic'>;
  /** `undefined` = none of its own. */
  readonly lists: VnicLists | undefined;
  /** What stands in for `lists`; `undefined` = the deny-all lists. */
  readonly closed?: VnicLists;
  readonly degradations: readonly Degradation[];
}

/** The four lists of a Vnic before they are named. */
interface RenderedLists {
  readonly ingress: readonly [RenderedList | undefined, RenderedList | undefined];
  readonly egress: readonly [RenderedList | undefined, RenderedList | undefined];
}

/** Lowering for targets without the extension. Narrows, with a reason, where a list cannot say what Calico asks. */
export class PlainLowering implements PolicyLowering {
  readonly sensitivity = 'content';
  private readonly sets = new MemberSets();
  private readonly table = new ListTable();
  private readonly portLists: PortLists;
  private readonly states = new Map<string, VnicState>();
  private readonly byVnic = new Map<string, VnicState>();
  private readonly addresses = new Map<string, readonly IpAddress[]>();
  private facts: Surroundings['facts'] | undefined;
  private surroundings = '';

  constructor(names: Pick<ObjectNames, 'listPolicy'>, limits: PlainCapabilities) {
    this.portLists = new PortLists(new StageLists(this.sets, limits), limits, names);
  }

  update(view: PolicyView, change: PolicyChange): PolicyOutput {
    this.sets.read((id) => view.set(id));
    for (const id of change.sets) this.sets.forget(id);
    for (const [id, members] of change.members) this.sets.follow(id, members);
    const facts = this.followAddresses(view, change);
    const vnics = new Set<string>();
    for (const subject of this.stale(view, change, facts)) {
      if (subject !== TUNNEL) this.renew(subject, view, vnics);
    }
    return { units: this.table.take(), vnics };
  }

  lists(vnic: ObjectKey<'vnic'>): VnicLists | undefined {
    return this.byVnic.get(vnic.id)?.lists;
  }

  closedLists(vnic: ObjectKey<'vnic'>): VnicLists | undefined {
    return this.byVnic.get(vnic.id)?.closed;
  }

  group(): undefined {
    return undefined;
  }

  degradations(): readonly Degradation[] {
    return [...this.states.values()].flatMap((state) => state.degradations);
  }

  private followAddresses(view: PolicyView, change: PolicyChange): Surroundings['facts'] {
    for (const subject of change.ports) {
      const addresses = view.port(subject)?.addresses ?? [];
      if (addresses.length === 0) this.addresses.delete(subject);
      else this.addresses.set(subject, addresses);
    }
    if (this.facts !== undefined && change.ports.size === 0 && !change.host) return this.facts;
    const node = {
      host: view.hostAddresses,
      pods: [...this.addresses.values()].flat(),
      tunnel: view.tunnelDestinations,
    };
    this.facts = {
      4: familyFacts(node, 4, this.facts?.[4]),
      6: familyFacts(node, 6, this.facts?.[6]),
    };
    return this.facts;
  }

  /** Subjects whose lists must be made anew: all of them where what surrounds every port changed. */
  private stale(
    view: PolicyView,
    change: PolicyChange,
    facts: Surroundings['facts'],
  ): ReadonlySet<string> {
    const outside = { uplink: view.port(UPLINK)?.program, tunnel: view.port(TUNNEL)?.program };
    this.portLists.surround({ facts, outside });
    const surroundings = this.portLists.surroundingsKey();
    const before = this.surroundings;
    this.surroundings = surroundings;
    if (surroundings === before) return change.ports;
    return new Set([...change.ports, ...view.subjects(), UPLINK]);
  }

  private renew(subject: string, view: PolicyView, vnics: Set<string>): void {
    const before = this.states.get(subject);
    const after =
      subject === UPLINK ? this.hostState(view) : this.podState(view.port(subject), subject);
    // The Vnic may already be another endpoint's: two of one interface change places within one update.
    if (before !== undefined && this.byVnic.get(before.vnic.id) === before) {
      this.byVnic.delete(before.vnic.id);
    }
    if (after === undefined) this.states.delete(subject);
    else {
      this.states.set(subject, after);
      this.byVnic.set(after.vnic.id, after);
    }
    if (listsText(before) === listsText(after)) return;
    for (const state of [before, after]) if (state !== undefined) vnics.add(state.vnic.id);
  }

  /** A port that is not active keeps the deny-all lists. */
  private podState(port: PolicyPort | undefined, subject: string): VnicState | undefined {
    if (port?.vnic === undefined || port.program.disabled) {
      this.table.set(subject, undefined);
      return port?.vnic && { vnic: port.vnic, lists: undefined, degradations: [] };
    }
    const { program, vnic } = port;
    const rendered = renderedLists((direction, family) =>
      this.portLists.pod(program, direction, family),
    );
    return this.hold(subject, vnic, { rendered, origins: port.origins }, [
      ...invalidKept(program),
      ...guardedSources(port),
    ]);
  }

  private hostState(view: PolicyView): VnicState | undefined {
    const rendered = renderedLists((direction, family) => this.portLists.host(direction, family));
    const closed = renderedLists((direction, family) =>
      this.portLists.hostClosed(direction, family),
    );
    const uplink = view.port(UPLINK);
    const tunnel = view.port(TUNNEL);
    const port = uplink ?? tunnel;
    if (port === undefined) {
      this.table.set(UPLINK, undefined);
      return undefined;
    }
    const origins = [...new Set([...(uplink?.origins ?? []), ...(tunnel?.origins ?? [])])].sort();
    const content = { rendered, closed, origins };
    return this.hold(UPLINK, view.hostVnic, content, invalidKept(port.program));
  }

  private hold(
    subject: string,
    vnic: ObjectKey<'vnic'>,
    { rendered, closed, origins }: VnicContent,
    further: readonly DirectedNarrowing[],
  ): VnicState {
    const { ingress, egress } = rendered;
    const lists = present(rendered);
    const closedLists = closed === undefined ? [] : present(closed);
    const objects = [...lists, ...closedLists].map(({ object }) => object);
    this.table.set(subject, { objects, origins });
    const narrowings = [
      ...further,
      ...ingress.flatMap((list) => directed(list, 'ingress')),
      ...egress.flatMap((list) => directed(list, 'egress')),
    ];
    return {
      vnic,
      lists: lists.length === 0 ? undefined : refsOf(rendered),
      ...(closed === undefined || closedLists.length === 0 ? {} : { closed: refsOf(closed) }),
      degradations: told(subject, narrowings),
    };
  }
}

/** What a Vnic is to get. */
interface VnicContent {
  readonly rendered: RenderedLists;
  readonly closed?: RenderedLists;
  readonly origins: PolicyPort['origins'];
}

function renderedLists(
  make: (direction: ListDirection, family: 4 | 6) => RenderedList | undefined,
): RenderedLists {
  return {
    ingress: [make('ingress', 4), make('ingress', 6)],
    egress: [make('egress', 4), make('egress', 6)],
  };
}

function present({ ingress, egress }: RenderedLists): RenderedList[] {
  return [...ingress, ...egress].filter((list) => list !== undefined);
}

function listsText(state: VnicState | undefined): string {
  return canonicalJson([state?.vnic, state?.lists, state?.closed]);
}

/** A narrowing of one direction, or of both. */
interface DirectedNarrowing extends Narrowing {
  readonly direction?: ListDirection;
}

function directed(list: RenderedList | undefined, direction: ListDirection): DirectedNarrowing[] {
  return (list?.narrowings ?? []).map((narrowing) => ({ ...narrowing, direction }));
}

function refsOf({ ingress, egress }: RenderedLists): VnicLists {
  const refs = (list: RenderedList | undefined): VnicLists['ingressV4'] =>
    list === undefined ? [] : [list.object.key];
  return {
    ingressV4: refs(ingress[0]),
    ingressV6: refs(ingress[1]),
    egressV4: refs(egress[0]),
    egressV6: refs(egress[1]),
  };
}

/** Degradations of a port, each once though both families or many copies of a rule tell it. */
function told(subject: string, narrowings: readonly DirectedNarrowing[]): Degradation[] {
  const unique = new Map<string, Degradation>();
  for (const narrowing of narrowings) {
    unique.set(canonicalJson(narrowing), { ...narrowing, subject });
  }
  return [...unique.values()];
}

function invalidKept({ invalidAction }: PortProgram): DirectedNarrowing[] {
  if (invalidAction === 'DROP') return [];
  const reason =
    'DisableConntrackInvalidCheck: lists drop packets without a valid connection state all the same';
  return [{ code: 'not-expressible', reason }];
}

/** The source guard knows Mappings alone; a list cannot replace it, for established flows pass in front of every list. */
function guardedSources({ program, addresses }: PolicyPort): DirectedNarrowing[] {
  const own = new Set(addresses.map((ip) => `${ip.family} ${ip.value}`));
  const further = program.allowedSources.filter(
    ({ family, value, length }) => length !== addressBits(family) || !own.has(`${family} ${value}`),
  );
  if (further.length === 0) return [];
  const reason = `allowed sources ${further.map(formatCidr).join(', ')} have no Mapping: the source guard drops them`;
  return [{ code: 'not-expressible', direction: 'egress', reason }];
}
