/**
 * Which endpoints are up: joins what the translator expects of the XPU with what the reconciler has seen acknowledged.
 * Work proportional to the endpoints that changed.
 */
import type { OriginStatus } from '../reconciler/types.js';
import type { EndpointExpectation } from '../translators/translator.js';
import type { EndpointStatus } from './status.js';

/** Change of one endpoint: its new status, or `undefined` when it is gone. */
export type EndpointListener = (key: string, status: EndpointStatus | undefined) => void;

/** Keeps the status of every endpoint and tells changes. */
export class EndpointStates {
  private readonly statuses = new Map<string, EndpointStatus>();
  private readonly listener: EndpointListener;

  constructor(listener: EndpointListener) {
    this.listener = listener;
  }

  /** Every endpoint now. */
  get all(): ReadonlyMap<string, EndpointStatus> {
    return this.statuses;
  }

  /**
   * Looks again at endpoints: `changed` ones (their definition is another, so they are told even if their status is not) and
   * `touched` ones (something of theirs was written, or failed).
   */
  refresh(
    endpoints: { readonly changed: ReadonlySet<string>; readonly touched: ReadonlySet<string> },
    expectations: ReadonlyMap<string, EndpointExpectation>,
    originStatus: (origin: string) => OriginStatus,
  ): void {
    for (const key of new Set([...endpoints.changed, ...endpoints.touched])) {
      const expectation = expectations.get(key);
      const known = this.statuses.get(key);
      if (expectation === undefined) {
        if (!this.statuses.delete(key)) continue;
        this.listener(key, undefined);
        continue;
      }
      const status = endpointStatus(expectation, originStatus(key));
      const same = known?.status === status.status && known.reason === status.reason;
      if (same && !endpoints.changed.has(key)) continue;
      this.statuses.set(key, status);
      this.listener(key, status);
    }
  }
}

/**
 * Status of one endpoint: `error` when Calico's own rules bind it to nothing, `down` while the XPU lacks something. The
 * reason begins with `table-full` where a table of the XPU has no room for it.
 */
export function endpointStatus(
  expectation: EndpointExpectation,
  origin: OriginStatus,
): EndpointStatus {
  if (expectation.error !== undefined) return { status: 'error', reason: expectation.error };
  if (expectation.objects.length === 0 || origin.state === 'ready') {
    return { status: 'up', reason: '' };
  }
  const [failed] = origin.failed;
  const place = origin.tableFull ? 'table-full: ' : '';
  if (failed !== undefined) return { status: 'down', reason: `${place}${failed.why.message}` };
  return { status: 'down', reason: 'not yet acknowledged by the XPU' };
}
