/** Felix messages written by hand, as the bytes of a frame's body. */
import protobuf from 'protobufjs';
import { descriptor } from '../../../src/gen/felix/descriptor.js';

const root = protobuf.Root.fromJSON(descriptor);
const toDataplane = root.lookupType('felix.ToDataplane');
const policyId = root.lookupType('felix.PolicyID');

/** A message to be sent, by the name of its payload; names are those of the .proto file, only what matters is set. */
export type Message = Readonly<Record<string, object>>;

/** Body of the frame that carries the message; `sequence` is its place in the session. Throws on an unknown name. */
export function frameOf(message: Message, sequence: number): Uint8Array {
  for (const name of Object.keys(message)) {
    if (toDataplane.fields[name] === undefined) throw new Error(`no payload ${name}`);
  }
  return toDataplane
    .encode(toDataplane.fromObject({ ...message, sequence_number: sequence }))
    .finish();
}

/** Bodies of a whole session. */
export function framesOf(messages: readonly Message[]): Uint8Array[] {
  return messages.map((message, sequence) => frameOf(message, sequence));
}

/** A policy reference of the generation from v3.32. */
export function policyIdBytes(id: { kind: string; namespace: string; name: string }): Uint8Array {
  return policyId.encode(policyId.fromObject(id)).finish();
}
