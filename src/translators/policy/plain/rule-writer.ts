/** Writes steps as SecurityPolicy rules, and the text that names a list by its content. */
import { hashText } from '../../../base/hash.js';
import type { Family } from '../../../base/ip.js';
import type { IpEntrySpec, SecurityRuleSpec } from '../../../opi/objects/match.js';
import type { SecurityPolicySpec } from '../../../opi/objects/specs.js';
import { PROTOCOLS, type Box } from './box.js';
import type { Step } from './decision-list.js';
import { entriesOf, icmpEntriesOf, portEntriesOf } from './entries.js';

/** Fields of a rule that come from a box. */
type RuleMatch = Omit<SecurityRuleSpec, 'ruleName' | 'priority' | 'action' | 'terminating'>;

/** Characters of a digest: as many as SHA-256 gives. */
const DIGEST_CHARS = 51;

const digests = new WeakMap<readonly IpEntrySpec[], string>();

/** Rules that a box needs in a FLATTENED list. */
export function flatCount(box: Box): number {
  return (
    box.source.rangeCount *
    box.destination.rangeCount *
    box.sourcePorts.rangeCount *
    box.destinationPorts.rangeCount
  );
}

/** Collects the rules of one list. */
export class RuleWriter {
  private readonly format: SecurityPolicySpec['format'];
  private readonly family: Family;
  private readonly rules: SecurityRuleSpec[] = [];
  private readonly lines: string[] = [];
  private readonly used = new Map<string, number>();
  private entries = 0;

  constructor(format: SecurityPolicySpec['format'], family: Family) {
    this.format = format;
    this.family = family;
  }

  /** Rules there would be with one more step. */
  countWith({ box }: Step): number {
    return this.rules.length + (this.format === 'COMPACT' ? 1 : flatCount(box));
  }

  /** Address entries there would be with one more step; FLATTENED rules hold no lists. */
  entriesWith({ box }: Step): number {
    if (this.format === 'FLATTENED') return 0;
    return this.entries + box.source.rangeCount + box.destination.rangeCount;
  }

  /** Adds a step; its priorities follow those before. */
  write(step: Step): void {
    this.entries = this.entriesWith(step);
    const compact = compactMatch(step.box, this.family);
    const matches = this.format === 'COMPACT' ? [compact] : flattened(compact);
    const action = step.outcome === 'allow' ? 'ALLOW' : 'DENY';
    for (const match of matches) {
      const ruleName = this.uniqueName(step.name);
      this.lines.push(`${ruleName} ${action} ${matchText(match)}`);
      const priority = this.rules.length;
      this.rules.push({ ruleName, priority, action, terminating: true, ...match });
    }
  }

  /** The list, and a text that is equal for equal lists alone. */
  done(): { readonly spec: SecurityPolicySpec; readonly text: string } {
    const { family, format, rules } = this;
    const spec: SecurityPolicySpec = { family, defaultAction: 'DENY', format, rules };
    return { spec, text: [`v${family} DENY ${format}`, ...this.lines].join('\n') };
  }

  /** The second use of a name gets `~2`. */
  private uniqueName(name: string): string {
    const count = (this.used.get(name) ?? 0) + 1;
    this.used.set(name, count);
    return count === 1 ? name : `${name}~${count}`;
  }
}

function compactMatch(box: Box, family: Family): RuleMatch {
  const protocol = box.protocols === PROTOCOLS.full ? undefined : box.protocols.bounds[0];
  return {
    ...(protocol === undefined ? {} : { protocol }),
    source: entriesOf(box.source, family),
    destination: entriesOf(box.destination, family),
    sourcePorts: portEntriesOf(box.sourcePorts),
    destinationPorts: portEntriesOf(box.destinationPorts),
    icmp: icmpEntriesOf(box.icmp),
  };
}

/** One match for each combination of one entry per field. */
function flattened(all: RuleMatch): RuleMatch[] {
  let matches: RuleMatch[] = [all];
  for (const field of ['source', 'destination', 'sourcePorts', 'destinationPorts'] as const) {
    if (all[field].length <= 1) continue;
    matches = matches.flatMap((match) =>
      all[field].map((entry) => ({ ...match, [field]: [entry] })),
    );
  }
  return matches;
}

/** Text that is equal for equal matches alone. Fields are parted by blanks, which no value holds. */
function matchText(match: RuleMatch): string {
  const ports = (ranges: RuleMatch['sourcePorts']): string =>
    ranges.map(({ low, high }) => `${low}-${high}`).join();
  const icmp = match.icmp.map(({ type, code }) => `${type}/${code ?? ''}`).join();
  const { protocol = 'any', sourcePorts, destinationPorts } = match;
  const addresses = `${digestOf(match.source)} ${digestOf(match.destination)}`;
  return `${protocol} ${addresses} ${ports(sourcePorts)} ${ports(destinationPorts)} ${icmp}`;
}

/** Short lists stand for themselves, others by a digest that is made once for each shared list. */
function digestOf(entries: readonly IpEntrySpec[]): string {
  if (entries.length <= 1) return entries.map(entryText).join();
  let digest = digests.get(entries);
  if (digest === undefined) {
    digest = hashText(entries.map(entryText).join(), DIGEST_CHARS);
    digests.set(entries, digest);
  }
  return digest;
}

function entryText(entry: IpEntrySpec): string {
  return 'prefix' in entry ? entry.prefix : `${entry.low}-${entry.high}`;
}
