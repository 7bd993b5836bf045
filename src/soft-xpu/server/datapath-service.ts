/** DatapathService of the extension: capabilities, atomic batches, lookups, counters and connections. */
import { status } from '@grpc/grpc-js';
import { errorText } from '../../base/errors.js';
import type { k8s } from '../../gen/opi/types.js';
import { encodeCapabilities, K8S_CAPABILITIES_NAME } from '../../opi/codec/capabilities.js';
import { WireError } from '../../opi/codec/errors.js';
import { decodePacket } from '../../opi/codec/packet.js';
import { lastSegment } from '../../opi/objects/key.js';
import { packetOf } from '../memory/packet.js';
import { StoreError } from '../store/errors.js';
import type { OperationResult, StoreOperation } from '../store/object-store.js';
import type { ServerContext } from './context.js';
import type { Handlers } from './dispatcher.js';
import { flowChoice, flowMessage } from './flows.js';
import { EXTENSION_WORDS, type Operations } from './operations.js';
import { pageSize, type PageSizes } from './paging.js';
import {
  decisionMessage,
  dropMessages,
  dropReasonMessage,
  portMessage,
  portOfMessage,
  timestampOf,
  verdictMessage,
} from './ports-wire.js';
import { StatusError } from './status.js';

/** Bytes of one request at most; the transport refuses larger ones with RESOURCE_EXHAUSTED. */
export const REQUEST_BYTES_MAX = 64 * 1024 * 1024;

const FEATURES = [
  'established_policy_reevaluate',
  'rule_stats',
  'lookup',
  'flow_fetch',
  'flow_flush',
] as const;

const FLOW_PAGE: PageSizes = { defaultSize: 1000, maxSize: 10_000 };

/** Handlers of DatapathService. */
export function datapathHandlers(context: ServerContext, operations: Operations): Handlers {
  return {
    GetK8sCapabilities: (request: k8s.GetK8sCapabilitiesRequest) => capabilities(request, context),
    ApplyBatch: (request: k8s.ApplyBatchRequest) => applyBatch(request, context, operations),
    LookupPacket: (request: k8s.LookupPacketRequest) => lookupPacket(request, context),
    StatsDatapath: () => statsDatapath(context),
    FetchFlows: (request: k8s.FetchFlowsRequest) => fetchFlows(request, context),
    FlushFlows: (request: k8s.FlushFlowsRequest) => flushFlows(request, context),
  };
}

function capabilities(request: k8s.GetK8sCapabilitiesRequest, context: ServerContext): object {
  if (lastSegment(request.name) !== K8S_CAPABILITIES_NAME) {
    throw new StatusError(
      status.NOT_FOUND,
      `name: "${request.name}" is not ${K8S_CAPABILITIES_NAME}`,
    );
  }
  return encodeCapabilities({
    bootId: context.dataPlane.bootId,
    features: FEATURES,
    limits: context.store.limits,
    batchBytesMax: REQUEST_BYTES_MAX,
  });
}

function applyBatch(
  { operations: messages }: k8s.ApplyBatchRequest,
  context: ServerContext,
  operations: Operations,
): object {
  const wanted = messages.map((message, index) => operationAt(message, index, operations));
  const results = context.store.applyBatch(wanted);
  return {
    results: results.map((result, index) => resultMessage(wanted[index], result, context)),
  };
}

/** Operation of a message. A message that cannot be read is refused as the store refuses operations. */
function operationAt(
  message: k8s.BatchOperation,
  index: number,
  operations: Operations,
): StoreOperation {
  try {
    return operationOf(message, operations);
  } catch (error) {
    const readable = error instanceof WireError || error instanceof StoreError;
    if (!readable && !(error instanceof StatusError)) throw error;
    const code = error instanceof StatusError ? error.code : codeOf(error);
    throw new StatusError(code, `operations[${index}]: ${errorText(error)}`);
  }
}

function codeOf(error: WireError | StoreError): status {
  if (error instanceof StoreError) return status[error.code];
  return error.code === 'UNEXPRESSED' ? status.UNIMPLEMENTED : status.INVALID_ARGUMENT;
}

