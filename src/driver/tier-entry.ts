/** Entries of TierInfo's policy lists: a name up to Calico v3.31, a PolicyID from v3.32 (felix-protocol: framing). */
import type { Draft, PolicyID } from '../gen/felix/types.js';
import { PolicyIDType } from './wire-types.js';
import { checkPolicyId } from './wire.js';

/** One entry, in the form its bytes have. */
export type TierEntry = { readonly name: string } | { readonly id: PolicyID };

/** First bytes of a PolicyID without tier: the tags of name, namespace and kind. No name begins with one of them. */
const POLICY_ID_FIRST_BYTES: ReadonlySet<number> = new Set([0x12, 0x1a, 0x22]);

/** Tells the two forms apart by the first byte. Throws an `Error` for a broken PolicyID. */
export function decodeTierEntry(entry: Uint8Array): TierEntry {
  if (!POLICY_ID_FIRST_BYTES.has(entry[0] ?? 0)) return { name: Buffer.from(entry).toString() };
  const { bytes } = checkPolicyId(entry);
  return { id: PolicyIDType.decode(bytes) as unknown as PolicyID };
}

/** An entry as Calico from v3.32 writes it. */
export function encodeTierEntry(id: Draft<PolicyID>): Uint8Array {
  return PolicyIDType.encode(id).finish();
}
