/** The gRPC server of a soft-xpu: sockets, TLS files, start and end. What it answers is in `server/`. */
import { readFileSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { ServerCredentials, type Server } from '@grpc/grpc-js';
import { CodedError } from '../base/errors.js';
import type { Xpu } from './xpu.js';
import type { ServerContext } from './server/context.js';
import { namesOf } from './server/naming.js';
import { buildServer } from './server/services.js';
import type { ServerMode } from './server/status.js';

/** Files of mutual TLS, PEM. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** Client certificates must be signed by this authority. */
  readonly ca: string;
}

/** How a server listens and answers. */
export interface ServerOptions {
  /** `unix:PATH` or `HOST:PORT`; port 0 takes a free one. */
  readonly listen: readonly string[];
  /** Default `strict`. */
  readonly mode?: ServerMode;
  /** Without it clients are not asked who they are. */
  readonly tls?: TlsFiles;
  /** Reference mode: how long creates and deletes take, milliseconds; default 20. */
  readonly settleMs?: number;
}

/** A server that answers. */
export interface RunningServer {
  /** Addresses in the order asked for, with the ports that were taken. */
  readonly addresses: readonly string[];
  /** Ends calls under way and closes every socket. */
  stop(): Promise<void>;
}

/**
 * - `address`: an address cannot be listened on.
 * - `tls`: a TLS file cannot be read.
 */
export type ServerErrorCode = 'address' | 'tls';

/** A server that could not start. */
export class ServerError extends CodedError<ServerErrorCode> {}

const SETTLE_MS = 20;
/** Calls under way have this long when the server ends, milliseconds. */
const STOP_MS_MAX = 2000;

/** Serves an XPU. Rejects with ServerError. */
export async function startServer(xpu: Xpu, options: ServerOptions): Promise<RunningServer> {
  const mode = options.mode ?? 'strict';
  const context: ServerContext = {
    ...xpu,
    mode,
    nameOf: namesOf(mode),
    settleMs: options.settleMs ?? SETTLE_MS,
  };
  const bound: string[] = [];
  const credentials = credentialsOf(options.tls);
  const { server, close } = buildServer(context, () => {
    for (const address of bound) server.drain(address, 0);
  });
  try {
    for (const address of options.listen) bound.push(await bind(server, address, credentials));
  } catch (error) {
    close();
    server.forceShutdown();
    throw error;
  }
  return {
    addresses: bound,
    stop: () => {
      close();
      return shutDown(server);
    },
  };
}

function credentialsOf(tls: TlsFiles | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const pair = { cert_chain: readPem(tls.cert), private_key: readPem(tls.key) };
  return ServerCredentials.createSsl(readPem(tls.ca), [pair], true);
}

function readPem(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const message = `${path} cannot be read`;
    throw new ServerError({ code: 'tls', op: 'read TLS file', message, cause });
  }
}

async function bind(
  server: Server,
  address: string,
  credentials: ServerCredentials,
): Promise<string> {
  await clearStaleSocket(address);
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => {
      if (error) reject(addressError(address, error.message, error));
      else resolve(address.startsWith('unix:') ? address : address.replace(/:0$/, `:${port}`));
    });
  });
}

/** Removes the socket of a server that died; one that still answers is left alone. */
async function clearStaleSocket(address: string): Promise<void> {
  if (!address.startsWith('unix:')) return;
  const path = address.slice('unix:'.length);
  if (statSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return;
  if (await answers(path)) throw addressError(address, 'another server answers there');
  rmSync(path, { force: true });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function addressError(address: string, message: string, cause?: unknown): ServerError {
  return new ServerError({ code: 'address', op: `listen on ${address}`, message, cause });
}

function shutDown(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.forceShutdown(), STOP_MS_MAX);
    server.tryShutdown(() => {
      clearTimeout(force);
      server.forceShutdown();
      resolve();
    });
  });
}
