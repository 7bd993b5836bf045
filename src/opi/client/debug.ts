/**
 * Client of soft-xpu's Debug service, for tests, the lab and the command line. No XPU offers the service; nothing in
 * production calls it.
 */
import type { k8s, softxpu } from '../../gen/opi/types.js';
import { encodeIp, isSet, type Maybe } from '../codec/address.js';
import type { Draft } from '../codec/draft.js';
import { WireError } from '../codec/errors.js';
import { relativeName } from '../codec/names.js';
import { decodePacket, decodePort, encodePacket, encodePort } from '../codec/packet.js';
import type { PacketSpec, PortSpec } from '../codec/packet.js';
import { OpiError } from '../objects/errors.js';
import { Calls } from './calls.js';
import type { Method } from './methods.js';
import { resolveOptions, type OpiClientOptions } from './options.js';

const SERVICE = 'calico_xpu.softxpu.v1alpha1.DebugService';

/** A port: a vNIC or well known port, the owner of an interface name, or whoever holds an address. */
export type WalkPort = PortSpec | { readonly ifname: string } | { readonly address: string };

/** A packet to send through the data plane. */
export interface WalkRequest {
  readonly entry: WalkPort;
  readonly packet: PacketSpec;
  /** Judge it as if no connection were tracked. Default false. */
  readonly freshConnections?: boolean;
  /** Keep the connection it begins. Default false. */
  readonly commit?: boolean;
}

/** The decision that fixed a verdict. Names are without their prefixes, ids without their collections. */
export interface WalkDecision {
  /** `RULE`, `PROFILE_RULE`, `TIER_DEFAULT`, `PROFILE_END`, `FAILSAFE`, `ESTABLISHED`, `BUILT_IN`, `SECURITY_POLICY`. */
  readonly kind: string;
  readonly port?: PortSpec;
  readonly direction: string;
  readonly stage: string;
  readonly tierId: string;
  /** Server's name of the policy; empty if none decided. */
  readonly policy: string;
  readonly ruleId: string;
  readonly ruleList: string;
}

/** What became of a packet. */
export interface WalkResult {
  readonly verdict: 'ALLOW' | 'DENY';
  readonly exit?: PortSpec;
  /** Interface name of the exit port; empty if it has none. */
  readonly exitIfname: string;
  readonly decision?: WalkDecision;
  /** Name of the DropReason without its prefix, e.g. `SOURCE`; empty for allowed packets. */
  readonly dropReason: string;
  readonly trace: readonly string[];
  readonly exitPacket?: PacketSpec;
}

/** Counts since the server's start. */
export interface DebugStats {
  /** By kind. */
  readonly objects: Readonly<Record<string, number>>;
  /** By method path `/package.Service/Method`. */
  readonly calls: Readonly<Record<string, number>>;
  readonly members: number;
  readonly connections: number;
  readonly uploads: number;
}

/** How later calls of a method fail. */
export interface Injection {
  /** Method path `/package.Service/Method`, or `*`. */
  readonly method: string;
  /** Calls that pass first. Default 0. */
  readonly skip?: number;
  /** Calls that then fail; -1 = all. Default 1. */
  readonly count?: number;
  /** gRPC status code; 0 = succeed after the delay. */
  readonly code: number;
  readonly message?: string;
  readonly delayMs?: number;
  /** The call takes effect and fails all the same. Default false. */
  readonly afterEffect?: boolean;
  /** Break the connection instead of answering. Default false. */
  readonly dropConnection?: boolean;
}

/** See the file head. Every method fails with `OpiError`; none is retried. */
export class DebugClient {
  private readonly calls: Calls;

  constructor(options: OpiClientOptions) {
    this.calls = new Calls({ ...resolveOptions(options), retryCount: 0 });
  }

  /** The whole state as text: objects by id and spec, with members. */
  async dump(): Promise<string> {
    const answer = await this.call<softxpu.DumpRequest, softxpu.DumpResponse>('Dump', {});
    return answer.text;
  }

  /** Replaces the whole state by a text of `dump`; gives the number of objects. */
  async load(text: string): Promise<number> {
    const answer = await this.call<softxpu.LoadRequest, softxpu.LoadResponse>('Load', { text });
    return Number(answer.object_count);
  }

  /** Counts of objects and calls. */
  async stats(): Promise<DebugStats> {
    const answer = await this.call<softxpu.StatsRequest, softxpu.StatsResponse>('Stats', {});
    return {
      objects: numbers(answer.object_counts),
      calls: numbers(answer.call_counts),
      members: Number(answer.member_count),
      connections: Number(answer.connection_count),
      uploads: Number(answer.upload_count),
    };
  }

  /** Sends one packet. */
  async walk(request: WalkRequest): Promise<WalkResult> {
    const message = translated('INVALID', () => ({
      entry_port: encodeWalkPort(request.entry),
      packet: encodePacket(request.packet),
      fresh_connections: request.freshConnections ?? false,
      commit: request.commit ?? false,
    }));
    const answer = await this.call<softxpu.WalkRequest, softxpu.WalkResponse>('Walk', message);
    return translated('UNKNOWN', () => decodeWalk(answer));
  }

