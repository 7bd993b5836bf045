/**
 * Words of a selector. As in Calico, what may follow depends on what came before: behind a label only an operator can
 * stand, so `contains`, `in` and the like are label names everywhere else.
 */

/** One word. `at` is its offset in the text, for messages. */
export type Token =
  | { readonly is: Mark; readonly at: number }
  | { readonly is: 'label' | 'text'; readonly value: string; readonly at: number }
  | { readonly is: 'has'; readonly value: string; readonly at: number };

/** Words without a value. */
export type Mark =
  | '('
  | ')'
  | '{'
  | '}'
  | ','
  | '=='
  | '!='
  | '!'
  | '&&'
  | '||'
  | 'in'
  | 'not in'
  | 'contains'
  | 'starts with'
  | 'ends with'
  | 'all()'
  | 'global()'
  | 'end';

/** A text that is no selector. */
export class SelectorError extends Error {
  /** Offset of the offending word. */
  readonly at: number;

  constructor(problem: string, at: number) {
    super(`${problem} at offset ${at}`);
    this.name = 'SelectorError';
    this.at = at;
  }
}

/** Marks by their spelling; longer ones first where one begins another. */
const PUNCTUATION: readonly Mark[] = ['==', '!=', '&&', '||', '!', '(', ')', '{', '}', ','];

/** Operators of letters, tried behind a label. No space is needed after them. */
const OPERATORS: readonly [RegExp, Mark][] = [
  [/contains/y, 'contains'],
  [/starts[ \t]*with/y, 'starts with'],
  [/ends[ \t]*with/y, 'ends with'],
  [/not[ \t]*in/y, 'not in'],
  [/in/y, 'in'],
];

const SPACE = /[ \t]*/y;
const TEXT = /"([^"]*)"|'([^']*)'/y;
const HAS = /has\([ \t]*([a-zA-Z0-9_./-]+)[ \t]*\)/y;
const ALL = /all\([ \t]*\)/y;
const GLOBAL = /global\([ \t]*\)/y;
const LABEL = /[a-zA-Z0-9_./-]+/y;

/** All words, the last of which is `end`. Throws `SelectorError`. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = skipSpace(text, 0);
  while (at < text.length) {
    const { token, length } = nextToken(text, at, tokens.at(-1)?.is === 'label');
    tokens.push(token);
    at = skipSpace(text, at + length);
  }
  tokens.push({ is: 'end', at });
  return tokens;
}

interface Read {
  readonly token: Token;
  readonly length: number;
}

function nextToken(text: string, at: number, afterLabel: boolean): Read {
  const symbol = PUNCTUATION.find((spelling) => text.startsWith(spelling, at));
  if (symbol !== undefined) return { token: { is: symbol, at }, length: symbol.length };
  const quoted = matchAt(TEXT, text, at);
  if (quoted !== undefined) {
    const value = quoted[1] ?? quoted[2] ?? '';
    return { token: { is: 'text', value, at }, length: quoted[0].length };
  }
  return afterLabel ? operator(text, at) : word(text, at);
}

function operator(text: string, at: number): Read {
  for (const [pattern, is] of OPERATORS) {
    const found = matchAt(pattern, text, at);
    if (found !== undefined) return { token: { is, at }, length: found[0].length };
  }
  throw new SelectorError('expected an operator after the label', at);
}

function word(text: string, at: number): Read {
  const has = matchAt(HAS, text, at);
  if (has !== undefined) {
    return { token: { is: 'has', value: has[1] ?? '', at }, length: has[0].length };
  }
  const all = matchAt(ALL, text, at);
  if (all !== undefined) return { token: { is: 'all()', at }, length: all[0].length };
  const global = matchAt(GLOBAL, text, at);
  if (global !== undefined) return { token: { is: 'global()', at }, length: global[0].length };
  const label = matchAt(LABEL, text, at);
  if (label === undefined) throw new SelectorError(`unexpected ${problemAt(text, at)}`, at);
  return { token: { is: 'label', value: label[0], at }, length: label[0].length };
}

function problemAt(text: string, at: number): string {
  const character = text.charAt(at);
  return character === '"' || character === "'" ? 'text without its closing quote' : character;
}

function skipSpace(text: string, at: number): number {
  return at + (matchAt(SPACE, text, at)?.[0].length ?? 0);
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}
