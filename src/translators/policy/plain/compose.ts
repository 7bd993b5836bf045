/** The lists of one Vnic and one family: its own stages, and those of the ports without lists, all of which must pass. */
import type { PortProgram } from '../program.js';
import { everything, ICMP, icmpProtocol, narrow, PORTS, protocolSet, type Box } from './box.js';
import {
  always,
  bind,
  both,
  onlyFor,
  prepend,
  restrict,
  stepsOf,
  type Compiled,
  type Narrowing,
  type Step,
} from './decision-list.js';
import { compileStage, PASSES, type OutsideGuards, type StageCompiler } from './host-stages.js';
import type { FamilyFacts } from './node-facts.js';

/** What a composition works with. */
export interface Composer extends StageCompiler {
  readonly facts: FamilyFacts;
  readonly guards: OutsideGuards;
  readonly compactRules: boolean;
}

const CLOSED: Compiled = { list: always('deny', 'no-policy'), narrowings: [] };

/** What a pod receives. Packets of the host come first: foreign ports cannot send from the host's addresses. */
export function podIngress(program: PortProgram, composer: Composer): Compiled {
  const { facts, guards } = composer;
  const workload = compileStage(program, 'WORKLOAD', 'TO_PORT', facts.family, composer) ?? CLOSED;
  const forward = compileStage(program, 'FORWARD', 'TO_PORT', facts.family, composer);
  const own = forward === undefined ? workload : both(forward, workload, composer.productMax);
  const guard = guards.toPod();
  const all = everything(facts.family);
  const body =
    guard === undefined
      ? own
      : guarded(guard, narrow(all, { source: facts.foreign }), own, composer, {
          others: narrow(all, { source: facts.pods }),
        });
  return withFront(fromHost(program, workload, facts), body);
}

/** Packets that the host sent meet the pod's own policy alone, and not even that with `from_host_bypass`. */
function fromHost(program: PortProgram, workload: Compiled, facts: FamilyFacts): readonly Step[] {
  const box = narrow(everything(facts.family), { source: facts.host });
  if (box === undefined) return [];
  return program.fromHostBypass
    ? stepsOf([box], 'allow', 'from-host')
    : restrict(workload.list, box);
}

/** What a pod sends. */
export function podEgress(program: PortProgram, composer: Composer): Compiled {
  const { facts } = composer;
  const { family } = facts;
  const workload = compileStage(program, 'WORKLOAD', 'FROM_PORT', family, composer) ?? CLOSED;
  const own = leaving(withFront(alwaysOnEgress(program, facts), workload), composer);
  const preDnat = compileStage(program, 'PRE_DNAT', 'FROM_PORT', family, composer);
  const forward = compileStage(program, 'FORWARD', 'FROM_PORT', family, composer);
  if (preDnat === undefined && forward === undefined) return own;
  const beyondHost = narrow(everything(family), { destination: facts.toHost.complement() });
  const limited: Compiled =
    forward === undefined || beyondHost === undefined
      ? PASSES
      : { ...forward, list: onlyFor(forward.list, beyondHost) };
  const star =
    preDnat === undefined ? limited : bind(preDnat, 'pass', limited, composer.productMax);
  return both(star, own, composer.productMax);
}

/** FORWARD stages of the ports without lists, chosen by the destination. */
function leaving(own: Compiled, composer: Composer): Compiled {
  const { facts, guards } = composer;
  const all = everything(facts.family);
  let result = own;
  for (const [port, destination] of [
    ['tunnel', facts.tunnel],
    ['uplink', facts.outside],
  ] as const) {
    const guard = guards.leaving(port);
    if (guard === undefined) continue;
    const others = narrow(all, { destination: destination.complement() });
    result = guarded(guard, narrow(all, { destination }), result, composer, { others });
  }
  return result;
}

/** MLD and neighbour discovery that a pod may always send to the host (felix-protocol: workload to host). */
const NEIGHBOUR_TYPES = [130, 131, 132, 133, 135, 136];

