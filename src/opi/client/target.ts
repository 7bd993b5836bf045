/** `Target` over gRPC: the client of an OPI server. */
import {
  decodeCapabilities,
  decodeDeviceCapabilities,
  K8S_CAPABILITIES_NAME,
} from '../codec/capabilities.js';
import type { NativeCapabilities } from '../codec/capabilities.js';
import { WireError } from '../codec/errors.js';
import { OpiError } from '../objects/errors.js';
import {
  isExtensionKind,
  type CloudKind,
  type ObjectKey,
  type ObjectKind,
} from '../objects/key.js';
import type { OpiObject } from '../objects/specs.js';
import type { BatchOperation, Target, TargetCapabilities } from '../objects/target.js';
import { Calls } from './calls.js';
import { CloudObjects } from './cloud.js';
import { ExtensionObjects } from './extension.js';
import { KnownNames } from './known-names.js';
import { GET_DEVICE_CAPABILITIES, GET_K8S_CAPABILITIES } from './methods.js';
import { resolveOptions, type OpiClientOptions } from './options.js';

/** See the file head. Methods fail with `OpiError` only. */
export class OpiTarget implements Target {
  private readonly rpc: Calls;
  private readonly names = new KnownNames();
  private readonly cloud: CloudObjects;
  private readonly extension: ExtensionObjects;

  constructor(options: OpiClientOptions) {
    this.rpc = new Calls(resolveOptions(options));
    this.cloud = new CloudObjects(this.rpc, this.names);
    this.extension = new ExtensionObjects(this.rpc, this.names);
  }

  /** Attempts of calls so far by method name (`CreateVnic`). */
  calls(): ReadonlyMap<string, number> {
    return this.rpc.counters();
  }

  /** Attempts so far of calls that change something. */
  writes(): number {
    return this.rpc.writes();
  }

  /** Asks both levels for their capabilities. A server that has neither is plain, with FLATTENED rules. */
  async probe(): Promise<TargetCapabilities> {
    const [native, compactRules] = await Promise.all([this.probeNative(), this.probeCompact()]);
    if (native === undefined) return { level: 'plain', compactRules, limits: {}, features: [] };
    const { bootId, limits, features } = native;
    return { level: 'native', compactRules, bootId, limits, features };
  }

  list(kind: ObjectKind): Promise<OpiObject[]> {
    return isExtensionKind(kind) ? this.extension.list(kind) : this.cloud.list(kind);
  }

  fetchMembers(key: ObjectKey<'addressGroup'>): Promise<Set<string>> {
    return this.extension.fetchMembers(key);
  }

  create(object: OpiObject<CloudKind>): Promise<void> {
    return this.cloud.create(object);
  }

  update(object: OpiObject<CloudKind>): Promise<void> {
    return this.cloud.update(object);
  }

  delete(key: ObjectKey<CloudKind>): Promise<void> {
    return this.cloud.delete(key);
  }

  applyBatch(operations: readonly BatchOperation[]): Promise<void> {
    return this.extension.applyBatch(operations);
  }

  uploadMembers(_key: ObjectKey<'addressGroup'>, members: Iterable<string>): Promise<string> {
    return this.extension.uploadMembers(members);
  }

  close(): Promise<void> {
    this.rpc.close();
    return Promise.resolve();
  }

  private async probeNative(): Promise<NativeCapabilities | undefined> {
    try {
      return decodeCapabilities(
        await this.rpc.call(GET_K8S_CAPABILITIES, { name: K8S_CAPABILITIES_NAME }),
      );
    } catch (thrown) {
      if (isUnsupported(thrown)) return undefined;
      if (!(thrown instanceof WireError)) throw thrown;
      throw new OpiError({ code: 'UNKNOWN', op: 'probe', message: thrown.message, cause: thrown });
    }
  }

  private async probeCompact(): Promise<boolean> {
    try {
      return decodeDeviceCapabilities(await this.rpc.call(GET_DEVICE_CAPABILITIES, {}));
    } catch (thrown) {
      if (isUnsupported(thrown)) return false;
      throw thrown;
    }
  }
}

function isUnsupported(thrown: unknown): boolean {
  return thrown instanceof OpiError && thrown.code === 'UNSUPPORTED';
}

/** Client of the server at `options.address`. Nothing is sent before the first call; `close` it in the end. */
export function connectOpiTarget(options: OpiClientOptions): OpiTarget {
  return new OpiTarget(options);
}
