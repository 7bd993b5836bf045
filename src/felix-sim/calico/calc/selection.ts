/** Finds what a selector selects among many things, by an index of their labels. */
import type { Labels, ProfileResource } from '../resources/resource.js';
import type { Selector } from '../selector/ast.js';
import { selects } from '../selector/evaluate.js';

/** Something with labels of its own and labels it inherits. */
interface Labelled {
  readonly labels: Labels;
  readonly profiles: readonly string[];
}

interface Entry<T> {
  readonly item: T;
  readonly labels: ReadonlyMap<string, string>;
}

/** The labels of things, own ones and inherited. */
export class Selection<T extends Labelled> {
  private readonly entries: readonly Entry<T>[];
  /** Entries by label and value. */
  private readonly index = new Map<string, Map<string, Entry<T>[]>>();

  constructor(items: readonly T[], profiles: ReadonlyMap<string, ProfileResource>) {
    this.entries = items.map((item) => ({ item, labels: effectiveLabels(item, profiles) }));
    for (const entry of this.entries) this.add(entry);
  }

  /** What the selector selects, in the order in which it was given. */
  select(selector: Selector): T[] {
    return this.candidates(selector)
      .filter(({ labels }) => selects(selector, (label) => labels.get(label)))
      .map(({ item }) => item);
  }

  private add(entry: Entry<T>): void {
    for (const [label, value] of entry.labels) {
      const byValue = this.index.get(label) ?? new Map<string, Entry<T>[]>();
      this.index.set(label, byValue);
      const entries = byValue.get(value);
      if (entries === undefined) byValue.set(value, [entry]);
      else entries.push(entry);
    }
  }

  /** The fewest entries that an equality which must hold leaves; all, where there is none. */
  private candidates(selector: Selector): readonly Entry<T>[] {
    if (selector.op === '==') return this.index.get(selector.label)?.get(selector.value) ?? [];
    if (selector.op !== '&&') return this.entries;
    return selector.operands
      .map((operand) => this.candidates(operand))
      .reduce((least, entries) => (entries.length < least.length ? entries : least));
  }
}

/** An own label hides an inherited one; of several profiles the first that has a label counts. */
function effectiveLabels(
  { labels, profiles }: Labelled,
  known: ReadonlyMap<string, ProfileResource>,
): ReadonlyMap<string, string> {
  const effective = new Map<string, string>();
  for (const name of profiles.toReversed()) {
    for (const [label, value] of Object.entries(known.get(name)?.labelsToApply ?? {})) {
      effective.set(label, value);
    }
  }
  for (const [label, value] of Object.entries(labels)) effective.set(label, value);
  return effective;
}
