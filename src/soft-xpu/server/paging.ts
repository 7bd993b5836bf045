/** Pages of lists: stateless tokens in strict mode, remembered offsets in reference mode. */
import { status } from '@grpc/grpc-js';
import { StatusError, type ServerMode } from './status.js';

/** The paging fields of a request. */
export interface PageRequest {
  readonly page_size: number;
  readonly page_token: string;
}

/** One page. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Empty at the end. */
  readonly nextToken: string;
}

/** Sizes of pages in items: what a client gets that asks for none, and at most (opi.md section 3.1). */
export interface PageSizes {
  readonly defaultSize: number;
  readonly maxSize: number;
}

const STRICT_SIZES: PageSizes = { defaultSize: 250, maxSize: 1000 };
const REFERENCE_SIZES: PageSizes = { defaultSize: 50, maxSize: 250 };
/** Weight of a page at most, so that an answer stays far below gRPC's 4 MiB. */
const PAGE_WEIGHT_MAX = 5000;

/** Gives the page a request asks for out of the whole, ordered list. */
export type Pager = <T>(
  items: readonly T[],
  idOf: (item: T) => string,
  request: PageRequest,
  weightOf?: (item: T) => number,
) => Page<T>;

/**
 * Pages that go on behind the last id shown, whatever came or went in between.
 * Throws INVALID_ARGUMENT for a negative size or a token that is none.
 */
export const pageById: Pager = (items, idOf, request, weightOf = () => 1) => {
  const after = lastShown(request.page_token);
  const rest = after === '' ? items : items.filter((item) => idOf(item) > after);
  const size = pageSize(request.page_size, STRICT_SIZES);
  const page = rest.slice(0, fitting(rest.slice(0, size), weightOf));
  const last = page.at(-1);
  const more = last !== undefined && page.length < rest.length;
  return { items: page, nextToken: more ? tokenOf(idOf(last)) : '' };
};

/**
 * Pages as today's servers cut them: a token stands for an offset, is never forgotten, and points into whatever the list
 * has become. Throws NOT_FOUND for an unknown token, INVALID_ARGUMENT for a negative size.
 */
export function offsetPager(newToken: () => string): Pager {
  const offsets = new Map<string, number>();
  return (items, _idOf, request) => {
    const size = pageSize(request.page_size, REFERENCE_SIZES);
    const token = request.page_token;
    const offset = token === '' ? 0 : offsets.get(token);
    if (offset === undefined)
      throw new StatusError(status.NOT_FOUND, `unable to find pagination token ${token}`);
    if (offset > items.length) {
      throw new StatusError(
        status.UNKNOWN,
        `slice bounds out of range [${offset}:${items.length}]`,
      );
    }
    const end = offset + size;
    const page = items.slice(offset, end);
    if (end >= items.length) return { items: page, nextToken: '' };
    const next = newToken();
    offsets.set(next, end);
    return { items: page, nextToken: next };
  };
}

/** The pager of a mode. */
export function pagerOf(mode: ServerMode, newToken: () => string): Pager {
  return mode === 'strict' ? pageById : offsetPager(newToken);
}

/** Effective size of a page. */
export function pageSize(wanted: number, { defaultSize, maxSize }: PageSizes): number {
  if (wanted < 0)
    throw new StatusError(status.INVALID_ARGUMENT, `page_size: ${wanted} is negative`);
  return wanted === 0 ? defaultSize : Math.min(wanted, maxSize);
}

/** How many items a page can hold; at least one. */
function fitting<T>(items: readonly T[], weightOf: (item: T) => number): number {
  let weight = 0;
  const full = items.findIndex((item) => (weight += weightOf(item)) > PAGE_WEIGHT_MAX);
  return full < 0 ? items.length : Math.max(1, full);
}

const TOKEN_HEAD = 'after:';

function tokenOf(id: string): string {
  return Buffer.from(`${TOKEN_HEAD}${id}`).toString('base64url');
}

function lastShown(token: string): string {
  if (token === '') return '';
  const text = Buffer.from(token, 'base64url').toString();
  if (text.startsWith(TOKEN_HEAD)) return text.slice(TOKEN_HEAD.length);
  throw new StatusError(status.INVALID_ARGUMENT, `page_token: ${token} is no token of this server`);
}
