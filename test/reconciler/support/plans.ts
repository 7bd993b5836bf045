/** Random plans over a few names, each whole: nothing refers to what is not in it. */
import fc from 'fast-check';

/** Facts that make up a plan; what a fact needs is added, so that every plan is whole. */
export interface Facts {
  readonly pods: readonly {
    name: string;
    policies: readonly string[];
    address: number;
    guard: boolean;
  }[];
  readonly uplink: readonly string[] | undefined;
  readonly rules: Readonly<Record<string, number>>;
  readonly groupsOf: Readonly<Record<string, readonly string[]>>;
  readonly members: Readonly<Record<string, readonly number[]>>;
  readonly subnetVpc: string;
}

const POLICIES = ['p', 'q', 'r'];
const GROUPS = ['g', 'h'];
const some = <T>(items: readonly T[]): fc.Arbitrary<T[]> => fc.subarray([...items]);

/** Random facts. */
export const facts: fc.Arbitrary<Facts> = fc.record({
  pods: fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('a', 'b', 'c'),
      policies: some(POLICIES),
      address: fc.integer({ min: 1, max: 3 }),
      guard: fc.boolean(),
    }),
    { selector: ({ name }) => name, maxLength: 3 },
  ),
  uplink: fc.option(some(POLICIES), { nil: undefined }),
  rules: fc.record({ p: fc.nat(3), q: fc.nat(3), r: fc.nat(3) }),
  groupsOf: fc.record({ p: some(GROUPS), q: some(GROUPS), r: some(GROUPS) }),
  members: fc.record({
    g: fc.uniqueArray(fc.nat(9), { maxLength: 9 }),
    h: fc.uniqueArray(fc.nat(9), { maxLength: 3 }),
  }),
  subnetVpc: fc.constantFrom('v', 'v', 'v', 'w'),
});

/** The plan of the facts, in lines of words. */
export function planOf(from: Facts, closed: boolean): string {
  const flag = closed ? ' closed' : '';
  const addresses = new Map(from.pods.map(({ name, address }) => [address, name]));
  const ports = [...from.pods.map(({ policies }) => policies), from.uplink ?? []];
  const policies = new Set(ports.flat());
  const groups = new Set([...policies].flatMap((policy) => from.groupsOf[policy] ?? []));
  return [
    'acl deny 4\nvpc v\nvpc w',
    `subnet s vpc=${from.subnetVpc}`,
    ...from.pods.flatMap(({ name, policies: named, guard }) => [
      `iface ${name}`,
      `vnic ${name} acl=deny${guard ? ' guard' : ''}`,
      `bind ${name} policies=${named.join(',')}${flag} for=pod/${name}`,
    ]),
    ...[...addresses].map(([address, name]) => `map 10.65.0.${address} vnic=${name}`),
    ...(from.uplink === undefined ? [] : [`bind uplink policies=${from.uplink.join(',')}${flag}`]),
    ...[...policies].map(
      (policy) =>
        `policy ${policy} rule=${from.rules[policy]} groups=${(from.groupsOf[policy] ?? []).join(',')}`,
    ),
    ...[...groups].map(
      (group) =>
        `group ${group} PREFIX ${(from.members[group] ?? []).map((n) => `10.0.0.${n}/32`).join(' ')}`,
    ),
  ].join('\n');
}
