/** Desired state to Plan, incrementally: the same state by any route gives the same plan, byte for byte. */
import { isDeepStrictEqual } from 'node:util';
import { formatIp, type IpAddress } from '../base/ip.js';
import type { DesiredState, DirtySet } from '../desired/state.js';
import { defaultFelixConfig, type FelixConfig, parseFelixConfig } from '../model/config.js';
import type { HostEndpointKey, IpSetId, WorkloadKey } from '../model/ids.js';
import { type OverlayReport, overlayReport } from '../overlay/report.js';
import { domainVni } from '../overlay/vxlan.js';
import type { ObjectKey } from '../opi/objects/key.js';
import type { MemberDelta, PlanDelta, PlanEntry } from '../opi/objects/plan.js';
import type { TargetCapabilities } from '../opi/objects/target.js';
import { type Degradation, sortDegradations } from './degradation.js';
import { EndpointTable } from './endpoint-table.js';
import { endpointObjects } from './endpoints.js';
import { TranslatedKeys } from './everything.js';
import { type EndpointExpectation, hostExpectation, workloadExpectation } from './expectation.js';
import { HostAddresses } from './host-addresses.js';
import { ObjectNames } from './names.js';
import { hostMapping, networkObjects } from './network.js';
import { PlanTable } from './plan-table.js';
import { Catalog } from './policy/catalog.js';
import { TUNNEL, UPLINK } from './policy/compile.js';
import { type HostPolicy, NO_HOST_POLICY, resolveHostEndpoints } from './policy/host-endpoints.js';
import {
  type CanonicalChange,
  type PolicyChange,
  type PolicyLowering,
  type PolicyView,
  type SourceKey,
} from './policy/lowering.js';
import { NativeLowering } from './policy/native/lowering.js';
import { plainCapabilities } from './policy/plain/capabilities.js';
import { PlainLowering } from './policy/plain/lowering.js';
import { PortTable } from './policy/ports.js';
import type { RuleOrigin } from './policy/program.js';
import { parseRulePlace } from './policy/rule-id.js';
import { type RouteChanges, RouteObjects } from './routes.js';
import { type SetChanges, SetTable } from './sets.js';
import type { TranslatorSettings } from './settings.js';

export type { OverlayReport } from '../overlay/report.js';
export type { EndpointExpectation } from './expectation.js';

/** What the agent asks of a translator. Construct: `new Translator(settings, capabilities)`. */
export interface Translation {
  /**
   * Brings the plan up to date and tells what changed in it. `dirty` is what `DesiredStore.takeDirty` gave; the state
   * must be that of the same moment.
   */
  translate(state: DesiredState, dirty: DirtySet | 'replaced'): PlanDelta;
  /** The whole plan of the last `translate`. */
  plan(): Iterable<PlanEntry>;
  /** Every narrowing now, sorted. */
  degradations(): readonly Degradation[];
  /** VXLAN in use and the MTU that it leaves to pods, as of the last `translate`. */
  overlay(): OverlayReport;
  /** Every endpoint of the state: what must be acknowledged before it is up, or why it cannot be. */
  expectations(): ReadonlyMap<string, EndpointExpectation>;
  /** Endpoints whose expectation changed or went since the last call, and forgets them. */
  takeChangedEndpoints(): ReadonlySet<string>;
}

/** What one `translate` found changed before policy is lowered. */
interface Changes {
  readonly config: boolean;
  /** A host endpoint in force. */
  readonly hostPolicy: boolean;
  readonly hostAddresses: readonly IpAddress[];
  readonly endpoints: ReadonlySet<WorkloadKey>;
  readonly routes: RouteChanges;
  /** The VXLAN id of the routing domain. */
  readonly vni: boolean;
  readonly sets: SetChanges;
  readonly ports: ReadonlySet<string>;
  readonly sources: PolicyChange['sources'];
}

