/** Renders the RPC tables of a package: what a gRPC client or server needs beside the message types. */
import protobuf from 'protobufjs';

/** The `services.ts` module, or `undefined` where no service is defined. */
export function renderServices(root: protobuf.Root): string | undefined {
  const services = servicesOf(root);
  if (services.length === 0) return undefined;
  const table = Object.fromEntries(
    services.map((service) => [
      service.fullName.slice(1),
      Object.fromEntries(
        service.methodsArray.map((method) => [method.name, methodEntry(service, method)]),
      ),
    ]),
  );
  return [
    '/** One RPC: its gRPC path, full message names, and which sides stream. */',
    'export interface MethodDefinition {',
    '  readonly path: string;',
    '  readonly requestType: string;',
    '  readonly responseType: string;',
    '  readonly requestStream: boolean;',
    '  readonly responseStream: boolean;',
    '}',
    '',
    '/** Full service name -> method name -> definition. */',
    `export const services = ${JSON.stringify(table)} as const satisfies Record<string, Record<string, MethodDefinition>>;`,
    '',
  ].join('\n');
}

/** Every service below `parent`, depth first in order of definition. */
export function servicesOf(parent: protobuf.NamespaceBase): readonly protobuf.Service[] {
  return parent.nestedArray.flatMap((one) => {
    if (one instanceof protobuf.Service) return [one];
    return one instanceof protobuf.Namespace && !(one instanceof protobuf.Type)
      ? servicesOf(one)
      : [];
  });
}

function methodEntry(service: protobuf.Service, method: protobuf.Method): object {
  const { request, response } = methodTypes(method);
  return {
    path: `/${service.fullName.slice(1)}/${method.name}`,
    requestType: request.fullName.slice(1),
    responseType: response.fullName.slice(1),
    requestStream: method.requestStream === true,
    responseStream: method.responseStream === true,
  };
}

/** Resolved request and response types of a method. */
export function methodTypes(method: protobuf.Method): {
  readonly request: protobuf.Type;
  readonly response: protobuf.Type;
} {
  method.resolve();
  const { resolvedRequestType: request, resolvedResponseType: response } = method;
  if (request === null || response === null) throw new Error(`${method.fullName} is not resolved`);
  return { request, response };
}
