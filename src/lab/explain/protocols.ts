/** Names of IP protocols, as Calico writes them. */

const NUMBERS: ReadonlyMap<string, number> = new Map([
  ['icmp', 1],
  ['tcp', 6],
  ['udp', 17],
  ['icmpv6', 58],
  ['sctp', 132],
  ['udplite', 136],
]);

/** Number of a protocol by name or number; `undefined` if it is none. */
export function protocolNumber(text: string): number | undefined {
  const known = NUMBERS.get(text.toLowerCase());
  if (known !== undefined) return known;
  return /^\d{1,3}$/.test(text) && Number(text) <= 255 ? Number(text) : undefined;
}

/** Name of a protocol, or its number as text. */
export function protocolText(number: number): string {
  const named = [...NUMBERS].find(([, known]) => known === number);
  return named === undefined ? `protocol ${number}` : named[0];
}