/** Rules of every pod, in front of its policy (felix-protocol: tiers, step 7; workload to host). */
function alwaysOnEgress(program: PortProgram, facts: FamilyFacts): Step[] {
  const all = everything(facts.family);
  const { vxlanPort, ipip } = program.deniedEncapsulation;
  const toHost = narrow(all, { destination: facts.maybeToHost });
  const neighbours = facts.family === 6 ? neighbourDiscovery(facts) : undefined;
  const vxlan = vxlanPort === undefined ? undefined : udpTo(vxlanPort, all);
  const tunnelled = ipip ? narrow(all, { protocols: protocolSet(4) }) : undefined;
  const refused = program.toHostAction === 'DROP' ? toHost : undefined;
  return [
    ...stepsOf([neighbours], 'allow', 'neighbour-discovery'),
    ...stepsOf([vxlan], 'deny', 'encapsulation|vxlan'),
    ...stepsOf([tunnelled], 'deny', 'encapsulation|ipip'),
    ...stepsOf([refused], 'deny', 'to-host-action|DROP'),
  ];
}

function udpTo(port: number, all: Box): Box | undefined {
  return narrow(all, {
    protocols: protocolSet(17),
    destinationPorts: PORTS.ofRanges([{ low: port, high: port }]),
  });
}

function neighbourDiscovery(facts: FamilyFacts): Box | undefined {
  return narrow(everything(facts.family), {
    protocols: protocolSet(icmpProtocol(facts.family)),
    destination: facts.toHost,
    icmp: ICMP.ofRanges(
      NEIGHBOUR_TYPES.map((type) => ({ low: type * 256, high: type * 256 + 255 })),
    ),
  });
}

/** What the host receives: pods' packets are ruled by their own lists. `undefined` = no host policy, no list. */
export function hostIngress({ facts, guards }: Composer): Compiled | undefined {
  const guard = guards.toHost();
  if (guard === undefined) return undefined;
  const local = narrow(everything(facts.family), { source: facts.pods.or(facts.host) });
  const list = withFront(stepsOf([local], 'allow', 'from-this-node'), guard);
  if (facts.family === 4 || facts.pods.isEmpty) return list;
  return { ...list, narrowings: [...list.narrowings, LINK_LOCAL_PODS] };
}

const LINK_LOCAL_PODS: Narrowing = {
  code: 'not-expressible',
  reason:
    'packets of local pods from link-local addresses cannot be told from the wire: host policy decides about them too',
};

/** What the host sends: host policy holds for what leaves by the uplink. `undefined` = no host policy, no list. */
export function hostEgress({ facts, guards }: Composer): Compiled | undefined {
  const guard = guards.fromHost();
  if (guard === undefined) return undefined;
  const all = everything(facts.family);
  const local = narrow(all, { destination: facts.pods.or(facts.host) });
  const tunnel = narrow(all, { destination: facts.tunnel });
  const exempt = [
    ...stepsOf([local], 'allow', 'to-this-node'),
    ...stepsOf([tunnel], 'allow', 'to-tunnel'),
  ];
  return withFront(exempt, guard);
}

/** What a pod still receives when no list of its own fits: the host's packets. */
export function podIngressLastResort(program: PortProgram, facts: FamilyFacts): Compiled {
  return withFront(program.fromHostBypass ? fromHost(program, CLOSED, facts) : [], CLOSED);
}

/** What passes the host port when its list does not fit even without its policies: the failsafes. */
export function hostLastResort(direction: 'ingress' | 'egress', { guards }: Composer): Compiled {
  return (direction === 'ingress' ? guards.toHost() : guards.fromHost()) ?? CLOSED;
}

function withFront(front: readonly Step[], { list, narrowings }: Compiled): Compiled {
  return { list: prepend(front, list), narrowings };
}

/**
 * A list where packets inside `inside` must also pass `guard`. Either the guard is narrowed to `inside`, or what
 * follows is copied in front for the `others`: whichever is fewer rules on this target.
 */
function guarded(
  guard: Compiled,
  inside: Box | undefined,
  next: Compiled,
  composer: Composer,
  { others }: { readonly others: Box | undefined },
): Compiled {
  if (inside === undefined) return next;
  if (others === undefined) return both(guard, next, composer.productMax);
  const narrowed = guard.list.steps.length * rangesOf(inside);
  const copied = next.list.steps.length * rangesOf(others);
  if (composer.compactRules || narrowed <= copied) {
    const limited = { ...guard, list: onlyFor(guard.list, inside) };
    return both(limited, next, composer.productMax);
  }
  return withFront(restrict(next.list, others), both(guard, next, composer.productMax));
}

function rangesOf(box: Box): number {
  return box.source.rangeCount * box.destination.rangeCount;
}
