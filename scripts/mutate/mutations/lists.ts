/** Wrong about lists of a plain target, and about following changes. */
import type { Mutation } from '../mutation.js';

const SET = 'src/translators/policy/plain/interval-set.ts';
const DECISIONS = 'src/translators/policy/plain/decision-list.ts';
const RENDER = 'src/translators/policy/plain/render.ts';
const WRITER = 'src/translators/policy/plain/rule-writer.ts';
const SPLIT = 'src/translators/policy/plain/split.ts';
const TRANSLATOR = 'src/translators/translator.ts';

/** Lists. */
export const LIST_MUTATIONS: readonly Mutation[] = [
  {
    name: 'plain: the complement of a range is off by one',
    why: '"all but 10.0.0.0/8" holds 10.0.0.0 itself',
    file: SET,
    find: 'return this.domain.full.minus(this);',
    replace: `const { bounds } = this.domain.full.minus(this);
    return this.domain.ofBounds(
      bounds.map((bound, at) =>
        at % 2 === 1 && at < bounds.length - 1 ? this.domain.next(bound) : bound,
      ),
    );`,
  },
  {
    name: 'plain: a difference keeps the first value it should lose',
    why: '"all but 10.0.0.0/8" holds 10.0.0.0 itself',
    file: SET,
    find: 'return this.domain.ofBounds(merge(this.bounds, other.bounds, (a, b) => a && !b));',
    replace: `const rest = merge(this.bounds, other.bounds, (a, b) => a && !b);
    return this.domain.ofBounds(
      rest.map((bound, at) =>
        at % 2 === 1 && other.bounds.includes(bound) ? this.domain.next(bound) : bound,
      ),
    );`,
  },
  {
    name: 'plain: a pass in front of other verdicts is dropped',
    why: 'a later deny of the same tier stops what was passed on',
    file: DECISIONS,
    find: '.some((later) => later.outcome !== step.outcome && overlap(later.box, step.box));',
    replace:
      '.some((later) => later.outcome !== step.outcome && overlap(later.box, step.box) && false);',
  },
  {
    name: 'plain: a step that an earlier one touches is dropped',
    why: 'what the earlier step leaves over loses its verdict',
    file: DECISIONS,
    find: '!earlier.some((step) => contains(step.box, box))',
    replace: '!earlier.some((step) => overlap(step.box, box))',
  },
  {
    name: 'plain: beyond the product budget a pass allows',
    why: 'policy that is too large opens the pod',
    file: DECISIONS,
    find: "steps.push({ ...step, outcome: 'deny' });",
    replace: "steps.push({ ...step, outcome: 'allow' });",
  },
  {
    name: 'plain: a deny that needs too many rules is left out',
    why: 'what a large rule stops is let in by a later one',
    file: RENDER,
    find: "return step.outcome === 'allow' ? undefined : { ...step, box: widened(step.box, rulesMax) };",
    replace: 'return undefined;',
  },
  {
    name: 'plain: an allow that needs too many rules is widened',
    why: 'a large rule lets in addresses that lie between its own',
    file: RENDER,
    find: "return step.outcome === 'allow' ? undefined : { ...step, box: widened(step.box, rulesMax) };",
    replace: 'return { ...step, box: widened(step.box, rulesMax) };',
  },
  {
    name: 'plain: a list that ends in allow has no last rule',
    why: 'host policy that passes what it does not name stops it',
    file: RENDER,
    find: "if (list.otherwise !== 'allow' || (last !== undefined && isEverything(last.box))) return steps;",
    replace: 'if (last !== undefined) return steps;',
  },
  {
    name: 'plain flattened: of several ranges only the first is written',
    why: 'a deny of two networks stops one of them',
    file: WRITER,
    find: 'if (all[field].length <= 1) continue;',
    replace: 'if (all[field].length <= 2) continue;',
  },
  {
    name: 'plain: several protocols in one rule become the first of them',
    why: '"all but TCP" is protocol 0 alone',
    file: SPLIT,
    find: 'if (list.steps.every((step) => fits(step, field))) return list;',
    replace: 'if (list.steps.length > 0) return list;',
  },
  {
    name: 'plain: protocols left out are not given their own verdict',
    why: '"deny all but TCP" denies TCP too',
    file: SPLIT,
    find: 'reversed.push({ ...step, box: field.write(step.box, field.full) }, ...holes.reverse());',
    replace: 'reversed.push({ ...step, box: field.write(step.box, field.full) });',
  },
];

/** Changes. */
export const CHANGE_MUTATIONS: readonly Mutation[] = [
  {
    name: 'plain: lists do not follow the members of a set',
    why: 'a pod that left a set is still let in',
    file: 'src/translators/policy/plain/lowering.ts',
    find: 'for (const [id, members] of change.members) this.sets.follow(id, members);',
    replace: '',
  },
  {
    name: 'plain: an address leaves a set though a prefix of the set still holds it',
    why: 'an address that is still in the set is stopped',
    file: 'src/translators/policy/plain/member-sets.ts',
    find: 'const gone = removed.filter((cidr) => !isInside(cidr, view.members)).map(cidrRange);',
    replace: 'const gone = removed.map(cidrRange);',
  },
  {
    name: 'plain: a prefix that leaves a set takes the members inside it along',
    why: 'an address that is still in the set is stopped',
    file: 'src/translators/policy/plain/member-sets.ts',
    find: 'if (removed.some(({ length }) => length < addressBits(family))) return undefined;',
    replace: '',
  },
  {
    name: 'plain: an edited policy does not reach the ports that use it',
    why: 'the old rules stay in force',
    file: TRANSLATOR,
    find: 'return new Set([...ports, ...this.ports.usersOf(changed)]);',
    replace: 'return new Set(ports);',
  },
  {
    name: 'a member goes with the first of its two spellings',
    why: 'an address that is still in the set is stopped',
    file: 'src/translators/sets.ts',
    find: 'else if (step === -1 && !this.extraTexts.has(member)) this.members.delete(member);',
    replace: 'else if (step === -1) this.members.delete(member);',
  },
  {
    name: 'rules are not checked again when a set comes',
    why: 'a policy that came before its set denies for ever',
    file: 'src/translators/policy/catalog.ts',
    find: 'if (!changes.sources.has(key)) this.recheck(key, changes.sources);',
    replace: 'if (!changes.sources.has(key)) continue;',
  },
  {
    name: 'ports do not notice that a policy of theirs came',
    why: 'a pod that came before its policy is closed for ever',
    file: TRANSLATOR,
    find: 'new Set<string>([...endpoints, ...this.ports.usersOf(catalog.presence)]);',
    replace: 'new Set<string>(endpoints);',
  },
  {
    name: 'a changed setting does not reach the pods',
    why: 'pods go on under the old action towards the host',
    file: TRANSLATOR,
    find: 'config ? new Set([...marks.workloads, ...this.endpoints.keys()]) : marks.workloads,',
    replace: 'marks.workloads,',
  },
];
