/** DebugService of soft-xpu: dump, load, counts, walks, failures on request. */
import { status } from '@grpc/grpc-js';
import type { softxpu } from '../../gen/opi/types.js';
import { decodeIp } from '../../opi/codec/address.js';
import { malformed } from '../../opi/codec/errors.js';
import { decodePacket } from '../../opi/codec/packet.js';
import { OBJECT_KINDS } from '../../opi/objects/key.js';
import { parseIp } from '../../base/ip.js';
import { traceOf } from '../memory/data-plane.js';
import { packetOf } from '../memory/packet.js';
import { UPLINK_PORT, type PortRef } from '../memory/port.js';
import { Address } from '../store/address.js';
import { dumpStore, loadStore } from '../store/dump.js';
import { LIMIT_NAMES, type LimitName } from '../store/limits.js';
import type { ServerContext } from './context.js';
import type { Dispatcher, Handlers } from './dispatcher.js';
import type { FailureQueue } from './failures.js';
import { packetMessage } from './flows.js';
import {
  decisionMessage,
  dropReasonMessage,
  portMessage,
  portOfMessage,
  verdictMessage,
} from './ports-wire.js';
import { StatusError } from './status.js';

/** Full name of the service. */
export const DEBUG_SERVICE = 'calico_xpu.softxpu.v1alpha1.DebugService';

/** Handlers of DebugService. */
export function debugHandlers(
  context: ServerContext,
  failures: FailureQueue,
  dispatcher: Dispatcher,
): Handlers {
  const { store, dataPlane } = context;
  return {
    Dump: () => ({ text: dumpStore(store) }),
    Load: async ({ text }: softxpu.LoadRequest) => {
      loadStore(store, text);
      await dataPlane.reset();
      return { object_count: String(objectCount(context)) };
    },
    Stats: () => stats(context, dispatcher),
    Walk: (request: softxpu.WalkRequest) => walk(request, context),
    FlushConnections: async () => ({
      flushed_count: String(await dataPlane.flushFlows(() => true)),
    }),
    SetLimits: (request: softxpu.SetLimitsRequest) => setLimits(request, context),
    InjectFailure: (request: softxpu.InjectFailureRequest) => {
      const { seconds = '0', nanos = 0 } = request.delay ?? {};
      failures.add({
        method: request.method,
        skipCount: request.skip_count,
        callCount: request.call_count,
        code: request.code,
        message: request.message,
        delayMs: Number(seconds) * 1000 + Math.round(nanos / 1e6),
        afterEffect: request.after_effect,
        dropConnection: request.drop_connection,
      });
      return {};
    },
    ClearFailures: () => ({ cleared_count: String(failures.clear()) }),
  };
}

function objectCount({ store }: ServerContext): number {
  return OBJECT_KINDS.reduce((total, kind) => total + store.count(kind), 0);
}

async function stats({ store, dataPlane }: ServerContext, dispatcher: Dispatcher): Promise<object> {
  const counts = OBJECT_KINDS.map((kind) => [kind, String(store.count(kind))]);
  const calls = [...dispatcher.callCounts()].map(([path, count]) => [path, String(count)]);
  const members = store
    .list('addressGroup')
    .reduce((total, { object }) => total + (store.group(object.key.id)?.members.size ?? 0), 0);
  return {
    object_counts: Object.fromEntries(counts) as Record<string, string>,
    call_counts: Object.fromEntries(calls) as Record<string, string>,
    member_count: String(members),
    connection_count: String(await dataPlane.flowCount()),
    upload_count: String(store.uploads.size),
  } satisfies softxpu.StatsResponse;
}

async function walk(request: softxpu.WalkRequest, context: ServerContext): Promise<object> {
  const { dataPlane, nameOf } = context;
  const entry = entryPort(request.entry_port, context);
  const packet = packetOf(decodePacket(request.packet));
  const passage = await dataPlane.lookup(entry, packet, {
    fresh: request.fresh_connections,
    commit: request.commit,
  });
  const last = passage.path.at(-1);
  const allowed = passage.verdict === 'ALLOW' && passage.exit !== undefined;
  return {
    verdict: verdictMessage(passage),
    drop_reason: dropReasonMessage(passage.dropReason),
    trace: traceOf(passage, packet),
    ...(last === undefined ? {} : { decision: decisionMessage(last, nameOf) }),
    ...(allowed
      ? {
          exit_port: portMessage(passage.exit, nameOf),
          exit_ifname: passage.exitIfname ?? '',
          exit_packet: packetMessage(packet),
        }
      : {}),
  };
}

function entryPort(
  message: softxpu.WalkRequest['entry_port'],
  { dataPlane }: ServerContext,
): PortRef {
  if (message?.port === 'ref') return portOfMessage(message.ref, 'entry_port.ref');
  if (message?.port === 'ifname') {
    const vnic = dataPlane.topology.vnicOfInterface(message.ifname);
    if (vnic !== undefined) return vnic.ref;
    throw new StatusError(status.NOT_FOUND, `no vnic stands on interface ${message.ifname}`);
  }
  if (message?.port === 'address') {
    const ip = parseIp(decodeIp(message.address, 'entry_port.address'));
    const vnic = ip && dataPlane.topology.localVnic(new Address(ip), undefined);
    return vnic?.ref ?? UPLINK_PORT;
  }
  throw malformed('entry_port', 'missing');
}

function setLimits({ limits }: softxpu.SetLimitsRequest, { store }: ServerContext): object {
  const next: Partial<Record<LimitName, number>> = { ...store.limits };
  for (const [name, text] of Object.entries(limits)) {
    if (!(LIMIT_NAMES as readonly string[]).includes(name)) {
      throw malformed('limits', `unknown table ${name}`);
    }
    const count = Number(text);
    if (count < 0) throw malformed(`limits[${name}]`, `${text} is negative`);
    if (count === 0) Reflect.deleteProperty(next, name);
    else next[name as LimitName] = count;
  }
  store.limits = next;
  return {};
}