/** The translator of one target. */
export class Translator implements Translation {
  private readonly settings: TranslatorSettings;
  private readonly names: ObjectNames;
  private readonly native: boolean;
  private readonly lowering: PolicyLowering;
  private readonly translated = new TranslatedKeys();
  private readonly table = new PlanTable();
  private readonly sets = new SetTable();
  private readonly catalog = new Catalog(this.sets);
  private readonly hostAddresses = new HostAddresses();
  private readonly endpoints = new EndpointTable();
  private readonly ports: PortTable;
  private readonly routes: RouteObjects;
  private readonly vnicOwners = new Map<string, WorkloadKey>();
  private readonly changedEndpoints = new Set<string>();
  private state: DesiredState | undefined;
  private config: FelixConfig = defaultFelixConfig();
  private host: HostPolicy = NO_HOST_POLICY;
  private vni: number | undefined;

  constructor(settings: TranslatorSettings, capabilities: TargetCapabilities) {
    this.settings = settings;
    this.names = new ObjectNames(settings.ownerId);
    this.routes = new RouteObjects(this.names);
    this.native = capabilities.level === 'native';
    this.lowering = loweringFor(capabilities, settings, this.names);
    const { names, endpoints, catalog } = this;
    this.ports = new PortTable({ names, endpoints, catalog });
  }

  translate(state: DesiredState, dirty: DirtySet | 'replaced'): PlanDelta {
    this.state = state;
    const marks = dirty === 'replaced' ? this.translated.everything(state) : dirty;
    this.translated.follow(state, marks);
    const changes = this.follow(state, marks);
    const vnics = this.lowerPolicy(changes);
    this.planNetwork(changes, vnics);
    this.planEndpoints(changes, vnics);
    const members = this.memberDeltas(changes.sets.members);
    return { ...this.table.take(), members };
  }

  plan(): Iterable<PlanEntry> {
    return this.table.entries();
  }

  degradations(): readonly Degradation[] {
    const layouts = [...this.endpoints.keys()].flatMap((key) => {
      const place = this.endpoints.place(key);
      return place !== undefined && 'layout' in place ? place.layout.degradations : [];
    });
    return sortDegradations([
      ...layouts,
      ...this.ports.degradations(),
      ...this.lowering.degradations(),
      ...this.routes.degradations(),
    ]);
  }

  overlay(): OverlayReport {
    const { config, state, settings } = this;
    return overlayReport({
      config,
      encapsulation: state?.encapsulation,
      ownVtep: state?.vteps.get(config.felixHostname || settings.nodeName),
      vteps: state?.vteps.size ?? 0,
      uplinkMtu: settings.uplinkMtu,
    });
  }

  expectations(): ReadonlyMap<string, EndpointExpectation> {
    const all = new Map<string, EndpointExpectation>();
    for (const key of this.endpoints.keys()) {
      const place = this.endpoints.place(key);
      if (place !== undefined) all.set(key, workloadExpectation(key, place, this.table));
    }
    for (const key of this.state?.hostEndpoints.keys() ?? []) {
      const hostVnic = this.names.vnic(this.settings.hostPort);
      all.set(key, hostExpectation(key, this.host, this.table, hostVnic));
    }
    return all;
  }

  /** The Calico rule behind a rule of a planned NetworkPolicy; `undefined` for a deny-all that stands in for one. */
  ruleOrigin(policy: ObjectKey<'networkPolicy'>, ruleId: string): RuleOrigin | undefined {
    const place = parseRulePlace(ruleId);
    const [origin] = this.table.get(policy)?.origins ?? [];
    if (place === undefined || origin === undefined) return undefined;
    const source = this.catalog.source(origin as SourceKey);
    return source?.[place.direction].find((rule) => rule.origin.index === place.index)?.origin;
  }

  takeChangedEndpoints(): ReadonlySet<string> {
    const changed = new Set(this.changedEndpoints);
    this.changedEndpoints.clear();
    return changed;
  }

