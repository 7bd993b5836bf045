/** Bodies of frames to messages and back: ToDataplane of any Calico generation, FromDataplane. */
import type { Draft, FromDataplane, ToDataplane } from '../gen/felix/types.js';
import { FromDataplaneType, ToDataplaneType } from './wire-types.js';
import { checkFromDataplane, checkToDataplane } from './wire.js';

/** A decoded frame. */
export interface DecodedMessage {
  readonly message: ToDataplane;
  /** Fields of ToDataplane that we do not know: payloads of a newer Calico, left out of `message`. */
  readonly unknownFields: readonly number[];
}

/**
 * Decodes a body. Absent members have their proto3 defaults, except those of a oneof and sub-messages, which are absent.
 * Throws an `Error` where the body is no such message; `FelixSession` gives it a place.
 */
export function decodeToDataplane(body: Uint8Array): DecodedMessage {
  const { bytes, unknownFields } = checkToDataplane(body);
  return { message: ToDataplaneType.decode(bytes) as unknown as ToDataplane, unknownFields };
}

/** Body of a message to a driver: what Felix would send. Members left out have their defaults. */
export function encodeToDataplane(message: Draft<ToDataplane>): Uint8Array {
  return ToDataplaneType.encode(message).finish();
}

/** Body of a message to Felix. */
export function encodeFromDataplane(message: Draft<FromDataplane>): Uint8Array {
  return FromDataplaneType.encode(message).finish();
}

/** Decodes a message to Felix: what a driver wrote. Throws an `Error` where the body is no such message. */
export function decodeFromDataplane(body: Uint8Array): FromDataplane {
  const { bytes } = checkFromDataplane(body);
  return FromDataplaneType.decode(bytes) as unknown as FromDataplane;
}

/** The sequence number of a message, 0 where it is absent; beyond 2^53 it loses precision. */
export function sequenceNumberOf({
  sequence_number: sequence,
}: ToDataplane | FromDataplane): number {
  return typeof sequence === 'number' ? sequence : sequence.toNumber();
}

export { decodeTierEntry, encodeTierEntry, type TierEntry } from './tier-entry.js';
