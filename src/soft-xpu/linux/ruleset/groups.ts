/**
 * AddressGroups as hash sets: one for each family and prefix length that was ever used, so that a member that comes or
 * goes costs one element, whatever the size. Interval sets would cost seconds (nft reads them whole).
 */
import { addressBits, FAMILIES, type Family } from '../../../base/ip.js';
import type { GroupRef } from '../../../opi/objects/match.js';
import type { MemberType } from '../../../opi/objects/specs.js';
import {
  address,
  is,
  maskedAddress,
  port,
  protocolHasPorts,
  type Clause,
  type Side,
} from './expression.js';
import { PartBuilder, type Part } from './part.js';
import type { ElementChanges } from './elements.js';

/** What rules must know of groups. */
export interface GroupConditions {
  /** The address of a side is a member of a PREFIX group: one of these. */
  holdsAddress(group: GroupRef, family: Family, side: Side): Clause;
  /** (address, protocol, port) of a side is a member of an IP_PORT group: one of these. */
  holdsPort(group: GroupRef, family: Family, side: Side): Clause;
}

interface Shape {
  readonly type: MemberType;
  /** Sets in use, as `4/24` or `6/port`. */
  readonly sets: Set<string>;
}

/** Shapes of all groups. A set, once used, stays until its group goes. */
export class GroupSets implements GroupConditions {
  private readonly shapes = new Map<string, Shape>();

  /** Begins or ends a group; a group of another type is another one. */
  define(id: string, type: MemberType | undefined): void {
    if (type === undefined) this.shapes.delete(id);
    else if (this.shapes.get(id)?.type !== type) this.shapes.set(id, { type, sets: new Set() });
  }

  /** Forgets every group. */
  clear(): void {
    this.shapes.clear();
  }

  /**
   * A set that the kernel has, by its name: its group goes on using it. Rules that the kernel got while the group had
   * members of that length name it, and a shape without it would be another one than the kernel has.
   */
  keep(name: string): void {
    const [, id = '', set = ''] = /^group\/([^/]+)\/([46]\/(?:\d+|port))$/.exec(name) ?? [];
    const shape = this.shapes.get(id);
    if (shape?.type === (set.endsWith('/port') ? 'IP_PORT' : 'PREFIX')) shape.sets.add(set);
  }

  /** Members that come to a group. True if it needs sets that it did not have. */
  add(id: string, members: Iterable<string>, changes: ElementChanges): boolean {
    const shape = this.shapes.get(id);
    if (shape === undefined) return false;
    const before = shape.sets.size;
    for (const text of members) {
      const element = elementOf(shape.type, text);
      if (element === undefined) continue;
      shape.sets.add(element.set);
      changes.add(setName(id, element.set), element.key);
    }
    return shape.sets.size > before;
  }

  /** Members that leave a group. */
  remove(id: string, members: Iterable<string>, changes: ElementChanges): void {
    const shape = this.shapes.get(id);
    if (shape === undefined) return;
    for (const text of members) {
      const element = elementOf(shape.type, text);
      if (element !== undefined && shape.sets.has(element.set)) {
        changes.remove(setName(id, element.set), element.key);
      }
    }
  }

  /** The sets of a group; undefined if there is no such group. */
  part(id: string): Part | undefined {
    const shape = this.shapes.get(id);
    if (shape === undefined) return undefined;
    const part = new PartBuilder();
    for (const set of shape.sets) part.set(setName(id, set), setType(set));
    return part;
  }

  holdsAddress({ id }: GroupRef, family: Family, side: Side): Clause {
    const shape = this.shapes.get(id);
    if (shape?.type !== 'PREFIX') return [];
    return [...shape.sets]
      .filter((set) => familyOf(set) === family)
      .sort((a, b) => lengthOf(b) - lengthOf(a))
      .map((set) => is(keyExpression(family, side, lengthOf(set)), `@${setName(id, set)}`));
  }

  holdsPort({ id }: GroupRef, family: Family, side: Side): Clause {
    const set = `${family}/port`;
    const shape = this.shapes.get(id);
    if (shape?.type !== 'IP_PORT' || !shape.sets.has(set)) return [];
    const key = `${address(family, side)} . meta l4proto . ${port(side)}`;
    return [is(key, `@${setName(id, set)}`)];
  }
}

function setName(id: string, set: string): string {
  return `group/${id}/${set}`;
}

/** A prefix of no bits holds every address of its family, so the family is the key. */
function setType(set: string): string {
  const family = familyOf(set);
  if (set.endsWith('/port')) return `type ipv${family}_addr . inet_proto . inet_service`;
  return set.endsWith('/0') ? 'type nf_proto' : `type ipv${family}_addr`;
}

function keyExpression(family: Family, side: Side, length: number): string {
  if (length === 0) return 'meta nfproto';
  if (length === addressBits(family)) return address(family, side);
  return maskedAddress(family, side, length);
}

/**
 * Where a canonical member text belongs; undefined for what no packet can match. Members are many, so their texts are
 * cut, not parsed.
 */
function elementOf(type: MemberType, text: string): { set: string; key: string } | undefined {
  if (type === 'PREFIX') {
    const slash = text.indexOf('/');
    const length = text.slice(slash + 1);
    const family = text.includes(':') ? 6 : 4;
    const key = length === '0' ? `ipv${family}` : text.slice(0, slash);
    return { set: `${family}/${length}`, key };
  }
  const comma = text.indexOf(',');
  const [protocol = '', portText = ''] = text.slice(comma + 1).split(':');
  if (!protocolHasPorts(Number(protocol))) return undefined;
  const ip = text.slice(0, comma);
  return {
    set: `${ip.includes(':') ? 6 : 4}/port`,
    key: `${ip} . ${protocol} . ${portText}`,
  };
}

function familyOf(set: string): Family {
  return FAMILIES.find((family) => set.startsWith(`${family}/`)) ?? 4;
}

function lengthOf(set: string): number {
  return Number(set.slice(2));
}
