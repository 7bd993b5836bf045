/**
 * Random selectors, each as a text in free spelling together with what it means: a function that the generator builds beside
 * the text, so that it shares nothing with parser and evaluator.
 */
import fc from 'fast-check';

/** A selector's text, and whether it selects something with these labels. */
export interface Meant {
  readonly text: string;
  readonly selects: (labels: ReadonlyMap<string, string>) => boolean;
}

const NAMES = ['a', 'in', 'not', 'contains', 'all', 'has', 'pcns.x', 'projectcalico.org/namespace'];
const VALUES = ['', 'a', 'ab', 'b', 'in {', "it's", 'say "x"', ' && '];

const space = fc.constantFrom('', ' ', '  ', '\t');
const gap = fc.constantFrom(' ', '\t ');

/** Labels that the selectors speak of. */
export const anyLabels: fc.Arbitrary<ReadonlyMap<string, string>> = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom(...VALUES)), {
    selector: ([name]) => name,
  })
  .map((entries) => new Map(entries));

function quoted(value: string, single: boolean): string {
  if (value.includes('"')) return `'${value}'`;
  return single && !value.includes("'") ? `'${value}'` : `"${value}"`;
}

type Test = (value: string | undefined, operand: string) => boolean;

const VALUE_TESTS: readonly [string, Test][] = [
  ['==', (value, operand) => value === operand],
  ['!=', (value, operand) => value !== operand],
  ['contains', (value, operand) => value !== undefined && value.split(operand).length > 1],
  ['starts with', (value, operand) => value?.slice(0, operand.length) === operand],
  ['startswith', (value, operand) => value?.slice(0, operand.length) === operand],
  ['ends  with', (value, operand) => (value ?? '\0').slice(-operand.length || 9) === operand],
];

const valueTest: fc.Arbitrary<Meant> = fc
  .record({
    name: fc.constantFrom(...NAMES),
    test: fc.constantFrom(...VALUE_TESTS),
    value: fc.constantFrom(...VALUES),
    single: fc.boolean(),
    before: gap,
    after: space,
  })
  .filter(({ test: [operator], value }) => operator !== 'contains' || value !== '')
  .filter(({ test: [operator], value }) => !operator.startsWith('ends') || value !== '')
  .map(({ name, test: [operator, holds], value, single, before, after }) => ({
    text: `${name}${before}${operator}${after}${quoted(value, single)}`,
    selects: (labels) => holds(labels.get(name), value),
  }));

const setTest: fc.Arbitrary<Meant> = fc
  .record({
    name: fc.constantFrom(...NAMES),
    negated: fc.boolean(),
    values: fc.array(fc.constantFrom(...VALUES), { maxLength: 4 }),
    single: fc.boolean(),
    inner: space,
  })
  .map(({ name, negated, values, single, inner }) => ({
    text: `${name} ${negated ? 'not in' : 'in'}${inner}{${inner}${values
      .map((value) => quoted(value, single))
      .join(`${inner},${inner}`)}${inner}}`,
    selects: (labels) => {
      const value = labels.get(name);
      const inside = value !== undefined && values.some((other) => other === value);
      return negated ? !inside : inside;
    },
  }));

const plainTest: fc.Arbitrary<Meant> = fc.oneof(
  fc.tuple(space, fc.constantFrom('all', 'global')).map(([inner, word]) => ({
    text: `${word}(${inner})`,
    selects: () => true,
  })),
  fc.tuple(space, fc.constantFrom(...NAMES)).map(([inner, name]) => ({
    text: `has(${inner}${name}${inner})`,
    selects: (labels: ReadonlyMap<string, string>) => labels.has(name),
  })),
);

/** Any selector. Operands are in parentheses where precedence needs it, and sometimes where it does not. */
export const anySelector: fc.Arbitrary<Meant> = fc.letrec<{ any: Meant }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    plainTest,
    valueTest,
    setTest,
    fc.tuple(tie('any'), fc.integer({ min: 1, max: 3 })).map(([{ text, selects }, count]) => ({
      text: `${'!'.repeat(count)}(${text})`,
      selects: (labels: ReadonlyMap<string, string>) => selects(labels) !== (count % 2 === 1),
    })),
    fc
      .tuple(
        fc.constantFrom('&&', '||'),
        fc.array(tie('any'), { minLength: 2, maxLength: 3 }),
        space,
      )
      .map(([operator, parts, inner]) => ({
        text: parts
          .map(({ text }) => `(${inner}${text}${inner})`)
          .join(`${inner}${operator}${inner}`),
        selects: (labels: ReadonlyMap<string, string>) =>
          operator === '&&'
            ? !parts.some(({ selects }) => !selects(labels))
            : parts.some(({ selects }) => selects(labels)),
      })),
  ),
})).any;
