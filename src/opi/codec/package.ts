/** The gRPC services of `opi-proto/`, as client and server load them. */
import { fromJSON, type PackageDefinition } from '@grpc/proto-loader';
import { descriptor } from '../../gen/opi/descriptor.js';

/**
 * How messages look at run time; the generated types describe exactly this. An enum value that this build does not
 * know stays a number, so codecs must treat every enum as possibly foreign.
 */
const LOADER_OPTIONS = {
  keepCase: true,
  longs: String,
  enums: String,
  defaults: true,
  oneofs: true,
} as const;

let loaded: PackageDefinition | undefined;

/** All services and messages by full name; also what a reflection service is made of. */
export function opiPackage(): PackageDefinition {
  loaded ??= fromJSON(descriptor, LOADER_OPTIONS);
  return loaded;
}
