/** Whether a selector selects something, by its labels. */
import type { Selector } from './ast.js';

/** Value of a label; `undefined` where the label is absent. */
export type LabelLookup = (label: string) => string | undefined;

/**
 * True if the labels satisfy the selector. Negative tests hold for an absent label. `global()` alone holds for
 * everything: what makes it select global objects only is its place, a rule's namespaceSelector, where it is replaced.
 */
export function selects(selector: Selector, labels: LabelLookup): boolean {
  switch (selector.op) {
    case 'all':
    case 'global':
      return true;
    case '!':
      return !selects(selector.operand, labels);
    case '&&':
      return selector.operands.every((operand) => selects(operand, labels));
    case '||':
      return selector.operands.some((operand) => selects(operand, labels));
    default:
      return testLabel(selector, labels(selector.label));
  }
}

type LabelTest = Extract<Selector, { readonly label: string }>;

function testLabel(test: LabelTest, value: string | undefined): boolean {
  if (value === undefined) return test.op === '!=' || test.op === 'not in';
  switch (test.op) {
    case 'has':
      return true;
    case '==':
      return value === test.value;
    case '!=':
      return value !== test.value;
    case 'contains':
      return value.includes(test.value);
    case 'starts with':
      return value.startsWith(test.value);
    case 'ends with':
      return value.endsWith(test.value);
    case 'in':
      return test.values.includes(value);
    case 'not in':
      return !test.values.includes(value);
  }
}