function operationOf(message: k8s.BatchOperation, operations: Operations): StoreOperation {
  const { addressGroup, networkPolicy, policyBinding } = EXTENSION_WORDS;
  switch (message.operation) {
    case 'create_address_group':
      return operations.create(addressGroup, { ...message.create_address_group });
    case 'update_address_group':
      return operations.update(addressGroup, { ...message.update_address_group });
    case 'delete_address_group':
      return operations.delete(addressGroup, message.delete_address_group);
    case 'modify_address_group_members':
      return operations.modifyMembers(message.modify_address_group_members);
    case 'replace_address_group_members':
      return operations.replaceMembers(message.replace_address_group_members);
    case 'create_network_policy':
      return operations.create(networkPolicy, { ...message.create_network_policy });
    case 'update_network_policy':
      return operations.update(networkPolicy, { ...message.update_network_policy });
    case 'delete_network_policy':
      return operations.delete(networkPolicy, message.delete_network_policy);
    case 'create_policy_binding':
      return operations.create(policyBinding, { ...message.create_policy_binding });
    case 'update_policy_binding':
      return operations.update(policyBinding, { ...message.update_policy_binding });
    case 'delete_policy_binding':
      return operations.delete(policyBinding, message.delete_policy_binding);
    case undefined:
      throw new StatusError(status.INVALID_ARGUMENT, 'operation: empty');
  }
}

function resultMessage(
  operation: StoreOperation | undefined,
  result: OperationResult,
  context: ServerContext,
): object {
  if (operation === undefined) return {};
  const key = 'object' in operation ? operation.object.key : operation.key;
  const group = key.kind === 'addressGroup' ? context.store.group(key.id) : undefined;
  const generation = result.members?.generation ?? group?.generation ?? 0;
  return { name: context.nameOf(key), generation: String(generation) };
}

async function lookupPacket(
  request: k8s.LookupPacketRequest,
  context: ServerContext,
): Promise<object> {
  const { dataPlane, nameOf } = context;
  const entry = portOfMessage(request.entry_port, 'entry_port');
  const packet = packetOf(decodePacket(request.packet));
  const options = { fresh: request.ignore_flows, commit: false, count: false };
  const passage = await dataPlane.lookup(entry, packet, options);
  const path = passage.path.map((decision) => decisionMessage(decision, nameOf));
  const allowed = passage.verdict === 'ALLOW' && passage.exit !== undefined;
  return {
    verdict: verdictMessage(passage),
    ...(allowed ? { exit_port: portMessage(passage.exit, nameOf) } : {}),
    decision: path.at(-1) ?? null,
    drop_reason: dropReasonMessage(passage.dropReason),
    path,
  };
}

async function statsDatapath({ dataPlane, clock }: ServerContext): Promise<object> {
  const { drops, forwarded } = await dataPlane.totalCounts();
  return {
    drops: dropMessages(drops),
    forwarded_packet_count: String(forwarded.packets),
    flow_count: String(await dataPlane.flowCount()),
    collect_time: timestampOf(clock.now()),
  } satisfies k8s.StatsDatapathResponse;
}

async function fetchFlows(request: k8s.FetchFlowsRequest, context: ServerContext): Promise<object> {
  const { matches } = flowChoice(request.selector);
  const size = pageSize(request.page_size, FLOW_PAGE);
  const offset = Number(request.page_token || 0);
  if (!Number.isInteger(offset) || offset < 0) {
    throw new StatusError(status.INVALID_ARGUMENT, `page_token: ${request.page_token} is no token`);
  }
  const chosen = await context.dataPlane.flows(matches);
  const end = offset + size;
  return {
    flows: chosen.slice(offset, end).map((flow) => flowMessage(flow, context)),
    next_page_token: end < chosen.length ? String(end) : '',
  };
}

async function flushFlows(
  request: k8s.FlushFlowsRequest,
  { dataPlane }: ServerContext,
): Promise<object> {
  const { matches, isEverything } = flowChoice(request.selector);
  if (isEverything && !request.all) {
    throw new StatusError(status.INVALID_ARGUMENT, 'selector: empty, and all is not set');
  }
  return {
    flushed_count: String(await dataPlane.flushFlows(matches)),
  } satisfies k8s.FlushFlowsResponse;
}
