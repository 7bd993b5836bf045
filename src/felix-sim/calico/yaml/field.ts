/**
 * One value of a YAML document together with its place, so that every complaint names file, line, resource and field.
 * What is absent or null counts as not given.
 */
import { parseCidr, parseIp, type Cidr, type IpAddress } from '../../../base/ip.js';
import { errorText } from '../../../base/errors.js';
import { SimError } from '../../errors.js';
import type { Selector } from '../selector/ast.js';
import { parseSelector } from '../selector/parse.js';

/** A step into a document: a member's name or an item's number. */
export type PathPart = string | number;

/** The document that a field belongs to. */
export interface DocumentPlace {
  readonly file: string;
  /** Line, from 1, of what lies at `path`, or of the nearest thing above it. */
  lineOf(path: readonly PathPart[]): number;
}

/** A selector as it was written and as it was understood. */
export interface WrittenSelector {
  readonly text: string;
  readonly selector: Selector;
}

/** A value and its place. All readers throw `SimError` with code `scenario`. */
export class Field {
  readonly value: unknown;
  private readonly document: DocumentPlace;
  private readonly path: readonly PathPart[];

  constructor(value: unknown, document: DocumentPlace, path: readonly PathPart[] = []) {
    this.value = value;
    this.document = document;
    this.path = path;
  }

  /** True if something was given here. */
  get given(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  /** The field itself, `undefined` where nothing was given. */
  get orAbsent(): Field | undefined {
    return this.given ? this : undefined;
  }

  /** A member. An absent mapping has no members. */
  at(name: string): Field {
    const members = this.given ? this.mapping() : {};
    const value = Object.hasOwn(members, name) ? members[name] : undefined;
    return new Field(value, this.document, [...this.path, name]);
  }

  /** Refuses members with other names: a misspelt match would make a rule wider than it was meant. */
  only(...names: readonly string[]): this {
    const unknown = this.given
      ? Object.keys(this.mapping()).find((name) => !names.includes(name))
      : undefined;
    if (unknown !== undefined) this.at(unknown).refuse('no such field');
    return this;
  }

  /** Items of a list; none where nothing was given. */
  items(): Field[] {
    if (!this.given) return [];
    if (!Array.isArray(this.value)) return this.refuse('is no list');
    return this.value.map(
      (item: unknown, index) => new Field(item, this.document, [...this.path, index]),
    );
  }

  /** A mapping of texts, such as labels. */
  texts(): Record<string, string> {
    if (!this.given) return {};
    return Object.fromEntries(Object.keys(this.mapping()).map((key) => [key, this.at(key).text()]));
  }

  /** A text. A plain word that YAML takes for a number or a truth value is that value's text, as with calicoctl. */
  text(): string {
    const { value } = this;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    return typeof value === 'string' ? value : this.refuse('is no text');
  }

  /** A text that is not empty. */
  name(): string {
    const text = this.text();
    return text === '' ? this.refuse('is empty') : text;
  }

  boolean(): boolean {
    return typeof this.value === 'boolean' ? this.value : this.refuse('is neither true nor false');
  }

  number(): number {
    return typeof this.value === 'number' && Number.isFinite(this.value)
      ? this.value
      : this.refuse('is no number');
  }

  integer(low: number, high: number): number {
    const value = this.number();
    if (Number.isInteger(value) && value >= low && value <= high) return value;
    return this.refuse(`is no whole number from ${low} to ${high}`);
  }

  /** One of some words. */
  oneOf<T extends string>(...words: readonly T[]): T {
    const text = this.given ? this.text() : undefined;
    return words.find((word) => word === text) ?? this.refuse(`is none of ${words.join(', ')}`);
  }

  /** An address. */
  ip(): IpAddress {
    return parseIp(this.text()) ?? this.refuse('is no IP address');
  }

  /** A prefix, or an address as a host prefix; host bits are cleared. */
  cidr(): Cidr {
    return parseCidr(this.text()) ?? this.refuse('is no CIDR');
  }

  /** A selector; `undefined` where none was given or it is empty. */
  selector(): WrittenSelector | undefined {
    const text = this.given ? this.text() : '';
    if (text === '') return undefined;
    try {
      return { text, selector: parseSelector(text) };
    } catch (cause) {
      return this.refuse(`is no selector: ${errorText(cause)}`);
    }
  }

  /** Throws, naming this place. */
  refuse(problem: string): never {
    const shown = this.given ? ` (${shorten(JSON.stringify(this.value))})` : '';
    const said = this.given ? problem : `is missing, or ${problem}`;
    throw new SimError({
      code: 'scenario',
      op: 'read Calico YAML',
      message: `${this.where}${shown}: ${said}`,
    });
  }

  /** File, line and path. */
  get where(): string {
    const path = this.path.reduce<string>(
      (text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}.${part}`),
      '',
    );
    return `${this.document.file}:${this.document.lineOf(this.path)}: ${path.slice(1)}`;
  }

  private mapping(): Record<string, unknown> {
    if (typeof this.value === 'object' && this.value !== null && !Array.isArray(this.value)) {
      return this.value as Record<string, unknown>;
    }
    return this.refuse('is no mapping');
  }
}

const SHOWN_MAX = 60;

function shorten(text: string): string {
  return text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)}...`;
}
