/** Messages as they are written, as opposed to as they are read. */

/**
 * A message to be encoded: every member may be left out, and the members of a oneof lie side by side, of which the
 * writer sets one. Flat on purpose: a message with several oneofs is a union of all their combinations when it is
 * read, and checking literals against that is beyond the compiler.
 */
export type Draft<T> = [T] extends [Uint8Array | null | undefined]
  ? T
  : [T] extends [readonly (infer U)[]]
    ? readonly Draft<U>[]
    : [NonNullable<T>] extends [object]
      ? { readonly [K in MemberOf<NonNullable<T>>]?: Draft<ValueOf<NonNullable<T>, K>> | undefined }
      : T;

type MemberOf<T> = T extends unknown ? keyof T : never;
type ValueOf<T, K extends PropertyKey> = T extends unknown
  ? K extends keyof T
    ? NonNullable<T[K]>
    : never
  : never;
