/** All services of the server, by name, with their handlers. */
import { Server, type ServiceDefinition } from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { opiPackage } from '../../opi/codec/package.js';
import { CLOUD_SERVICE, cloudHandlers } from './cloud-resources.js';
import type { ServerContext } from './context.js';
import { datapathHandlers, REQUEST_BYTES_MAX } from './datapath-service.js';
import { DEBUG_SERVICE, debugHandlers } from './debug-service.js';
import { deviceHandlers } from './device-resources.js';
import { Dispatcher, type Handlers, type ServiceRules } from './dispatcher.js';
import { FailureQueue } from './failures.js';
import { groupHandlers } from './group-service.js';
import { Health, HEALTH_SERVICE, healthPackage } from './health.js';
import { Lifecycle } from './lifecycle.js';
import { EXTENSION_WORDS, K8S_PACKAGE, Operations } from './operations.js';
import { pagerOf } from './paging.js';
import { networkPolicyHandlers, policyBindingHandlers } from './stats-service.js';

/** A gRPC server with all services, not bound yet. */
export interface BuiltServer {
  readonly server: Server;
  /** Stops timers and tells watchers of the health service. */
  readonly close: () => void;
}

/** Builds it. `dropConnections` is called where an injected failure wants every connection closed. */
export function buildServer(context: ServerContext, dropConnections: () => void): BuiltServer {
  const server = new Server({
    'grpc.max_receive_message_length': REQUEST_BYTES_MAX,
    'grpc.max_send_message_length': REQUEST_BYTES_MAX,
  });
  const failures = new FailureQueue();
  const dispatcher = new Dispatcher({
    clock: context.clock,
    failures,
    dropConnections,
    trace: (action) => context.store.trace(action),
    settled: (keys) => context.dataPlane.settled(keys),
  });
  const lifecycle = new Lifecycle(context.clock, context.settleMs);
  const add = (service: string, handlers: Handlers, rules: ServiceRules): void => {
    const definition = opiPackage()[service] as ServiceDefinition;
    server.addService(definition, dispatcher.implement(definition, handlers, rules));
  };
  add(CLOUD_SERVICE, networkCloudHandlers(context, lifecycle), {
    mode: context.mode,
    observed: true,
  });
  const extension = context.dataPlane.extension ? extensionServices(context) : {};
  for (const [service, handlers] of Object.entries(extension)) {
    add(service, handlers, { mode: 'strict', observed: true });
  }
  const debug = debugHandlers(context, failures, dispatcher);
  add(DEBUG_SERVICE, debug, { mode: 'strict', observed: false });
  const names = [CLOUD_SERVICE, ...Object.keys(extension), DEBUG_SERVICE];
  const health = new Health(names);
  server.addService(...health.service());
  addReflection(server, [...names, HEALTH_SERVICE]);
  return {
    server,
    close: () => {
      health.stop();
      dispatcher.close();
      lifecycle.close();
    },
  };
}

function networkCloudHandlers(context: ServerContext, lifecycle: Lifecycle): Handlers {
  const pager = pagerOf(context.mode, context.newToken);
  return {
    ...cloudHandlers(context, lifecycle, pager),
    ...deviceHandlers(context, pager),
  };
}

function extensionServices(context: ServerContext): Record<string, Handlers> {
  const operations = new Operations(context);
  return {
    [`${K8S_PACKAGE}.DatapathService`]: datapathHandlers(context, operations),
    [EXTENSION_WORDS.addressGroup.service]: groupHandlers(context, operations),
    [EXTENSION_WORDS.networkPolicy.service]: networkPolicyHandlers(context, operations),
    [EXTENSION_WORDS.policyBinding.service]: policyBindingHandlers(context, operations),
  };
}

/** Reflection of both versions. It would read all descriptors anew for every message type: each set is given once. */
function addReflection(server: Server, services: string[]): void {
  const packages = { ...descriptorsOnce(opiPackage()), ...descriptorsOnce(healthPackage()) };
  new ReflectionService(packages, { services }).addToServer(server);
}

/** The package without types whose descriptors came with another one's. */
function descriptorsOnce(whole: PackageDefinition): PackageDefinition {
  const seen = new Set<unknown>();
  const entries = Object.entries(whole).filter(([, { fileDescriptorProtos: files }]) => {
    if (files === undefined || seen.has(files)) return false;
    seen.add(files);
    return true;
  });
  return Object.fromEntries(entries);
}
