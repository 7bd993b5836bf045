/** Table sizes of the XPU, so that a full table can be tried. */
import { OBJECT_KINDS, type ObjectKind } from '../../opi/objects/key.js';

/** Names of the tables that can be limited: objects of a kind, members of one group, rules of one policy. */
export type LimitName = ObjectKind | 'groupMembers' | 'rulesPerPolicy';

/** Largest counts; an absent name has no limit. */
export type Limits = Readonly<Partial<Record<LimitName, number>>>;

/** Every limit name. */
export const LIMIT_NAMES: readonly LimitName[] = [
  ...OBJECT_KINDS,
  'groupMembers',
  'rulesPerPolicy',
];

/**
 * Limits of a text: `name=count` separated by commas, blanks or line ends; `#` starts a comment.
 * @throws RangeError naming the entry that cannot be read.
 */
export function parseLimits(text: string): Limits {
  const limits: Partial<Record<LimitName, number>> = {};
  for (const entry of text.replace(/#.*$/gm, '').split(/[\s,]+/)) {
    if (entry === '') continue;
    const [name = '', count = ''] = entry.split('=');
    if (!(LIMIT_NAMES as readonly string[]).includes(name)) {
      throw new RangeError(`limit ${entry}: unknown table ${name} (${LIMIT_NAMES.join(', ')})`);
    }
    if (!/^\d{1,9}$/.test(count)) throw new RangeError(`limit ${entry}: count is no whole number`);
    limits[name as LimitName] = Number(count);
  }
  return limits;
}
