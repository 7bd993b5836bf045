/** Renders the lists of one port, each within the target's limits, falling back stage by stage where they are exceeded. */
import { InternalError } from '../../../base/errors.js';
import type { Family } from '../../../base/ip.js';
import type { OpiObject } from '../../../opi/objects/specs.js';
import type { ObjectNames } from '../../names.js';
import type { PortProgram } from '../program.js';
import type { PlainCapabilities } from './capabilities.js';
import {
  hostEgress,
  hostIngress,
  hostLastResort,
  podEgress,
  podIngress,
  podIngressLastResort,
  type Composer,
} from './compose.js';
import { always, type Compiled, type Narrowing } from './decision-list.js';
import { compileStage, OutsideGuards, type OutsidePrograms } from './host-stages.js';
import { IdentityNumbers, RecentCache } from './identity.js';
import type { FamilyFacts } from './node-facts.js';
import { render } from './render.js';
import { RuleWriter } from './rule-writer.js';
import type { StageLists } from './stage-lists.js';

/** Directions of a Vnic's lists: towards its owner, and from it. */
export type ListDirection = 'ingress' | 'egress';

/** One list as an object, with its narrowings. */
export interface RenderedList {
  readonly object: OpiObject<'securityPolicy'>;
  readonly narrowings: readonly Narrowing[];
}

/** Everything around a port that its lists depend on. */
export interface Surroundings {
  readonly facts: Readonly<Record<Family, FamilyFacts>>;
  readonly outside: OutsidePrograms;
}

const LISTS_KEPT = 1024;

/** Makes lists; equal inputs, by identity of what they were compiled from, give the list made before. */
export class PortLists {
  private readonly stages: StageLists;
  private readonly limits: PlainCapabilities;
  private readonly names: Pick<ObjectNames, 'listPolicy'>;
  private readonly numbers = new IdentityNumbers();
  private readonly lists = new RecentCache<string, { readonly made: RenderedList | undefined }>(
    LISTS_KEPT,
  );
  private composers = new Map<string, Composer>();
  private around: Surroundings | undefined;
  private aroundKeys: Readonly<Record<Family, string>> = { 4: '', 6: '' };

  constructor(
    stages: StageLists,
    limits: PlainCapabilities,
    names: Pick<ObjectNames, 'listPolicy'>,
  ) {
    this.stages = stages;
    this.limits = limits;
    this.names = names;
  }

  /** Sets what surrounds all ports from now on. Call it again whenever rules or sets of host policy changed. */
  surround(around: Surroundings): void {
    this.around = around;
    this.composers = new Map();
    this.aroundKeys = { 4: this.aroundKey(around, 4), 6: this.aroundKey(around, 6) };
  }

  /** Text that changes whenever lists of pods may change because of their surroundings. */
  surroundingsKey(): string {
    return `${this.aroundKeys[4]} / ${this.aroundKeys[6]}`;
  }

  /** A pod's list. */
  pod(program: PortProgram, direction: ListDirection, family: Family): RenderedList {
    const key = `${direction} ${this.podKey(program, family)} ${this.aroundKeys[family]}`;
    const compose = direction === 'ingress' ? podIngress : podEgress;
    const { made } = this.lists.get(key, () => {
      const attempt = (fallback: boolean): Compiled =>
        compose(program, this.composer(family, fallback));
      const last =
        direction === 'ingress' ? podIngressLastResort(program, this.facts(family)) : CLOSED;
      return {
        made: this.fitting([() => attempt(false), () => attempt(true), () => last], family),
      };
    });
    return made as RenderedList;
  }

  /** The host port's list; `undefined` = no host policy asks there. */
  host(direction: ListDirection, family: Family): RenderedList | undefined {
    const key = `host ${direction} ${this.aroundKeys[family]}`;
    const compose = direction === 'ingress' ? hostIngress : hostEgress;
    return this.lists.get(key, () => {
      const first = compose(this.composer(family, false));
      if (first === undefined) return { made: undefined };
      const attempt = (fallback: boolean): Compiled =>
        compose(this.composer(family, fallback)) ?? first;
      const last = (): Compiled => hostLastResort(direction, this.composer(family, true));
      return { made: this.fitting([() => attempt(false), () => attempt(true), last], family) };
    }).made;
  }

