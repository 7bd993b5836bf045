/** Answers why a packet passes or not: the whole way by Calico's rules, and what a plain target makes of it. */
import type { Family } from '../../base/ip.js';
import type { StageKind } from '../../opi/objects/specs.js';
import type { TargetCapabilities } from '../../opi/objects/target.js';
import type { Decision, DropReason } from '../../soft-xpu/memory/decision.js';
import { packetOf, type Packet, type PacketFields } from '../../soft-xpu/memory/packet.js';
import type { Degradation } from '../../translators/degradation.js';
import { NATIVE } from './capabilities.js';
import { CompiledNode, type OutsidePort, type WalkedPacket } from './compiled-node.js';
import { ExplainError } from './errors.js';
import { findEnds, type Ends, type Place } from './place.js';
import type { Transport } from './question.js';
import { RuleSources } from './rule-sources.js';
import {
  reportLater,
  reportStage,
  resultOf,
  type ReportContext,
  type StageStep,
} from './stage-report.js';
import { laterStages, type LaterStage } from './later-stages.js';
import type { ExplainSource } from './source.js';
import { bearingOn, notesOn, tunnelNote } from './surroundings.js';

/** A question. */
export interface Question {
  readonly from: string;
  readonly to: string;
  readonly family?: Family | undefined;
  readonly transport: Transport;
  /** Where a packet from outside arrives, for who knows better than the routes of its source tell. */
  readonly arrivesBy?: OutsidePort | undefined;
  /** Also tell what stands behind what decided. */
  readonly allPolicies: boolean;
}

/** One thing that happened to the packet. */
export type PathEntry =
  | {
      readonly kind: 'stage';
      /** `namespace/pod`, `host`, `uplink` or `tunnel`. */
      readonly port: string;
      /** `from`: the packet came in from the port's owner; `to`: it goes out to it. */
      readonly direction: 'from' | 'to';
      readonly stage: StageKind;
      /** Of a stage that was not asked: what it would have come to. */
      readonly result: 'allow' | 'deny' | 'continue';
      readonly asked: boolean;
      readonly steps: readonly StageStep[];
    }
  | {
      /** A rule that is always there: sources, encapsulation, packets to the host, and the like. */
      readonly kind: 'fixed';
      readonly port: string;
      readonly direction: 'from' | 'to';
      readonly result: 'allow' | 'deny';
      readonly reason: string;
    };

/** What a plain target's lists say. */
export interface ListVerdict {
  readonly allow: boolean;
  /** The rules of lists that matched, in order: `PORT egress: RULE: allow`. */
  readonly path: readonly string[];
}

/** The answer. */
export interface Explanation {
  readonly source: string;
  readonly from: Place;
  readonly to: Place;
  readonly packet: PacketFields;
  /** By Calico's rules. */
  readonly allow: boolean;
  /** Where it came out, or was about to: `namespace/pod`, `host`, `uplink`, `tunnel`; absent if that was not known. */
  readonly exit?: string;
  readonly dropReason?: DropReason;
  readonly path: readonly PathEntry[];
  /** Present for plain targets. */
  readonly plain?: ListVerdict;
  /** Narrowings that bear on the ports of this packet. */
  readonly degraded: readonly Degradation[];
  /** What else a reader should know. */
  readonly notes: readonly string[];
}

/** What becomes of an answer. */
export interface Reply {
  readonly allow: boolean;
  /** Where it came out. */
  readonly exit?: string;
  /** Why it is dropped; empty where it is not. */
  readonly reason: string;
}

/** Answers questions about one state, which is compiled once. */
export class Explainer {
  private readonly source: ExplainSource;
  private readonly calico: CompiledNode;
  private readonly plain: CompiledNode | undefined;
  private readonly sources: RuleSources;

  /** `capabilities`: what enforces. A plain target is asked beside Calico's rules. */
  constructor(source: ExplainSource, capabilities: TargetCapabilities) {
    this.source = source;
    this.calico = new CompiledNode(source, NATIVE);
    this.plain =
      capabilities.level === 'plain' ? new CompiledNode(source, capabilities) : undefined;
    this.sources = new RuleSources(source.state, this.calico.names);
  }

  /** Throws `ExplainError` for places that are not there. */
  explain(question: Question): Explanation {
    const { source, calico, plain } = this;
    const ends = arrivingBy(findEnds(question, source), question.arrivesBy);
    requirePort(ends.from, calico);
    const fields = packetFields(ends, question.transport);
    const packet = packetOf(fields);
    const walked = calico.walk(ends.from, packet);
    const { passage } = walked;
    const { translator } = plain ?? calico;
    return {
      source: source.name,
      from: ends.from,
      to: ends.to,
      packet: fields,
      allow: passage.verdict === 'ALLOW',
      ...(passage.exit === undefined ? {} : { exit: calico.portName(passage.exit) }),
      ...(passage.dropReason === undefined ? {} : { dropReason: passage.dropReason }),
      path: pathOf(walked, calico, this.reportContext(packet, question.allPolicies)),
      ...(plain === undefined ? {} : { plain: listVerdict(plain, plain.walk(ends.from, packet)) }),
      degraded: bearingOn(ends, translator.degradations(), source.state),
      notes: [
        ...(passage.exit?.kind === 'tunnel' ? [tunnelNote(ends.to, translator.overlay())] : []),
        ...notesOn(ends, source, translator.expectations()),
      ],
    };
  }

