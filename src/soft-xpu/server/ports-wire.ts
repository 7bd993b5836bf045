/** Ports, decisions and passages of the data plane as messages of network/k8s. */
import type { k8s } from '../../gen/opi/types.js';
import type { Draft } from '../../opi/codec/draft.js';
import { decodePort, encodePort, type PortSpec } from '../../opi/codec/packet.js';
import type { NameOf } from '../../opi/codec/names.js';
import type { Maybe } from '../../opi/codec/address.js';
import type { Decision, DropReason } from '../memory/decision.js';
import type { Count } from '../memory/counters.js';
import { HOST_PORT, TUNNEL_PORT, UPLINK_PORT, type PortRef } from '../memory/port.js';
import type { Passage } from '../memory/walk.js';

/** Message of a port. */
export function portMessage(port: PortRef, nameOf: NameOf): Draft<k8s.PortRef> {
  return encodePort(specOf(port), nameOf);
}

/** Port of a message. Throws WireError. */
export function portOfMessage(message: Maybe<k8s.PortRef>, field: string): PortRef {
  const spec = decodePort(message, field);
  if ('vnic' in spec) return { kind: 'vnic', id: spec.vnic.id };
  return { UPLINK: UPLINK_PORT, TUNNEL: TUNNEL_PORT, HOST: HOST_PORT }[spec.port];
}

/** Message of a verdict. */
export function verdictMessage({ verdict }: Passage): k8s.PacketVerdict {
  return `PACKET_VERDICT_${verdict}`;
}

/** Message of a drop reason; none is "unspecified". */
export function dropReasonMessage(reason: DropReason | undefined): k8s.DropReason {
  return `DROP_REASON_${reason ?? 'UNSPECIFIED'}`;
}

/** Message of one decision. */
export function decisionMessage(decision: Decision, nameOf: NameOf): Draft<k8s.PacketDecision> {
  const { kind, port, direction, stage, tierId, policyId, ruleId, ruleList } = decision;
  const policyKind = kind === 'SECURITY_POLICY' ? 'securityPolicy' : 'networkPolicy';
  return {
    kind: `DECISION_KIND_${kind}`,
    port: portMessage(port, nameOf),
    direction: `POLICY_DIRECTION_${direction}`,
    stage: `POLICY_STAGE_KIND_${stage ?? 'UNSPECIFIED'}`,
    tier_id: tierId ?? '',
    policy_name_ref: policyId === undefined ? '' : nameOf({ kind: policyKind, id: policyId }),
    rule_id: ruleId ?? '',
    rule_list: `NETWORK_POLICY_RULE_LIST_${ruleList ?? 'UNSPECIFIED'}`,
  };
}

/** Messages of drop counters. */
export function dropMessages(drops: ReadonlyMap<DropReason, Readonly<Count>>): k8s.DropStats[] {
  return [...drops].map(([reason, count]) => ({
    reason: dropReasonMessage(reason),
    ...countMessage(count),
  }));
}

/** Message fields of a counter. */
export function countMessage({ packets, bytes }: Readonly<Count>): {
  readonly packet_count: string;
  readonly byte_count: string;
} {
  return { packet_count: String(packets), byte_count: String(bytes) };
}

/** A point in time, from milliseconds since the epoch. */
export function timestampOf(epochMs: number): { readonly seconds: string; readonly nanos: number } {
  return durationOf(epochMs);
}

/** A span of time, from milliseconds. */
export function durationOf(ms: number): { readonly seconds: string; readonly nanos: number } {
  const seconds = Math.floor(ms / 1000);
  return { seconds: String(seconds), nanos: Math.floor((ms - seconds * 1000) * 1e6) };
}

function specOf(port: PortRef): PortSpec {
  switch (port.kind) {
    case 'vnic':
      return { vnic: { kind: 'vnic', id: port.id } };
    case 'host':
      return { port: 'HOST' };
    case 'uplink':
      return { port: 'UPLINK' };
    case 'tunnel':
      return { port: 'TUNNEL' };
  }
}
