/** Every port of the node: its program on demand, and which ports a change reaches. */
import { compareText, type WorkloadKey } from '../../model/ids.js';
import type { Degradation } from '../degradation.js';
import type { EndpointTable } from '../endpoint-table.js';
import type { ObjectNames } from '../names.js';
import { ReverseIndex } from '../reverse-index.js';
import type { Catalog } from './catalog.js';
import {
  type CompileContext,
  preDnatOwner,
  TUNNEL,
  tunnelProgram,
  UPLINK,
  uplinkProgram,
  vnicProgram,
} from './compile.js';
import { type PolicyPort, type SourceKey, sourceKey } from './lowering.js';
import type { RuleProblem } from './normalise.js';
import type { PortProgram, RuleList, RuleOrigin, StageProgram } from './program.js';

/** What programs are made from. */
export interface PortSources {
  readonly names: ObjectNames;
  readonly endpoints: EndpointTable;
  readonly catalog: Catalog;
}

/** Ports and their use of policies and profiles. */
export class PortTable {
  private readonly sources: PortSources;
  private readonly live = new Set<string>();
  private readonly uses = new ReverseIndex<SourceKey, string>();
  private readonly missing = new Map<string, readonly Degradation[]>();
  private context: CompileContext | undefined;

  constructor(sources: PortSources) {
    this.sources = sources;
  }

  /** Sets what all programs share from now on. */
  setContext(context: Omit<CompileContext, 'lists'>): void {
    this.context = { ...context, lists: this.sources.catalog };
  }

  /** Looks again at ports that are new, gone or of another structure. */
  refresh(subjects: Iterable<string>): void {
    for (const subject of subjects) {
      const lists = listsOf(this.port(subject)?.program);
      if (lists === undefined) this.live.delete(subject);
      else this.live.add(subject);
      this.uses.set(subject, new Set((lists ?? []).map(({ list }) => sourceKey(list))));
      this.setMissing(subject, lists ?? []);
    }
  }

  /** Ports that use any of these policies and profiles. */
  usersOf(keys: Iterable<SourceKey>): Set<string> {
    const users = new Set<string>();
    for (const key of keys) for (const subject of this.uses.of(key)) users.add(subject);
    return users;
  }

  /** Subjects of all ports, sorted. */
  subjects(): string[] {
    return [...this.live].sort(compareText);
  }

  /** A port with its program of now. */
  port(subject: string): PolicyPort | undefined {
    if (this.context === undefined) return undefined;
    if (subject === UPLINK) return this.hostPort(uplinkProgram(this.context));
    if (subject === TUNNEL) return this.hostPort(tunnelProgram(this.context));
    const place = this.sources.endpoints.place(subject as WorkloadKey);
    if (place === undefined || 'error' in place) return undefined;
    const { layout } = place;
    return {
      program: vnicProgram(layout, this.context),
      vnic: this.sources.names.vnic(layout.endpoint.interfaceName),
      addresses: layout.addresses,
      origins: [layout.endpoint.key],
    };
  }

  /** What is narrower because a policy, a profile or a set is missing or cannot be read. */
  degradations(): Degradation[] {
    const subjects = this.usersOf(this.sources.catalog.withProblems());
    return [
      ...[...this.missing.values()].flat(),
      ...[...subjects].flatMap((subject) => this.ruleDegradations(subject)),
    ];
  }

  private hostPort(program: PortProgram | undefined): PolicyPort | undefined {
    if (program === undefined) return undefined;
    return { program, addresses: [], origins: this.hostOrigins(program) };
  }

  /** Keys of the host endpoints whose stages the port has. */
  private hostOrigins({ port }: PortProgram): string[] {
    const { host } = this.context ?? {};
    if (host === undefined) return [];
    const owners =
      port === 'tunnel' ? [host.star] : [host.specific ?? host.star, preDnatOwner(host)];
    const keys = owners.flatMap((owner) => (owner === undefined ? [] : [owner.key]));
    return [...new Set(keys)].sort(compareText);
  }

  private setMissing(subject: string, lists: readonly UsedList[]): void {
    const missing = lists.filter(({ list }) => list.missing);
    if (missing.length === 0) {
      this.missing.delete(subject);
      return;
    }
    const degradations = missing.map(({ list, direction }): Degradation => {
      const reason = `${list.kind} ${list.name} is not there; everything is denied in its place`;
      return { code: 'missing-referent', subject, direction, reason };
    });
    this.missing.set(subject, degradations);
  }

  private ruleDegradations(subject: string): Degradation[] {
    const lists = listsOf(this.port(subject)?.program) ?? [];
    return lists.flatMap(({ list, direction }) =>
      this.sources.catalog
        .problems(list, direction)
        .map((problem) => degradation(subject, direction, problem)),
    );
  }
}

interface UsedList {
  readonly list: RuleList;
  readonly direction: RuleOrigin['direction'];
}

/** Every list a program asks, once per direction. */
function listsOf(program: PortProgram | undefined): UsedList[] | undefined {
  if (program === undefined) return undefined;
  const used = new Map<string, UsedList>();
  for (const stage of program.stages) {
    const direction = stageLists(stage);
    for (const list of [...stage.tiers.flatMap(({ policies }) => policies), ...stage.profiles]) {
      used.set(`${direction} ${sourceKey(list)}`, { list, direction });
    }
  }
  return [...used.values()];
}

/** Which lists a stage asks: a pod's egress and a host's ingress come from the port. */
export function stageLists({
  kind,
  direction,
}: Pick<StageProgram, 'kind' | 'direction'>): RuleOrigin['direction'] {
  return (direction === 'FROM_PORT') === (kind === 'WORKLOAD') ? 'egress' : 'ingress';
}

function degradation(
  subject: string,
  direction: RuleOrigin['direction'],
  { code, rule, reason }: RuleProblem,
): Degradation {
  return { code, subject, direction, rule, reason };
}
