/** Reads one TypeScript file and measures what the style rules speak of. */
import ts from 'typescript';

/** A place in a file with a name to show. Lines count from 1. */
export interface Spot {
  readonly name: string;
  readonly line: number;
}

/** A function with a body. `lines` counts from its first to its last line. */
export interface FunctionSpot extends Spot {
  readonly lines: number;
}

/** Everything measured in one file. */
export interface Measures {
  readonly path: string;
  readonly lines: number;
  /** Lines that hold nothing but comment. */
  readonly commentLines: number;
  /** Whether the file opens with a comment that tells its duty. */
  readonly hasHead: boolean;
  /** Functions, methods and arrow functions; what registers tests is a chapter, and left out. */
  readonly functions: readonly FunctionSpot[];
  readonly documented: readonly Spot[];
  readonly undocumented: readonly Spot[];
  /** Uses of the type `any`. */
  readonly anys: readonly Spot[];
  /** Comments that promise work for later. */
  readonly promises: readonly Spot[];
  /** Tests left out or singled out in the code. */
  readonly partial: readonly Spot[];
  /** Relative paths in string literals: imports, and files started by path. */
  readonly references: readonly string[];
}

/** Measures `text`, which stands at `path`. */
export function measure(path: string, text: string): Measures {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const lines = text.split('\n');
  const found = new Findings(source);
  found.visit(source);
  const exported = source.statements.filter(isExported).flatMap((node) => declared(node, source));
  return {
    path,
    lines: text.endsWith('\n') ? lines.length - 1 : lines.length,
    commentLines: lines.filter((line) => /^\s*(\/\/|\/\*|\*)/.test(line)).length,
    hasHead: /^(#!.*\n)?\s*\/[/*]/.test(text),
    functions: found.functions,
    documented: exported.filter(({ node }) => isDocumented(node)).map(({ spot }) => spot),
    undocumented: exported.filter(({ node }) => !isDocumented(node)).map(({ spot }) => spot),
    anys: found.anys,
    promises: lines.flatMap((line, at) =>
      PROMISE.test(line) ? [{ name: line.trim(), line: at + 1 }] : [],
    ),
    partial: found.partial,
    references: found.references,
  };
}

const PROMISE = new RegExp(`\\b(${['FIX', 'TO', 'HA'].join('|')})(ME|DO|CK)\\b`);
const SUITES = new Set(['describe', 'context', 'suite']);
const TESTS = new Set([...SUITES, 'it', 'test', 'specify']);

/** What a walk over the syntax tree collects. */
class Findings {
  readonly functions: FunctionSpot[] = [];
  readonly anys: Spot[] = [];
  readonly partial: Spot[] = [];
  readonly references: string[] = [];
  readonly #source: ts.SourceFile;

  constructor(source: ts.SourceFile) {
    this.#source = source;
  }

  visit(node: ts.Node): void {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) this.#function(node);
    if (node.kind === ts.SyntaxKind.AnyKeyword) this.anys.push(this.#spot(node, 'any'));
    if (ts.isStringLiteralLike(node) && /^\.\.?\//.test(node.text)) this.references.push(node.text);
    if (ts.isCallExpression(node) && isPartial(node)) {
      this.partial.push(this.#spot(node, node.expression.getText(this.#source)));
    }
    ts.forEachChild(node, (child) => this.visit(child));
  }

  #function(node: ts.SignatureDeclaration): void {
    if (isSuiteBody(node)) return;
    const start = this.#line(node.getStart(this.#source));
    const lines = this.#line(node.getEnd()) - start + 1;
    this.functions.push({ name: nameOf(node, this.#source), line: start, lines });
  }

  #spot(node: ts.Node, name: string): Spot {
    return { name, line: this.#line(node.getStart(this.#source)) };
  }

  #line(position: number): number {
    return this.#source.getLineAndCharacterOfPosition(position).line + 1;
  }
}

/** The body of `describe`, or a function of a contract suite that registers tests. */
function isSuiteBody(node: ts.SignatureDeclaration): boolean {
  if (isCallOf(node.parent, SUITES)) return true;
  const body = 'body' in node ? node.body : undefined;
  return (
    body !== undefined &&
    ts.isBlock(body) &&
    body.statements.some((one) => ts.isExpressionStatement(one) && isCallOf(one.expression, TESTS))
  );
}

function isCallOf(node: ts.Node, names: ReadonlySet<string>): boolean {
  return (
    ts.isCallExpression(node) && ts.isIdentifier(node.expression) && names.has(node.expression.text)
  );
}

/** `it.only`, `describe.skip`, `xit`, and a test without a body. */
function isPartial(call: ts.CallExpression): boolean {
  const callee = call.expression;
  if (ts.isPropertyAccessExpression(callee) && ts.isIdentifier(callee.expression)) {
    return TESTS.has(callee.expression.text) && ['only', 'skip'].includes(callee.name.text);
  }
  if (!ts.isIdentifier(callee)) return false;
  if (callee.text.startsWith('x') && TESTS.has(callee.text.slice(1))) return true;
  return callee.text === 'it' && call.arguments.length === 1;
}

function nameOf(node: ts.SignatureDeclaration, source: ts.SourceFile): string {
  if (node.name !== undefined) return node.name.getText(source);
  if (ts.isConstructorDeclaration(node)) return 'constructor';
  const holder = node.parent;
  return ts.isVariableDeclaration(holder) || ts.isPropertyAssignment(holder)
    ? holder.name.getText(source)
    : 'anonymous';
}

function isExported(node: ts.Statement): boolean {
  return (
    ts.canHaveModifiers(node) &&
    (ts.getModifiers(node)?.some((word) => word.kind === ts.SyntaxKind.ExportKeyword) ?? false)
  );
}

/** The names a statement declares. Overloads of one function share the comment of the first. */
function declared(node: ts.Statement, source: ts.SourceFile): { node: ts.Statement; spot: Spot }[] {
  const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
  if (ts.isVariableStatement(node)) {
    return node.declarationList.declarations.map((one) => ({
      node,
      spot: { name: one.name.getText(source), line },
    }));
  }
  if (ts.isFunctionDeclaration(node) && isLaterOverload(node)) return [];
  const name = (node as ts.Statement & { name?: ts.Node }).name?.getText(source) ?? 'default';
  return [{ node, spot: { name, line } }];
}

function isLaterOverload(node: ts.FunctionDeclaration): boolean {
  const file = node.getSourceFile();
  const before = file.statements[file.statements.indexOf(node) - 1];
  return (
    before !== undefined &&
    ts.isFunctionDeclaration(before) &&
    before.body === undefined &&
    before.name?.text === node.name?.text
  );
}

/** A comment of its own: the head of the file does not also document its first statement. */
function isDocumented(node: ts.Statement): boolean {
  const comments = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  const own = comments.filter((comment) => comment.pos > 0);
  return own.some((comment) => comment.getText().replaceAll(/[\s/*]/g, '').length > 0);
}