  /** What becomes of the answer to a packet that was allowed; `arrivesBy` = where it comes back, if not where that went out. */
  reply({ from, packet }: Explanation, arrivesBy?: OutsidePort): Reply {
    const { calico } = this;
    const { verdict, exit, dropReason } = calico.walkReply(from, packetOf(packet), arrivesBy);
    return {
      allow: verdict === 'ALLOW',
      ...(exit === undefined ? {} : { exit: calico.portName(exit) }),
      reason: dropReason === undefined ? '' : DROP_REASONS[dropReason],
    };
  }

  private reportContext(packet: Packet, all: boolean): ReportContext {
    const { calico, sources } = this;
    const policy = (id: string) => calico.xpu.dataPlane.policy(id);
    return { packet, policy, groups: calico.groups, sources, all };
  }
}

function arrivingBy(ends: Ends, port: OutsidePort | undefined): Ends {
  if (port === undefined || ends.from.kind !== 'outside') return ends;
  return { ...ends, from: { ...ends.from, tunnelled: port === 'tunnel' } };
}

/** A pod that is bound to nothing can send nothing. */
function requirePort(place: Place, { translator }: CompiledNode): void {
  const error = place.kind === 'pod' ? translator.expectations().get(place.key)?.error : undefined;
  if (error === undefined) return;
  const message = `${place.name} has no port: ${error}`;
  throw new ExplainError({ code: 'no-port', op: 'explain', message });
}

function packetFields({ from, to, family }: Ends, transport: Transport): PacketFields {
  const protocol = transport.icmp !== undefined && family === 6 ? 58 : transport.protocol;
  return { source: from.address, destination: to.address, ...transport, protocol };
}

/** Decisions of the path in order, those of a stage as its report. */
function pathOf(walked: WalkedPacket, node: CompiledNode, context: ReportContext): PathEntry[] {
  const { passage, stages } = walked;
  const entries: PathEntry[] = [];
  let next = 0;
  for (const asked of stages) {
    const [first, end] = asked.decisions;
    entries.push(...passage.path.slice(next, first).map((decision) => fixedEntry(decision, node)));
    entries.push({
      ...stageEntry(asked, node),
      ...told(reportStage(asked, passage.path.slice(first, end), context), true),
    });
    next = end;
  }
  entries.push(...passage.path.slice(next).map((decision) => fixedEntry(decision, node)));
  const later = context.all ? laterStages(walked, node) : [];
  return [
    ...entries,
    ...later.map((stage) => ({
      ...stageEntry(stage, node),
      ...told(reportLater(stage, context), false),
    })),
  ];
}

function stageEntry({ port, stage }: LaterStage, node: CompiledNode) {
  return {
    kind: 'stage',
    port: node.portName(port),
    direction: stage.direction === 'FROM_PORT' ? 'from' : 'to',
    stage: stage.kind,
  } as const;
}

function told(steps: readonly StageStep[], asked: boolean) {
  return { result: resultOf(steps), asked, steps };
}

function fixedEntry(decision: Decision, node: CompiledNode): PathEntry {
  const { port, direction, effect, dropReason, note } = decision;
  return {
    kind: 'fixed',
    port: node.portName(port),
    direction: direction === 'FROM_PORT' ? 'from' : 'to',
    result: effect === 'ALLOW' ? 'allow' : 'deny',
    reason: dropReason === undefined ? (note ?? '') : DROP_REASONS[dropReason],
  };
}

const DROP_REASONS: Readonly<Record<DropReason, string>> = {
  RULE: 'a rule denies',
  TIER_DEFAULT: 'the default action of a tier denies',
  PROFILE_END: 'no profile allows',
  NO_BINDING: 'the port has no policy yet',
  BINDING_DISABLED: 'the endpoint is not active: nothing passes',
  SOURCE: 'the source address is not one that may be sent from here',
  ENCAPSULATION: 'pods may not send tunnel packets',
  INVALID_STATE: 'the packet belongs to no connection and begins none',
  TO_HOST: 'DefaultEndpointToHostAction drops what pods send to their own node',
  NO_MAPPING: 'no pod of this node has the address, and its route leads nowhere',
  UNKNOWN_PEER: 'a tunnel packet of an unknown peer',
  SECURITY_POLICY: 'a list denies',
  ADMIN_DOWN: 'the interface is down',
  FLOW_TABLE_FULL: 'no more connections can be tracked',
  MALFORMED: 'the packet is malformed',
};

function listVerdict(node: CompiledNode, { passage }: WalkedPacket): ListVerdict {
  const path = passage.path.map(({ port, direction, effect, ruleId, note, dropReason }) => {
    const side = direction === 'FROM_PORT' ? 'egress' : 'ingress';
    const reason = dropReason === undefined ? (note ?? '') : DROP_REASONS[dropReason];
    const what = ruleId ?? (reason === 'a list denies' ? 'no rule matched' : reason);
    return `${node.portName(port)} ${side}: ${what}: ${effect.toLowerCase()}`;
  });
  return { allow: passage.verdict === 'ALLOW', path };
}
