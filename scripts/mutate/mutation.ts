/** A deliberately wrong compiler: one text of the source replaced by another. */

/** One mutation, as data. */
export interface Mutation {
  /** What the wrong compiler does; unique. */
  readonly name: string;
  /** What that would mean for packets. */
  readonly why: string;
  /** Path in the repository. */
  readonly file: string;
  /** Exact text that occurs once in the file. */
  readonly find: string;
  /** What stands there instead. */
  readonly replace: string;
}

/** A mutation that does not fit the source any more, or changes nothing. */
export class MutationError extends Error {}

/** The source with the mutation in it. Throws MutationError unless its text occurs exactly once and is changed. */
export function mutate({ name, file, find, replace }: Mutation, source: string): string {
  const count = find === '' ? 0 : source.split(find).length - 1;
  if (count !== 1) {
    throw new MutationError(`"${name}": its text occurs ${count} times in ${file}, not once`);
  }
  if (find === replace) throw new MutationError(`"${name}" changes nothing in ${file}`);
  const at = source.indexOf(find);
  return source.slice(0, at) + replace + source.slice(at + find.length);
}
