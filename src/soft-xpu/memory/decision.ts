/** What was decided about a packet on its way, and where (the PacketDecision and DropReason of network/k8s). */
import type { Direction, RuleListName, StageKind } from '../../opi/objects/specs.js';
import type { RuleCounter } from './counters.js';
import { portText, type PortRef } from './port.js';

/** What decided. `BUILT_IN` is a fixed rule of the packet model; its note says which. */
export type DecisionKind =
  | 'RULE'
  | 'PROFILE_RULE'
  | 'TIER_DEFAULT'
  | 'PROFILE_END'
  | 'FAILSAFE'
  | 'ESTABLISHED'
  | 'BUILT_IN'
  | 'SECURITY_POLICY';

/** Why a packet was dropped. */
export type DropReason =
  | 'RULE'
  | 'TIER_DEFAULT'
  | 'PROFILE_END'
  | 'NO_BINDING'
  | 'BINDING_DISABLED'
  | 'SOURCE'
  | 'ENCAPSULATION'
  | 'INVALID_STATE'
  | 'TO_HOST'
  | 'NO_MAPPING'
  | 'UNKNOWN_PEER'
  | 'SECURITY_POLICY'
  | 'ADMIN_DOWN'
  | 'FLOW_TABLE_FULL'
  | 'MALFORMED';

/** What one decision did to the packet. `LOG` and `PASS` are noted on the way and decide nothing. */
export type DecisionEffect = 'ALLOW' | 'DENY' | 'PASS' | 'LOG';

/** One decision. */
export interface Decision {
  readonly kind: DecisionKind;
  readonly effect: DecisionEffect;
  readonly port: PortRef;
  readonly direction: Direction;
  readonly stage?: StageKind;
  readonly tierId?: string;
  /** NetworkPolicy or SecurityPolicy. */
  readonly policyId?: string;
  readonly ruleId?: string;
  readonly ruleList?: RuleListName;
  /** Set if a rule decided. */
  readonly counter?: RuleCounter;
  /** Set if the decision dropped the packet. */
  readonly dropReason?: DropReason;
  /** A few words for people. */
  readonly note?: string;
}

/** One line for people. */
export function decisionText(decision: Decision): string {
  const place = [portText(decision.port), decision.direction, decision.stage ?? ''];
  const what = [
    decision.tierId === undefined ? '' : `tier ${decision.tierId}`,
    decision.policyId === undefined ? '' : `policy ${decision.policyId}`,
    decision.ruleId === undefined ? '' : `rule ${decision.ruleId}`,
    decision.note ?? '',
  ];
  const words = [...place, decision.kind, ...what, decision.effect, decision.dropReason ?? ''];
  return words.filter((word) => word !== '').join(' ');
}
