/** Text of a selector to its tree: `||` binds loosest, then `&&`, then `!`. An empty text selects everything. */
import { ALL, type Selector, type ValueOperator } from './ast.js';
import { SelectorError, tokenize, type Token } from './tokens.js';

/** Deepest nesting that is read; far above what people write, far below what a stack holds. */
const NESTING_MAX = 500;

/** Reads a selector. Throws `SelectorError` with the offset of what is wrong. */
export function parseSelector(text: string): Selector {
  const parser = new Parser(tokenize(text));
  if (parser.atEnd) return ALL;
  const selector = parser.anyOf();
  parser.expect('end');
  return selector;
}

class Parser {
  private readonly tokens: readonly Token[];
  private next = 0;
  private depth = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  get atEnd(): boolean {
    return this.current.is === 'end';
  }

  anyOf(): Selector {
    return this.chain('||', () => this.chain('&&', () => this.term()));
  }

  expect(is: Token['is']): void {
    const token = this.take();
    if (token.is !== is) throw new SelectorError(`expected ${is}, found ${token.is}`, token.at);
  }

  private chain(op: '&&' | '||', part: () => Selector): Selector {
    const first = part();
    const operands = [first];
    while (this.skip(op)) operands.push(part());
    return operands.length === 1 ? first : { op, operands };
  }

  /** One test, or an expression in parentheses; `!` in front of it, an even number of them cancels out. */
  private term(): Selector {
    let negated = false;
    while (this.skip('!')) negated = !negated;
    const operand = this.positiveTerm();
    return negated ? { op: '!', operand } : operand;
  }

  private positiveTerm(): Selector {
    const token = this.take();
    switch (token.is) {
      case 'all()':
        return ALL;
      case 'global()':
        return { op: 'global' };
      case 'has':
        return { op: 'has', label: token.value };
      case 'label':
        return this.test(token.value);
      case '(':
        return this.parenthesised(token.at);
      default:
        throw new SelectorError(`unexpected ${token.is}`, token.at);
    }
  }

  private parenthesised(at: number): Selector {
    if (++this.depth > NESTING_MAX) throw new SelectorError('nested too deeply', at);
    const inner = this.anyOf();
    this.expect(')');
    this.depth--;
    return inner;
  }

  private test(label: string): Selector {
    const operator = this.take();
    switch (operator.is) {
      case '==':
      case '!=':
      case 'contains':
      case 'starts with':
      case 'ends with':
        return { op: operator.is satisfies ValueOperator, label, value: this.text() };
      case 'in':
      case 'not in':
        return { op: operator.is, label, values: this.set() };
      default:
        throw new SelectorError(`expected an operator, found ${operator.is}`, operator.at);
    }
  }

  private text(): string {
    const token = this.take();
    if (token.is === 'text') return token.value;
    throw new SelectorError(`expected a quoted text, found ${token.is}`, token.at);
  }

  /** `{ "a", "b" }`; Calico takes an empty set and a comma behind the last member too. */
  private set(): string[] {
    this.expect('{');
    const values = new Set<string>();
    while (this.current.is === 'text') {
      values.add(this.text());
      if (!this.skip(',')) break;
    }
    this.expect('}');
    return [...values].sort(byBytes);
  }

  private skip(is: Token['is']): boolean {
    if (this.current.is !== is) return false;
    this.next++;
    return true;
  }

  private get current(): Token {
    return this.tokens[this.next] ?? { is: 'end', at: 0 };
  }

  private take(): Token {
    const token = this.current;
    this.next++;
    return token;
  }
}

/** Order of UTF-8 bytes, in which Calico sorts texts. */
function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