  /** What stands in for the host port's list while that cannot be written: its failsafes. `undefined` as `host`. */
  hostClosed(direction: ListDirection, family: Family): RenderedList | undefined {
    if (this.host(direction, family) === undefined) return undefined;
    const key = `host closed ${direction} ${this.aroundKeys[family]}`;
    return this.lists.get(key, () => {
      const last = (): Compiled => hostLastResort(direction, this.composer(family, true));
      return { made: this.fitting([last], family) };
    }).made;
  }

  /** The first that fits: the whole list, all but WORKLOAD replaced by failsafes and deny, the last resort; or deny. */
  private fitting(attempts: readonly (() => Compiled)[], family: Family): RenderedList {
    const reasons: Narrowing[] = [];
    for (const compiled of attempts) {
      const { list, narrowings } = compiled();
      const rendered = render(list, family, this.limits);
      if (rendered.spec !== undefined) {
        const { spec, text } = rendered;
        const object = { key: this.names.listPolicy(text), spec };
        return { object, narrowings: [...reasons, ...narrowings, ...rendered.narrowings] };
      }
      if (reasons.length === 0) {
        reasons.push({ code: 'budget', reason: `${rendered.reason}; more is denied instead` });
      }
    }
    const { spec, text } = new RuleWriter(this.format(), family).done();
    return { object: { key: this.names.listPolicy(text), spec }, narrowings: reasons };
  }

  private format(): 'COMPACT' | 'FLATTENED' {
    return this.limits.compactRules ? 'COMPACT' : 'FLATTENED';
  }

  private composer(family: Family, fallback: boolean): Composer {
    const key = `${family} ${fallback}`;
    let composer = this.composers.get(key);
    if (composer === undefined) {
      const facts = this.facts(family);
      const { productMax, compactRules } = this.limits;
      const compiler = { lists: this.stages, productMax, fallback };
      const guards = new OutsideGuards(this.around?.outside ?? {}, facts, compiler);
      composer = { ...compiler, compactRules, facts, guards };
      this.composers.set(key, composer);
    }
    return composer;
  }

  private facts(family: Family): FamilyFacts {
    const facts = this.around?.facts[family];
    if (facts === undefined) throw new InternalError('lists were asked for before surround()');
    return facts;
  }

  private podKey(program: PortProgram, family: Family): string {
    const { toHostAction, fromHostBypass, deniedEncapsulation } = program;
    const { vxlanPort = '-', ipip } = deniedEncapsulation;
    const settings = `${toHostAction} ${fromHostBypass} ${vxlanPort} ${ipip}`;
    return `${this.stagesKey(program, family)} ${settings}`;
  }

  private stagesKey(program: PortProgram | undefined, family: Family): string {
    if (program === undefined) return '-';
    const { compileOptions: options } = this;
    return program.stages
      .map(({ kind, direction }) => {
        const compiled = compileStage(program, kind, direction, family, options);
        return compiled === undefined ? '' : `${kind}.${direction}.${this.numbers.of(compiled)}`;
      })
      .join(',');
  }

  private get compileOptions() {
    return { lists: this.stages, productMax: this.limits.productMax, fallback: false };
  }

  private aroundKey({ facts, outside }: Surroundings, family: Family): string {
    const { host, toHost, pods, tunnel, tunnelled } = facts[family];
    const own = [host, toHost].map((set) => this.numbers.of(set)).join('.');
    if (outside.uplink === undefined && outside.tunnel === undefined) return `${family} ${own}`;
    const others = [pods, tunnel].map((set) => this.numbers.of(set)).join('.');
    const programs = [outside.uplink, outside.tunnel].map((of) => this.stagesKey(of, family));
    return `${family} ${own} ${others} ${tunnelled} ${programs.join(' ')}`;
  }
}

const CLOSED: Compiled = { list: always('deny', 'budget'), narrowings: [] };
