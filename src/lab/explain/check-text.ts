/** The outcome of a dry run for people. */
import type { Excess, PolicyCheck } from './check.js';
import type { RulesByFamily } from './port-rules.js';
import { degradationText } from './words.js';

/** Several lines, ended by a newline: the verdict, then figures, then what is narrower and what has no room. */
export function checkText(check: PolicyCheck): string {
  const { source, target, fits, objects, groups, ports, degraded, excess } = check;
  const kinds = Object.entries(objects)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${kind} ${count}`);
  const width = Math.max(0, ...ports.map(({ port }) => port.length));
  return [
    `${source} on a ${targetText(target)} target: ${fits ? 'fits, nothing is narrower' : 'does not fit whole'}`,
    `objects  ${kinds.join(', ')}`,
    `groups   ${groups.count} with ${groups.members} members, the largest ${groups.largest}`,
    'rules    (IPv4/IPv6)',
    ...ports.map(({ port, sends, receives }) => {
      const figures = `sends ${rulesText(sends)}, receives ${rulesText(receives)}`;
      return `  ${port.padEnd(width)}  ${figures}`;
    }),
    ...(degraded.length === 0 ? [] : ['narrower than Calico asks']),
    ...degraded.map((one) => `  ${degradationText(one)}`),
    ...(excess.length === 0 ? [] : ['no room']),
    ...excess.map((one) => `  ${excessText(one)}`),
    '',
  ].join('\n');
}

function targetText({ level, compactRules }: PolicyCheck['target']): string {
  if (level === 'native') return 'native';
  return compactRules ? 'plain (COMPACT)' : 'plain (FLATTENED)';
}

function rulesText({ v4, v6 }: RulesByFamily): string {
  return `${v4}/${v6}`;
}

function excessText({ limit, allowed, wanted, what }: Excess): string {
  const place = what === undefined ? '' : `${what}: `;
  return `${place}${limit}: ${wanted} wanted, ${allowed} at most`;
}