  /** Brings every table up to date, in the order of their dependence. */
  private follow(state: DesiredState, marks: DirtySet): Changes {
    const config = marks.config && this.followConfig(state);
    const nodeName = this.config.felixHostname || this.settings.nodeName;
    const hostAddresses = this.hostAddresses.update(state, marks, nodeName);
    const routes = this.followRoutes(state, marks, nodeName, config);
    const vni = this.followVni(state);
    const sets = this.sets.update(state, marks);
    const catalog = this.catalog.update(state, marks, sets.health);
    const hostPolicy = this.followHost(state, marks, config || hostAddresses.length > 0);
    const endpoints = this.endpoints.update(
      state,
      config ? new Set([...marks.workloads, ...this.endpoints.keys()]) : marks.workloads,
      {
        config: this.config,
        hostPort: this.settings.hostPort,
        isHost: (ip) => this.hostAddresses.has(ip),
        hostChanged: hostAddresses,
      },
    );
    this.ports.setContext({ config: this.config, host: this.host });
    const ports = new Set<string>([...endpoints, ...this.ports.usersOf(catalog.presence)]);
    if (config || hostPolicy.any) addAll(ports, [UPLINK, TUNNEL]);
    if (config || hostPolicy.star) addAll(ports, this.endpoints.keys());
    this.ports.refresh(ports);
    addAll(this.changedEndpoints, [...marks.hostEndpoints, ...endpoints]);
    const { any: inForce } = hostPolicy;
    return {
      config,
      hostPolicy: inForce,
      hostAddresses,
      endpoints,
      routes,
      vni,
      sets,
      ports,
      sources: catalog.sources,
    };
  }

  private followConfig(state: DesiredState): boolean {
    const { config } = parseFelixConfig(state.config);
    if (isDeepStrictEqual(config, this.config)) return false;
    this.config = config;
    return true;
  }

  private followRoutes(
    state: DesiredState,
    marks: DirtySet,
    nodeName: string,
    renewed: boolean,
  ): RouteChanges {
    const { vteps, wireguard } = state;
    const facts = { nodeName, config: this.config, vteps, wireguard };
    return this.routes.update(state, marks, facts, renewed);
  }

  private followVni({ vteps }: DesiredState): boolean {
    const before = this.vni;
    this.vni = domainVni(this.config, vteps.size);
    return this.vni !== before;
  }

  /** Resolves host endpoints again; tells whether any in force changed, and whether `*` did. */
  private followHost(
    state: DesiredState,
    marks: DirtySet,
    addressesChanged: boolean,
  ): { readonly any: boolean; readonly star: boolean } {
    if (marks.hostEndpoints.size === 0 && !addressesChanged) return { any: false, star: false };
    const before = this.host;
    const { settings } = this;
    const now = resolveHostEndpoints(
      state.hostEndpoints.values(),
      settings,
      this.hostAddresses.all,
    );
    this.host = now;
    addAll(this.changedEndpoints, [...before.errors.keys(), ...now.errors.keys()]);
    const star = !isDeepStrictEqual(before.star, now.star);
    return { any: star || !isDeepStrictEqual(before.specific, now.specific), star };
  }

  /** Lowers what changed; gives the ids of Vnics whose lists did. */
  private lowerPolicy(changes: Changes): ReadonlySet<string> {
    const { sets, sources, hostAddresses, routes } = changes;
    const change: PolicyChange = {
      ports: this.lowering.sensitivity === 'content' ? this.reached(changes) : changes.ports,
      sources,
      sets: sets.sets,
      members: sets.members,
      host: hostAddresses.length > 0 || routes.tunnelled,
    };
    const { units, vnics } = this.lowering.update(this.view(), change);
    for (const [unit, entries] of units) this.table.setUnit(`policy/${unit}`, entries);
    return vnics;
  }

