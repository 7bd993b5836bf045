/** What the client's tests share: a scripted server, quick settings, objects. */
import { expect } from 'chai';
import { connectOpiTarget, type OpiTarget } from '../../../src/opi/client/target.js';
import type { OpiClientOptions } from '../../../src/opi/client/options.js';
import { encodeObject } from '../../../src/opi/codec/codec.js';
import { relativeName } from '../../../src/opi/codec/names.js';
import { OpiError, type OpiErrorCode } from '../../../src/opi/objects/errors.js';
import type { OpiObject } from '../../../src/opi/objects/specs.js';
import { ScriptedServer, type Message } from './scripted-server.js';

/** Settings under which nothing takes long. */
export const QUICK: Omit<OpiClientOptions, 'address'> = {
  callTimeoutMs: 2_000,
  retryBackoff: { firstMs: 1, maxMs: 5 },
  pollBackoff: { firstMs: 1, maxMs: 5 },
  settleTimeoutMs: 300,
  usableTimeoutMs: 100,
};

/** Runs a test with a server on a unix socket and a client of it. */
export function withServer(
  test: (server: ScriptedServer, target: OpiTarget) => Promise<void>,
  options: Partial<OpiClientOptions> = {},
): () => Promise<void> {
  return async () => {
    const server = await new ScriptedServer().start();
    const target = connectOpiTarget({ address: server.socket, ...QUICK, ...options });
    try {
      await test(server, target);
    } finally {
      await target.close();
      server.close();
    }
  };
}

/** Expects a rejection with an `OpiError` of a code. */
export async function refused(call: Promise<unknown>, code: OpiErrorCode): Promise<OpiError> {
  const thrown: unknown = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).to.be.instanceOf(OpiError);
  expect((thrown as OpiError).code, (thrown as OpiError).message).to.equal(code);
  return thrown as OpiError;
}

/** An object as a server tells it, under the usual name or another. */
export function message(object: OpiObject, name = relativeName(object.key)): Message {
  return encodeObject(object, name, relativeName);
}

/** A Vpc. */
export function vpc(id: string, vni: number): OpiObject<'vpc'> {
  return { key: { kind: 'vpc', id }, spec: { vni } };
}

/** A Subnet of the Vpc `v`. */
export function subnet(id: string): OpiObject<'subnet'> {
  return {
    key: { kind: 'subnet', id },
    spec: { vpc: { kind: 'vpc', id: 'v' }, v4Prefix: '10.0.0.0/24' },
  };
}

/** A host interface. */
export function hostInterface(id: string): OpiObject<'interface'> {
  return { key: { kind: 'interface', id }, spec: { ifname: id, vf: true, adminUp: true } };
}
