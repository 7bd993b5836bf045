/**
 * The status socket: HTTP on a unix socket in the state folder. I/O edge.
 *
 * `GET /state` gives what is wanted (AgentSnapshot as JSON, 409 before the first InSync), `GET /metrics` the status in
 * Prometheus' text format.
 *
 * `GET /status` gives AgentStatus as JSON. `GET /status?applied=N&session=S&timeout=MS` answers once session S (or a later
 * one) has applied N frames, or with 408 after the timeout: whoever waits, waits for `applied`, never for a sleep.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { METRICS_TYPE } from './metrics.js';
import { snapshotText, type AgentSnapshot } from './snapshot.js';
import type { AgentStatus, FelixStatus } from './status.js';
import { listenAt } from './unix-socket.js';

/** What the server asks of the pipeline. */
export interface StatusSource {
  status(): AgentStatus;
  felixStatus(): FelixStatus;
  /** What is wanted now; `undefined` before the first InSync. */
  snapshot(): AgentSnapshot | undefined;
  /** Text of the metrics. */
  metrics(): string;
  /** Calls `listener` after each change of `applied` or `session`; returns the way to stop. */
  onProgress(listener: () => void): () => void;
}

/** Path of the status socket below a state folder. */
export function statusSocketPath(stateDir: string): string {
  return join(stateDir, 'status.sock');
}

const WAIT_MS_DEFAULT = 60_000;

/** Serves the status socket; the promise settles when it listens. Rejects with `SocketError`. */
export function serveStatus(path: string, source: StatusSource): Promise<Server> {
  const server = createServer((request, response) => {
    answer(request, response, source).catch(() => response.destroy());
  });
  return listenAt(server, path);
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  source: StatusSource,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://status');
  const resource = request.method === 'GET' ? url.pathname : '';
  if (resource === '/status') return answerStatus(url, response, source);
  if (resource === '/state') return answerState(response, source);
  if (resource === '/metrics') return sendText(response, 200, METRICS_TYPE, source.metrics());
  send(response, 404, { error: `no such resource: ${request.method} ${url.pathname}` });
}

function answerState(response: ServerResponse, source: StatusSource): void {
  const snapshot = source.snapshot();
  if (snapshot === undefined) send(response, 409, { error: 'Felix is not in sync yet' });
  else sendText(response, 200, JSON_TYPE, `${snapshotText(snapshot)}\n`);
}

async function answerStatus(
  url: URL,
  response: ServerResponse,
  source: StatusSource,
): Promise<void> {
  const goal = readGoal(url.searchParams);
  if (goal === 'malformed') {
    send(response, 400, { error: 'applied, session and timeout are whole numbers' });
    return;
  }
  if (goal !== undefined && !(await waitForApplied(source, goal, response))) {
    send(response, 408, { error: 'not applied in time', status: source.status() });
    return;
  }
  send(response, 200, source.status());
}

interface Goal {
  readonly session: number;
  readonly applied: number;
  readonly timeoutMs: number;
}

function readGoal(query: URLSearchParams): Goal | 'malformed' | undefined {
  if (!query.has('applied')) return undefined;
  const [applied, session, timeoutMs] = [
    query.get('applied') ?? '',
    query.get('session') ?? '0',
    query.get('timeout') ?? String(WAIT_MS_DEFAULT),
  ].map((text) => (/^\d{1,9}$/.test(text) ? Number(text) : undefined));
  if (applied === undefined || session === undefined || timeoutMs === undefined) return 'malformed';
  return { applied, session, timeoutMs };
}

/** True once the goal is reached; false after its time, or when nobody waits for the answer any more. */
function waitForApplied(
  source: StatusSource,
  goal: Goal,
  response: ServerResponse,
): Promise<boolean> {
  const reached = (): boolean => {
    const felix = source.felixStatus();
    if (felix.session !== goal.session && goal.session !== 0) return felix.session > goal.session;
    return felix.applied >= goal.applied;
  };
  if (reached()) return Promise.resolve(true);
  return new Promise((resolve) => {
    const finish = (value: boolean): void => {
      stop();
      clearTimeout(timer);
      response.off('close', onClose);
      resolve(value);
    };
    const onClose = (): void => finish(false);
    response.once('close', onClose);
    const stop = source.onProgress(() => {
      if (reached()) finish(true);
    });
    const timer = setTimeout(() => finish(false), goal.timeoutMs);
  });
}

function send(response: ServerResponse, code: number, body: unknown): void {
  sendText(response, code, JSON_TYPE, `${JSON.stringify(body)}\n`);
}

const JSON_TYPE = 'application/json';

function sendText(response: ServerResponse, code: number, type: string, text: string): void {
  response.writeHead(code, { 'content-type': type });
  response.end(text);
}
