/** A selector in Calico's normal form: the text whose hash identifies an IP set (felix-protocol: IP sets). */
import type { Selector } from './ast.js';

/** The normal form. Reading it again gives the same selections, and the same text but for repeated negations. */
export function formatSelector(selector: Selector): string {
  switch (selector.op) {
    case 'all':
    case 'global':
      return `${selector.op}()`;
    case 'has':
      return `has(${selector.label})`;
    case 'in':
    case 'not in':
      return `${selector.label} ${selector.op} {${selector.values.map(quote).join(', ')}}`;
    case '!':
      return `!${formatSelector(selector.operand)}`;
    case '&&':
    case '||':
      return `(${selector.operands.map(formatSelector).join(` ${selector.op} `)})`;
    default:
      return `${selector.label} ${selector.op} ${quote(selector.value)}`;
  }
}

/** No text can hold both kinds of quotes: the language has no escapes. */
function quote(text: string): string {
  return text.includes('"') ? `'${text}'` : `"${text}"`;
}
