/** Settings of a connection to an OPI server. */
import type { BackoffLimits } from '../../base/backoff.js';
import { systemClock, type Clock } from '../../base/clock.js';
import { silentLogger, type Logger } from '../../base/log.js';

/** Files of mutual TLS, PEM. They are read again when they change. */
export interface TlsFiles {
  /** Our certificate, with its chain. */
  readonly certFile: string;
  readonly keyFile: string;
  /** Authorities that may have signed the server's certificate. */
  readonly caFile: string;
  /** Name the server's certificate must have; default: the host of the address. */
  readonly serverName?: string;
}

/** One call that ended, successful or not. */
export interface CallReport {
  /** Name of the method, e.g. `CreateVnic`. */
  readonly method: string;
  readonly durationMs: number;
  /** gRPC status code; 0 = OK. */
  readonly status: number;
}

/** What a connection is like. Only the address has no default. */
export interface OpiClientOptions {
  /** `unix:/path`, `/path`, `host:port`, `[v6]:port`; a host alone takes port 50151. */
  readonly address: string;
  /** Default: plaintext. */
  readonly tls?: TlsFiles;
  /** How often, at most, the TLS files are looked at, milliseconds. Default 5000. */
  readonly tlsCheckMs?: number;
  /** Deadline of one attempt of a call, milliseconds. Default 10000. */
  readonly callTimeoutMs?: number;
  /** Deadline of one attempt of a call that carries much (ApplyBatch, upload, SecurityPolicy), milliseconds. Default 60000. */
  readonly batchTimeoutMs?: number;
  /** How long an asynchronous delete may take until it is done, milliseconds. Default 30000. */
  readonly settleTimeoutMs?: number;
  /** How long to wait for a new interface to come up before going on, milliseconds. Default 5000. */
  readonly usableTimeoutMs?: number;
  /** Calls in flight at once; more wait. Default 16. */
  readonly concurrency?: number;
  /** Attempts after the first of a call whose failure may pass by itself. Default 2. */
  readonly retryCount?: number;
  /** Default 100 ms to 2 s. */
  readonly retryBackoff?: BackoffLimits;
  /** Between two looks at an asynchronous create or delete. Default 10 ms to 1 s. */
  readonly pollBackoff?: BackoffLimits;
  /** Objects asked for in one page of a list. Default 250, the most that known servers give. */
  readonly pageSize?: number;
  /** Members of one upload piece, bytes on the wire. Default 1 MiB. */
  readonly pieceBytesMax?: number;
  /** Its `now` must be the wall clock: gRPC compares deadlines with that. */
  readonly clock?: Clock;
  /** Gives 0..1, for jitter. Default: Math.random. */
  readonly random?: () => number;
  readonly logger?: Logger;
  /** Told of every attempt; must not throw. */
  readonly onCall?: (report: CallReport) => void;
}

/** Options with every default filled in. */
export type ResolvedOptions = Required<Omit<OpiClientOptions, 'tls' | 'onCall' | 'random'>> &
  Pick<OpiClientOptions, 'tls' | 'onCall' | 'random'>;

/** Fills in the defaults. */
export function resolveOptions(options: OpiClientOptions): ResolvedOptions {
  return {
    tlsCheckMs: 5_000,
    callTimeoutMs: 10_000,
    batchTimeoutMs: 60_000,
    settleTimeoutMs: 30_000,
    usableTimeoutMs: 5_000,
    concurrency: 16,
    retryCount: 2,
    retryBackoff: { firstMs: 100, maxMs: 2_000 },
    pollBackoff: { firstMs: 10, maxMs: 1_000 },
    pageSize: 250,
    pieceBytesMax: 1 << 20,
    clock: systemClock,
    logger: silentLogger,
    ...options,
  };
}
