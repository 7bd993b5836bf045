/** Texts that name a Calico rule to a person and back: the ids of emitted rules. */
import { hashText } from '../../base/hash.js';
import type { RuleOrigin } from './program.js';

/** Longest id a target takes, ASCII characters. */
const ID_CHARS_MAX = 128;
const HASH_CHARS = 10;

/**
 * `policy/<tier>/<kind>/<namespace>/<name>/<direction>/<index>` or `profile/<name>/<direction>/<index>`, each part
 * escaped so that slashes part parts only. One that would be too long is cut in front of its last two parts and carries
 * a hash of the whole there.
 */
export function ruleId({ source, direction, index }: RuleOrigin): string {
  const parts =
    source.kind === 'policy'
      ? [source.tier, source.id.kind, source.id.namespace, source.id.name]
      : [source.name];
  const owner = [source.kind, ...parts.map(escapePart)].join('/');
  const place = `/${direction}/${index}`;
  if (owner.length + place.length <= ID_CHARS_MAX) return `${owner}${place}`;
  const room = ID_CHARS_MAX - place.length - HASH_CHARS - 1;
  return `${owner.slice(0, room)}~${hashText(owner, HASH_CHARS)}${place}`;
}

/** Direction and index of an id made by `ruleId`; the owner is known from the object that holds the rule. */
export function parseRulePlace(id: string): Pick<RuleOrigin, 'direction' | 'index'> | undefined {
  const match = /\/(ingress|egress)\/(\d+)$/.exec(id);
  if (match === null) return undefined;
  return { direction: match[1] === 'ingress' ? 'ingress' : 'egress', index: Number(match[2]) };
}

/** Everything but unreserved characters and colons is percent-escaped. */
function escapePart(text: string): string {
  return encodeURIComponent(text).replaceAll('%3A', ':');
}
