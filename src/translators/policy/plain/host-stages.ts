/**
 * Stages of the ports that have no list of their own (uplink, tunnel), as guards for the lists of the vNICs and of the
 * host port that their packets reach (k8s-extension: plain target).
 */
import type { Family } from '../../../base/ip.js';
import type { Direction, StageKind } from '../../../opi/objects/specs.js';
import type { PortProgram } from '../program.js';
import {
  always,
  bind,
  both,
  sameDecisions,
  type Compiled,
  type Narrowing,
} from './decision-list.js';
import type { FamilyFacts } from './node-facts.js';
import type { StageLists } from './stage-lists.js';

/** Programs of the ports without lists; absent = no stage is asked there. */
export interface OutsidePrograms {
  readonly uplink?: PortProgram | undefined;
  readonly tunnel?: PortProgram | undefined;
}

/** How stages are compiled: whole, or replaced by what stands for them beyond the budget. */
export interface StageCompiler {
  readonly lists: StageLists;
  readonly productMax: number;
  /** Stages other than WORKLOAD deny all but failsafes. */
  readonly fallback: boolean;
}

/** A list that lets everything pass. */
export const PASSES: Compiled = { list: always('allow', 'no-stage'), narrowings: [] };

/** Compiles one stage of a program; `undefined` if it is not there. */
export function compileStage(
  program: PortProgram,
  kind: StageKind,
  direction: Direction,
  family: Family,
  compiler: StageCompiler,
): Compiled | undefined {
  const stage = program.stages.find((of) => of.kind === kind && of.direction === direction);
  if (stage === undefined) return undefined;
  return compiler.fallback && kind !== 'WORKLOAD'
    ? compiler.lists.fallback(stage, program.failsafes, family)
    : compiler.lists.compile(stage, program.failsafes, family);
}

/** Guards of one family, each made when first asked for. `undefined` = no stage is there: everything passes. */
export class OutsideGuards {
  private readonly programs: OutsidePrograms;
  private readonly facts: FamilyFacts;
  private readonly compiler: StageCompiler;
  private readonly made = new Map<string, Compiled | undefined>();

  constructor(programs: OutsidePrograms, facts: FamilyFacts, compiler: StageCompiler) {
    this.programs = programs;
    this.facts = facts;
    this.compiler = compiler;
  }

  /** For packets from outside to a pod. */
  toPod(): Compiled | undefined {
    return this.once('toPod', () => this.inbound('FORWARD'));
  }

  /** For packets from outside to the host. */
  toHost(): Compiled | undefined {
    return this.once('toHost', () => this.inbound('HOST'));
  }

  /** For packets of pods that leave by the uplink or by the tunnel. */
  leaving(port: 'uplink' | 'tunnel'): Compiled | undefined {
    return this.once(`leaving ${port}`, () => this.chain(port, ['FORWARD'], 'TO_PORT'));
  }

  /** For packets of the host that leave by the uplink. */
  fromHost(): Compiled | undefined {
    return this.once('fromHost', () => this.chain('uplink', ['UNTRACKED', 'HOST'], 'TO_PORT'));
  }

  private once(name: string, make: () => Compiled | undefined): Compiled | undefined {
    if (!this.made.has(name)) this.made.set(name, make());
    return this.made.get(name);
  }

  /**
   * A list cannot tell the tunnel's packets from the wire's, so where both have packets each packet must pass the
   * stages of both. The tunnel has no HOST and no UNTRACKED stage.
   */
  private inbound(last: 'FORWARD' | 'HOST'): Compiled | undefined {
    const fromWire = this.chain('uplink', ['UNTRACKED', 'PRE_DNAT', last], 'FROM_PORT');
    if (!this.facts.tunnelled) return fromWire;
    const inner: StageKind[] = last === 'HOST' ? ['PRE_DNAT'] : ['PRE_DNAT', 'FORWARD'];
    const fromTunnel = this.chain('tunnel', inner, 'FROM_PORT');
    if (fromWire === undefined && fromTunnel === undefined) return undefined;
    const [wire, tunnel] = [fromWire ?? PASSES, fromTunnel ?? PASSES];
    if (sameDecisions(wire.list, tunnel.list)) return wire;
    const joined = both(wire, tunnel, this.compiler.productMax);
    return { ...joined, narrowings: [...joined.narrowings, TUNNEL_MIXED] };
  }

  /** Stages one behind the other: no verdict goes on, an allow skips the rest. */
  private chain(
    port: 'uplink' | 'tunnel',
    kinds: readonly StageKind[],
    direction: Direction,
  ): Compiled | undefined {
    const program = this.programs[port];
    if (program === undefined) return undefined;
    let next: Compiled | undefined;
    for (const kind of [...kinds].reverse()) {
      const { family } = this.facts;
      const stage = compileStage(program, kind, direction, family, this.compiler);
      if (stage !== undefined) {
        next = bind(stage, 'pass', next ?? PASSES, this.compiler.productMax);
      }
    }
    return next;
  }
}

const TUNNEL_MIXED: Narrowing = {
  code: 'not-expressible',
  reason:
    'packets from the tunnel and from the wire cannot be told apart by a list: each must pass the host policy of both',
};
