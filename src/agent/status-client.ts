/** Client of the status socket, for the CLI, felix-sim and tests. I/O edge. */
import { request } from 'node:http';
import { CodedError } from '../base/errors.js';
import { parseSnapshot, type AgentSnapshot } from './snapshot.js';
import type { AgentStatus } from './status.js';

/** `unreachable`: nobody answers on the socket. `timeout`: not applied in time. `refused`: any other answer. */
export type StatusErrorCode = 'unreachable' | 'timeout' | 'refused';

/** A failed status query. */
export class StatusError extends CodedError<StatusErrorCode> {}

/** What to wait for. */
export interface AppliedGoal {
  /** Session number; 0 = the current one. */
  readonly session: number;
  readonly applied: number;
  readonly timeoutMs: number;
}

/** Current status, or the status as of the moment `goal` is reached. */
export function fetchStatus(socketPath: string, goal?: AppliedGoal): Promise<AgentStatus> {
  const query =
    goal === undefined
      ? ''
      : `?applied=${goal.applied}&session=${goal.session}&timeout=${goal.timeoutMs}`;
  return fetchText(socketPath, `/status${query}`).then((text) => JSON.parse(text) as AgentStatus);
}

/** What the process wants now. Rejects with `StatusError` or, for another version of it, `SnapshotError`. */
export async function fetchSnapshot(socketPath: string): Promise<AgentSnapshot> {
  return parseSnapshot(await fetchText(socketPath, '/state'));
}

/** The metrics as text. */
export function fetchMetrics(socketPath: string): Promise<string> {
  return fetchText(socketPath, '/metrics');
}

function fetchText(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (response.statusCode === 200) resolve(text);
        else reject(statusError(response.statusCode === 408 ? 'timeout' : 'refused', text));
      });
    });
    call.on('error', (cause) => reject(statusError('unreachable', cause.message, cause)));
    call.end();
  });
}

function statusError(code: StatusErrorCode, message: string, cause?: unknown): StatusError {
  return new StatusError({ code, op: 'fetch status', message: message.trim(), cause });
}
