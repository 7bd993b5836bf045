/** Failures as gRPC statuses: proper codes in strict mode, the habits of today's servers in reference mode. */
import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { errorText } from '../../base/errors.js';
import { WireError } from '../../opi/codec/errors.js';
import { PortError } from '../memory/data-plane.js';
import { PacketError } from '../memory/packet.js';
import { StoreError } from '../store/errors.js';

/** `strict`: codes as opi.md section 6 wants them; `reference`: as the servers of opi.md section 3.1 answer. */
export type ServerMode = 'strict' | 'reference';

/** A failed call. */
export class StatusError extends Error {
  readonly code: status;
  /** ErrorInfo reason in UPPER_SNAKE; absent where the code says all. */
  readonly reason: string | undefined;

  constructor(code: status, message: string, reason?: string) {
    super(message);
    this.name = 'StatusError';
    this.code = code;
    this.reason = reason;
  }
}

/** Domain of the reasons in the trailing metadata (google.rpc.ErrorInfo's `domain`). */
const ERROR_DOMAIN = 'k8s.network.opiproject.org';

/** The gRPC error of whatever a handler threw. What is none of our errors is INTERNAL: a bug of this server. */
export function serviceError(thrown: unknown, mode: ServerMode): ServiceError {
  const found = statusOf(thrown);
  const code = mode === 'reference' ? referenceCode(found.code) : found.code;
  const metadata = new Metadata();
  if (mode === 'strict' && found.reason !== undefined) {
    metadata.set('error-domain', ERROR_DOMAIN);
    metadata.set('error-reason', found.reason);
  }
  return Object.assign(new Error(found.message), { code, details: found.message, metadata });
}

function statusOf(thrown: unknown): StatusError {
  if (thrown instanceof StatusError) return thrown;
  if (thrown instanceof StoreError) {
    return new StatusError(status[thrown.code], thrown.message, thrown.reason);
  }
  if (thrown instanceof WireError) {
    const code = thrown.code === 'UNEXPRESSED' ? status.UNIMPLEMENTED : status.INVALID_ARGUMENT;
    return new StatusError(code, `${thrown.field}: ${thrown.problem}`, thrown.code);
  }
  if (thrown instanceof PacketError) {
    return new StatusError(status.INVALID_ARGUMENT, thrown.message, thrown.code);
  }
  if (thrown instanceof PortError) {
    return new StatusError(status.NOT_FOUND, thrown.message, thrown.code);
  }
  return new StatusError(status.INTERNAL, errorText(thrown));
}

/** Today's servers tell missing names and full tables; everything else is UNKNOWN with a text. */
function referenceCode(code: status): status {
  const told = [status.NOT_FOUND, status.RESOURCE_EXHAUSTED, status.UNIMPLEMENTED];
  return told.includes(code) ? code : status.UNKNOWN;
}
