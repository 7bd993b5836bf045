/**
 * YAML text to documents, each a resource. Kubernetes' `List` is taken apart. Plain words mean what they mean to kubectl and
 * calicoctl, which read YAML 1.1: `y`, `no` and `on` are truth values.
 */
import {
  isNode,
  LineCounter,
  parseAllDocuments,
  type Document,
  type ScalarTag,
  type Tags,
} from 'yaml';
import { SimError } from '../../errors.js';
import { Field, type DocumentPlace, type PathPart } from './field.js';

/** The documents of a file, empty ones left out. Throws `SimError` with code `scenario` for what is no YAML. */
export function readDocuments(file: string, text: string): Field[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    version: '1.1',
    customTags: withoutTimes,
  });
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw malformed(file, lines.linePos(error.pos[0]).line, error.message);
    const value: unknown = document.toJS();
    if (value === null || value === undefined) return [];
    const field = new Field(value, placeOf(file, document, lines));
    return isList(value) ? field.at('items').items() : [field];
  });
}

/** Their parser knows no numbers to the base of 60: `8000:8010` is a text, and so is a date. */
function withoutTimes(tags: Tags): Tags {
  return tags.filter((tag) => {
    if (typeof tag === 'string') return tag !== 'timestamp' && !tag.endsWith('Time');
    const { format, tag: name } = tag as Partial<ScalarTag>;
    return format !== 'TIME' && name !== 'tag:yaml.org,2002:timestamp';
  });
}

function isList(value: unknown): boolean {
  const { apiVersion, kind } = value as { readonly apiVersion?: unknown; readonly kind?: unknown };
  return apiVersion === 'v1' && kind === 'List';
}

function placeOf(file: string, document: Document, lines: LineCounter): DocumentPlace {
  return {
    file,
    lineOf(path: readonly PathPart[]): number {
      for (let length = path.length; length >= 0; length--) {
        const node: unknown =
          length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
        if (isNode(node) && node.range !== null && node.range !== undefined)
          return lines.linePos(node.range[0]).line;
      }
      return 1;
    },
  };
}

function malformed(file: string, line: number, problem: string): SimError {
  const [first = ''] = problem.split('\n');
  return new SimError({
    code: 'scenario',
    op: 'read Calico YAML',
    message: `${file}:${line}: ${first}`,
  });
}
