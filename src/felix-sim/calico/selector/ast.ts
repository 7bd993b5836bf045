/** Calico's selector language as a tree (Calico documentation: selectors). */

/** An expression over the labels of one endpoint or network set. */
export type Selector =
  | { readonly op: 'all' }
  | { readonly op: 'global' }
  | { readonly op: 'has'; readonly label: string }
  | { readonly op: ValueOperator; readonly label: string; readonly value: string }
  | { readonly op: SetOperator; readonly label: string; readonly values: readonly string[] }
  | { readonly op: '!'; readonly operand: Selector }
  | { readonly op: '&&' | '||'; readonly operands: readonly Selector[] };

/** Operators between a label and one text. */
export type ValueOperator = '==' | '!=' | 'contains' | 'starts with' | 'ends with';

/** Operators between a label and a set of texts, which is kept sorted and without repeats. */
export type SetOperator = 'in' | 'not in';

/** Selects everything. */
export const ALL: Selector = { op: 'all' };

/** Both hold. */
export function both(left: Selector, right: Selector): Selector {
  return { op: '&&', operands: [left, right] };
}

/** `label == "value"`. */
export function labelIs(label: string, value: string): Selector {
  return { op: '==', label, value };
}

/** The tree with each leaf replaced. */
export function mapLeaves(selector: Selector, change: (leaf: Selector) => Selector): Selector {
  switch (selector.op) {
    case '!':
      return { op: '!', operand: mapLeaves(selector.operand, change) };
    case '&&':
    case '||': {
      const operands = selector.operands.map((operand) => mapLeaves(operand, change));
      return { op: selector.op, operands };
    }
    default:
      return change(selector);
  }
}
