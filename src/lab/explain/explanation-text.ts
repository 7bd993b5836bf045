/** An explanation for people. */
import type { Explanation, PathEntry } from './explain.js';
import type { Place } from './place.js';
import { transportText } from './question.js';
import { degradationText, sourceText } from './words.js';
import type { StageStep } from './stage-report.js';

/** Several lines, ended by a newline. The verdict comes first, the step that decided is marked `=>`. */
export function explanationText(explanation: Explanation): string {
  const { from, to, packet, allow, exit, plain, path } = explanation;
  const question = `${placeText(from)} sends ${transportText(packet)} to ${placeText(to)}`;
  const out = allow && exit !== undefined ? `, comes out at ${exit}` : '';
  return [
    `${question}: ${allow ? 'allowed' : 'denied'}${out}`,
    ...pathLines(path),
    ...(plain === undefined ? [] : plainLines(plain, allow)),
    ...explanation.degraded.map((one) => `narrower: ${degradationText(one)}`),
    ...explanation.notes.map((note) => `note: ${note}`),
    `asked of ${explanation.source}`,
    '',
  ].join('\n');
}

function placeText(place: Place): string {
  if (place.kind === 'host') return `the node ${place.name} (${place.address})`;
  return place.name === place.address ? place.address : `${place.name} (${place.address})`;
}

/** One heading for each port and direction. */
function pathLines(path: readonly PathEntry[]): string[] {
  const lines: string[] = [];
  let heading = '';
  for (const entry of path) {
    const now = headingText(entry);
    if (now !== heading) lines.push(now);
    heading = now;
    lines.push(...entryLines(entry));
  }
  return lines;
}

function headingText({ port, direction }: PathEntry): string {
  if (port === 'uplink' || port === 'tunnel') {
    return direction === 'from' ? `arrives by the ${port}` : `leaves by the ${port}`;
  }
  const owner = port === 'host' ? 'the node' : port;
  return direction === 'from' ? `${owner} sends` : `${owner} receives`;
}

function entryLines(entry: PathEntry): string[] {
  if (entry.kind === 'fixed') return [`  => always: ${entry.reason}: ${entry.result}`];
  const later = entry.asked ? '' : ' (not asked; this is what it would say)';
  return [
    `  ${entry.stage}: ${entry.result}${later}`,
    ...entry.steps.map((step) => `    ${stepText(step)}`),
  ];
}

function stepText(step: StageStep): string {
  const mark = step.decides && step.asked ? '=> ' : step.asked ? '   ' : '   (not asked) ';
  return `${mark}${whatText(step)}`;
}

function whatText(step: StageStep): string {
  const tier = step.tier === undefined ? '' : `tier ${step.tier}: `;
  switch (step.kind) {
    case 'state':
      return `the packet has no valid connection state: ${step.result}`;
    case 'failsafe':
      return `failsafes: ${step.result === 'no-match' ? 'none matches' : step.result}`;
    case 'tier-default':
      return `${tier}default action: ${step.result}`;
    case 'end':
      return endText(step);
    case 'policy':
    case 'profile': {
      const source = step.source === undefined ? '' : sourceText(step.source);
      return `${tier}${source} ${step.direction ?? ''}: ${rulesText(step)}`;
    }
  }
}

function endText({ result }: StageStep): string {
  if (result === 'deny') return 'no profile allows: deny';
  return result === 'allow' ? 'nothing denies: allow' : 'no verdict: goes on';
}

function rulesText({ rules, result }: StageStep): string {
  const matched = rules.map(({ index, action }) => `rule ${index} ${action}`);
  if (result === 'no-match')
    matched.push(rules.length === 0 ? 'no rule matches' : 'no further rule matches');
  return matched.join(', ');
}

function plainLines({ allow, path }: NonNullable<Explanation['plain']>, calico: boolean): string[] {
  const narrower = calico && !allow ? ', narrower than Calico asks' : '';
  return [
    `on this plain target: ${allow ? 'allowed' : 'denied'}${narrower}`,
    ...path.map((line) => `  ${line}`),
  ];
}