  /** Ports whose structure changed, or a list or set that they use. */
  private reached({ ports, sources, sets }: Changes): ReadonlySet<string> {
    const changed = new Set(sources);
    for (const id of [...sets.sets, ...sets.members.keys()]) {
      addAll(changed, this.catalog.usersOf(id));
    }
    return new Set([...ports, ...this.ports.usersOf(changed)]);
  }

  private view(): PolicyView {
    const { ports, catalog, sets, names, hostAddresses, settings, routes } = this;
    return {
      subjects: () => ports.subjects(),
      port: (subject) => ports.port(subject),
      sources: () => catalog.sources(),
      source: (key) => catalog.source(key),
      set: (id) => sets.get(id),
      hostVnic: names.vnic(settings.hostPort),
      hostAddresses: hostAddresses.all,
      get tunnelDestinations() {
        return routes.tunnelDestinations();
      },
    };
  }

  private planNetwork(changes: Changes, vnics: ReadonlySet<string>): void {
    const { names, settings, table } = this;
    const hostVnic = names.vnic(settings.hostPort);
    const isNew = table.unit('network').length === 0;
    if (isNew || vnics.has(hostVnic.id) || changes.hostPolicy || changes.vni) {
      const hostPort = {
        ifname: settings.hostPort,
        lists: this.lowering.lists(hostVnic),
        closedLists: this.lowering.closedLists(hostVnic),
        owners: hostOwners(this.host),
      };
      table.setUnit('network', networkObjects(names, hostPort, this.vni));
    }
    for (const address of changes.hostAddresses) {
      const mapping = hostMapping(names, settings.hostPort, address);
      table.setUnit(`host/${formatIp(address)}`, this.hostAddresses.has(address) ? [mapping] : []);
    }
    for (const [unit, entries] of changes.routes.units) table.setUnit(unit, entries);
  }

  private planEndpoints(changes: Changes, vnics: ReadonlySet<string>): void {
    for (const key of changes.endpoints) this.planEndpoint(key);
    for (const id of vnics) {
      const owner = this.vnicOwners.get(id);
      if (owner !== undefined && !changes.endpoints.has(owner)) this.planEndpoint(owner);
    }
  }

  private planEndpoint(key: WorkloadKey): void {
    const { names } = this;
    const unit = `endpoint/${key}`;
    const place = this.endpoints.place(key);
    for (const { object } of this.table.unit(unit)) {
      if (this.vnicOwners.get(object.key.id) === key) this.vnicOwners.delete(object.key.id);
    }
    if (place === undefined || 'error' in place) return this.table.setUnit(unit, []);
    const { layout } = place;
    const vnic = names.vnic(layout.endpoint.interfaceName);
    this.vnicOwners.set(vnic.id, key);
    const lists = this.lowering.lists(vnic);
    const context = { names, lists, sourceGuard: !this.native };
    this.table.setUnit(unit, endpointObjects(layout, context));
  }

  private memberDeltas(members: ReadonlyMap<IpSetId, CanonicalChange>): MemberDelta[] {
    return [...members].flatMap(([id, change]) => {
      const key = this.lowering.group(id);
      return key !== undefined && this.table.stayed(key) ? [{ key, ...change }] : [];
    });
  }
}

/** Keys of the host endpoints in force. */
function hostOwners({ specific, star }: HostPolicy): HostEndpointKey[] {
  return [specific, star].flatMap((endpoint) => (endpoint === undefined ? [] : [endpoint.key]));
}

function loweringFor(
  { level, compactRules, limits }: TargetCapabilities,
  settings: TranslatorSettings,
  names: ObjectNames,
): PolicyLowering {
  if (level === 'native') return new NativeLowering(names);
  const rules = Math.min(settings.ruleBudget, limits.rulesPerPolicy ?? settings.ruleBudget);
  return new PlainLowering(names, plainCapabilities(compactRules, rules));
}

function addAll<T>(into: Set<T>, values: Iterable<T>): void {
  for (const value of values) into.add(value);
}
