/** Updates by field mask (AIP-134): the whole spec, or single fields of it. */
import { status } from '@grpc/grpc-js';
import { StatusError } from './status.js';

/** A message as plain fields. */
export type Fields = Readonly<Record<string, unknown>>;

/** What an update does to the stored spec. */
export interface SpecUpdate {
  readonly stored: Fields;
  readonly given: Fields;
  /** `undefined`: the request has no mask. */
  readonly paths: readonly string[] | undefined;
  /** Names of the spec's fields. */
  readonly fieldNames: readonly string[];
  /** Reference servers copy the fields that are not zero if there is no mask; otherwise no mask means the whole spec. */
  readonly mergeWithoutMask: boolean;
}

/** The spec after the update. Throws INVALID_ARGUMENT for a path that is no field. */
export function updatedSpec(update: SpecUpdate): Fields {
  const { stored, given, paths, mergeWithoutMask } = update;
  if (paths === undefined || paths.length === 0) {
    return mergeWithoutMask ? { ...stored, ...nonZero(given) } : given;
  }
  if (paths.includes('*')) {
    if (paths.length > 1) throw badPath('* stands beside other paths');
    return given;
  }
  if (paths.includes('spec')) return given;
  const names = paths.map((path) => fieldOf(path, update.fieldNames));
  const kept = Object.entries(stored).filter(([name]) => !names.includes(name));
  const taken = Object.entries(given).filter(([name]) => names.includes(name));
  return Object.fromEntries([...kept, ...taken]);
}

function fieldOf(path: string, fieldNames: readonly string[]): string {
  const name = path.startsWith('spec.') ? path.slice('spec.'.length) : path;
  if (fieldNames.includes(name)) return name;
  throw badPath(`${path} is no field of the spec`);
}

function badPath(problem: string): StatusError {
  return new StatusError(status.INVALID_ARGUMENT, `update_mask: ${problem}`);
}

function nonZero(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isZero(value)));
}

function isZero(value: unknown): boolean {
  if (value === null || value === undefined || value === '' || value === 0 || value === false) {
    return true;
  }
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length === 0;
  return typeof value === 'string' && /_UNSPECIFIED$/.test(value);
}
