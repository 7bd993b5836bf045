/**
 * What the kernel's network state is made of: links, addresses, rules, neighbours, routes. An item knows how it is put in
 * place and taken away in the words of iproute2's batch files.
 */

/**
 * Which program takes a line: `ip`, `ip -6` for lines that name no address, `bridge`, `ip` in the namespace where VF ends
 * are made, `sysctl` (`name=value`), or `nft`.
 */
export type Tool = 'ip' | 'ip6' | 'bridge' | 'host' | 'sysctl' | 'nft';

/** One line of a batch. */
export interface Line {
  readonly tool: Tool;
  readonly text: string;
  /** It is no failure of the item if this line fails. */
  readonly mayFail?: true;
}

/**
 * Kinds of items in the order in which they come to be. Links exist, down, before policy speaks of them; everything from
 * `up` on follows policy, so that no packet moves before its rules are there.
 */
export const ITEM_KINDS = [
  'link',
  'setting',
  'sysctl',
  'up',
  'address',
  'rule',
  'neighbour',
  'forwarding',
  'route',
] as const;

/** Kind of an item. */
export type ItemKind = (typeof ITEM_KINDS)[number];

/** One thing of the kernel's network state. */
export interface NetItem {
  readonly kind: ItemKind;
  /** What it is about. The kernel holds one item of an id at a time. */
  readonly id: string;
  /** What it says; equal ids and contents are equal items. */
  readonly content: string;
  /** Netdev that it stands on: it goes when the netdev goes. */
  readonly device?: string;
  /** A netdev of ours is born with it: no line is needed when the netdev is made. */
  readonly inborn?: true;
  /** What its id held before is taken away before policy, not replaced by it. */
  readonly leavesFirst?: true;
  /** Puts it in place of whatever its id held before. */
  readonly make: readonly Line[];
  /** Takes it away. */
  readonly unmake: readonly Line[];
}

/** True for items that are put in place before the ruleset that speaks of them. */
export function isBeforePolicy({ kind }: NetItem): boolean {
  return kind === 'link' || kind === 'setting' || kind === 'sysctl';
}

/** Position of an item's kind in the order of making. */
export function rankOf({ kind }: NetItem): number {
  return ITEM_KINDS.indexOf(kind);
}

/** A line for `ip`. */
export function ip(text: string): Line {
  return { tool: 'ip', text };
}