  /** Forgets every tracked connection; gives their number. */
  async flushConnections(): Promise<number> {
    const answer = await this.call<
      softxpu.FlushConnectionsRequest,
      softxpu.FlushConnectionsResponse
    >('FlushConnections', {});
    return Number(answer.flushed_count);
  }

  /** Sets table sizes by kind, `groupMembers` or `rulesPerPolicy`; 0 lifts a limit. */
  async setLimits(limits: Readonly<Record<string, number>>): Promise<void> {
    const texts = Object.entries(limits).map(([table, size]) => [table, String(size)]);
    await this.call<softxpu.SetLimitsRequest, softxpu.SetLimitsResponse>('SetLimits', {
      limits: Object.fromEntries(texts) as Record<string, string>,
    });
  }

  /** Makes later calls fail or wait. */
  async injectFailure(injection: Injection): Promise<void> {
    const { delayMs } = injection;
    await this.call<softxpu.InjectFailureRequest, softxpu.InjectFailureResponse>('InjectFailure', {
      method: injection.method,
      skip_count: injection.skip ?? 0,
      call_count: injection.count ?? 1,
      code: injection.code,
      message: injection.message ?? 'injected',
      delay: delayMs === undefined ? undefined : encodeDuration(delayMs),
      after_effect: injection.afterEffect ?? false,
      drop_connection: injection.dropConnection ?? false,
    });
  }

  /** Withdraws every injection that has not taken effect; gives their number. */
  async clearFailures(): Promise<number> {
    const answer = await this.call<softxpu.ClearFailuresRequest, softxpu.ClearFailuresResponse>(
      'ClearFailures',
      {},
    );
    return Number(answer.cleared_count);
  }

  /** Ends the connection. */
  close(): void {
    this.calls.close();
  }

  private call<Req, Res>(name: string, request: Draft<Req>): Promise<Res> {
    const method: Method<Req, Res> = { service: SERVICE, name };
    return this.calls.call(method, request);
  }
}

/** Client of the Debug service at `options.address`. */
export function connectDebug(options: OpiClientOptions): DebugClient {
  return new DebugClient(options);
}

function numbers(counts: Readonly<Record<string, string>>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, Number(count)]));
}

function encodeDuration(ms: number): { seconds: string; nanos: number } {
  return { seconds: String(Math.floor(ms / 1000)), nanos: Math.round((ms % 1000) * 1e6) };
}

function encodeWalkPort(port: WalkPort): Draft<softxpu.DebugPort> {
  if ('ifname' in port) return { ifname: port.ifname };
  if ('address' in port) return { address: encodeIp(port.address, 'entry_port.address') };
  return { ref: encodePort(port, relativeName) };
}

/** Result of `work`; a message that cannot be translated is an OpiError of the code. */
function translated<T>(code: 'INVALID' | 'UNKNOWN', work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (!(thrown instanceof WireError)) throw thrown;
    throw new OpiError({ code, op: 'Walk', message: thrown.message, cause: thrown });
  }
}

function decodeWalk(answer: softxpu.WalkResponse): WalkResult {
  return {
    verdict: answer.verdict === 'PACKET_VERDICT_ALLOW' ? 'ALLOW' : 'DENY',
    ...optionalExit(answer.exit_port),
    exitIfname: answer.exit_ifname,
    ...(isSet(answer.decision) ? { decision: decodeDecision(answer.decision) } : {}),
    dropReason: unprefixed(answer.drop_reason, 'DROP_REASON_'),
    trace: answer.trace,
    ...(isSet(answer.exit_packet) ? { exitPacket: decodePacket(answer.exit_packet) } : {}),
  };
}

function optionalExit(port: Maybe<k8s.PortRef>): Pick<WalkResult, 'exit'> {
  return port?.port === undefined ? {} : { exit: decodePort(port, 'exit_port') };
}

function decodeDecision(decision: k8s.PacketDecision): WalkDecision {
  const port = decision.port;
  return {
    kind: unprefixed(decision.kind, 'DECISION_KIND_'),
    ...(port?.port === undefined ? {} : { port: decodePort(port, 'decision.port') }),
    direction: unprefixed(decision.direction, 'POLICY_DIRECTION_'),
    stage: unprefixed(decision.stage, 'POLICY_STAGE_KIND_'),
    tierId: decision.tier_id,
    policy: decision.policy_name_ref,
    ruleId: decision.rule_id,
    ruleList: unprefixed(decision.rule_list, 'NETWORK_POLICY_RULE_LIST_'),
  };
}

/** Rest of an enum name; empty for its unspecified value. A value of a newer server is a number. */
function unprefixed(value: string | number, prefix: string): string {
  const name = `${value}`;
  const rest = name.startsWith(prefix) ? name.slice(prefix.length) : name;
  return rest === 'UNSPECIFIED' ? '' : rest;
}
