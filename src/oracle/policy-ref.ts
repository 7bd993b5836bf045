/** Policy identities in both of Calico's forms; felix-protocol: objects, framing. */
import type { PolicyID } from '../gen/felix/types.js';

/** A reference to a policy out of a tier's list. */
export interface PolicyRef {
  /** The same text as the key of the policy's own update. */
  readonly key: string;
  /** For people. */
  readonly name: string;
  /** Never enforced. */
  readonly staged: boolean;
}

/** Fields of a PolicyID. */
interface Identity {
  readonly tier: string;
  readonly name: string;
  readonly namespace: string;
  readonly kind: string;
}

/** The identity that an ActivePolicyUpdate or Remove carries. */
export function policyRefOf(id: PolicyID | null | undefined): PolicyRef {
  return refOf({
    tier: id?.tier ?? '',
    name: id?.name ?? '',
    namespace: id?.namespace ?? '',
    kind: id?.kind ?? '',
  });
}

/**
 * An entry of TierInfo's policy lists. From v3.32 it is a PolicyID, told by its first byte (the tag of field 2, 3 or
 * 4); before, it is a name, and the tier belongs to the key.
 */
export function tierPolicyRef(entry: Uint8Array, tier: string): PolicyRef {
  const first = entry[0] ?? 0;
  if (![0x12, 0x1a, 0x22].includes(first)) {
    return refOf({ tier, name: textOf(entry), namespace: '', kind: '' });
  }
  const fields = stringFields(entry);
  const field = (number: number): string => fields.get(number) ?? '';
  return refOf({ tier: '', name: field(2), namespace: field(3), kind: field(4) });
}

/** From v3.32 the kind tells a staged policy; before, its name does, behind an optional `namespace/`. */
function refOf({ tier, name, namespace, kind }: Identity): PolicyRef {
  if (kind !== '') {
    const text = [kind, namespace, name].filter((part) => part !== '').join('/');
    return {
      key: [kind, namespace, name].join('|'),
      name: text,
      staged: kind.startsWith('Staged'),
    };
  }
  const bare = name.slice(name.indexOf('/') + 1);
  return { key: `${tier}||${name}`, name, staged: bare.startsWith('staged:') };
}

/** Length-delimited fields of a message that has no others. */
function stringFields(bytes: Uint8Array): Map<number, string> {
  const fields = new Map<number, string>();
  let offset = 0;
  while (offset < bytes.length) {
    const number = (bytes[offset] ?? 0) >> 3;
    let length = 0;
    let shift = 0;
    do {
      offset++;
      length += ((bytes[offset] ?? 0) & 0x7f) * 2 ** shift;
      shift += 7;
    } while (((bytes[offset] ?? 0) & 0x80) !== 0);
    offset++;
    fields.set(number, textOf(bytes.subarray(offset, offset + length)));
    offset += length;
  }
  return fields;
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
