/** Builds the status from what the parts of a node's agent know. Pure. */
import { OBJECT_KINDS, keyText } from '../opi/objects/key.js';
import type { PlanEntry } from '../opi/objects/plan.js';
import type { OriginStatus } from '../reconciler/types.js';
import { sortDegradations, type Degradation } from '../translators/degradation.js';
import type { Pipeline } from './pipeline.js';
import type { AgentStatus, FelixStatus, UnreadyObject, XpuStatus } from './status.js';
import type { XpuConnection } from './xpu-link.js';

/** What the status is built from. */
export interface StatusParts {
  readonly mode: 'agent' | 'standalone';
  readonly version: string;
  readonly node: string;
  readonly address: string;
  readonly pipeline: Pipeline;
  readonly connection: XpuConnection | undefined;
  readonly connected: boolean;
  readonly configProblems: readonly string[];
}

/** Unready objects listed at most; `pending` and `failed` count all. */
const UNREADY_SHOWN = 100;
const NO_ORIGINS: ReadonlyMap<string, OriginStatus> = new Map();

/** The whole status. Work proportional to the plan. */
export function buildStatus(parts: StatusParts): AgentStatus {
  const { pipeline, connection } = parts;
  const translator = pipeline.link?.translator;
  const unready = unreadyObjects(pipeline.link?.reconciler.unready() ?? NO_ORIGINS);
  return {
    version: parts.version,
    pid: process.pid,
    mode: parts.mode,
    node: parts.node,
    felix: felixStatus(pipeline, parts.connected),
    xpu: xpuStatus(parts.address, connection),
    wanted: countKinds(translator?.plan() ?? []),
    pending: pipeline.link?.reconciler.pending ?? 0,
    failed: unready.filter(({ state }) => state === 'failed').length,
    unready: unready.slice(0, UNREADY_SHOWN),
    endpoints: Object.fromEntries(pipeline.endpoints.all),
    ...(translator === undefined ? {} : { overlay: translator.overlay() }),
    degraded: sortDegradations([
      ...(translator?.degradations() ?? []),
      ...tableFullDegradations(pipeline),
    ]),
    configProblems: parts.configProblems,
  };
}

/** The Felix part. */
export function felixStatus(pipeline: Pipeline, connected: boolean): FelixStatus {
  const { counters, store, session } = pipeline;
  return {
    session,
    connected,
    received: counters.received,
    applied: counters.applied,
    inSync: store.sessionInSync,
    calicoVersion: store.config.get('CalicoVersion') ?? '',
    sequenceGaps: counters.sequenceGaps,
    ignored: Object.fromEntries(counters.ignored),
    unknown: counters.unknown,
    problems: Object.fromEntries(store.problems.counts()),
  };
}

function xpuStatus(address: string, connection: XpuConnection | undefined): XpuStatus {
  const capabilities = connection?.link.capabilities;
  return {
    address,
    connected: capabilities !== undefined,
    level: capabilities?.level ?? 'unknown',
    bootId: capabilities?.bootId ?? '',
    reason: connection === undefined ? 'waiting for Felix' : connection.link.reason,
    calls: Object.fromEntries(connection?.calls() ?? []),
    writes: connection?.writes() ?? 0,
  };
}

/** Endpoints that a full table of the XPU keeps closed. */
function tableFullDegradations({ endpoints, link }: Pipeline): Degradation[] {
  return [...endpoints.all].flatMap(([subject, { status, reason }]) =>
    status === 'down' && link?.reconciler.originStatus(subject).tableFull === true
      ? [{ code: 'table-full' as const, subject, reason }]
      : [],
  );
}

function countKinds(plan: Iterable<PlanEntry>): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { object } of plan) {
    counts.set(object.key.kind, (counts.get(object.key.kind) ?? 0) + 1);
  }
  return Object.fromEntries(OBJECT_KINDS.map((kind) => [kind, counts.get(kind) ?? 0]));
}

function unreadyObjects(origins: ReadonlyMap<string, OriginStatus>): UnreadyObject[] {
  const objects = new Map<string, UnreadyObject>();
  for (const status of origins.values()) {
    for (const key of status.pending) {
      objects.set(keyText(key), { key: keyText(key), state: 'pending', reason: '' });
    }
    for (const { key, why } of status.failed) {
      objects.set(keyText(key), { key: keyText(key), state: 'failed', reason: why.message });
    }
  }
  return [...objects.values()];
}
