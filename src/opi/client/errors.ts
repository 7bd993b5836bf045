/** gRPC failures in the words of the OPI port. */
import { status, type ServiceError } from '@grpc/grpc-js';
import { OpiError, type OpiErrorCode } from '../objects/errors.js';

const CODES: Readonly<Partial<Record<status, OpiErrorCode>>> = {
  [status.INVALID_ARGUMENT]: 'INVALID',
  [status.OUT_OF_RANGE]: 'INVALID',
  [status.NOT_FOUND]: 'NOT_FOUND',
  [status.ALREADY_EXISTS]: 'ALREADY_EXISTS',
  [status.FAILED_PRECONDITION]: 'PRECONDITION',
  [status.ABORTED]: 'CONFLICT',
  [status.RESOURCE_EXHAUSTED]: 'EXHAUSTED',
  [status.UNIMPLEMENTED]: 'UNSUPPORTED',
  [status.UNAVAILABLE]: 'UNAVAILABLE',
  [status.DEADLINE_EXCEEDED]: 'UNAVAILABLE',
  [status.CANCELLED]: 'UNAVAILABLE',
  [status.PERMISSION_DENIED]: 'DENIED',
  [status.UNAUTHENTICATED]: 'DENIED',
};

/** True if `thrown` is what a failed gRPC call throws. */
export function isServiceError(thrown: unknown): thrown is ServiceError {
  return thrown instanceof Error && typeof (thrown as Partial<ServiceError>).code === 'number';
}

/**
 * The error of a call. UNKNOWN, INTERNAL and DATA_LOSS mean that the server failed without saying how: permanent for
 * what was sent. A connection that broke under the call also shows as INTERNAL, and is told apart by its text.
 */
export function toOpiError(op: string, thrown: unknown): OpiError {
  if (thrown instanceof OpiError) return thrown;
  if (!isServiceError(thrown)) {
    return new OpiError({ code: 'UNKNOWN', op, message: String(thrown), cause: thrown });
  }
  const broken = thrown.code === status.INTERNAL && /RST_STREAM|socket/i.test(thrown.details);
  const code = broken ? 'UNAVAILABLE' : (CODES[thrown.code] ?? 'UNKNOWN');
  return new OpiError({
    code,
    op,
    message: `${status[thrown.code]}: ${thrown.details}`,
    cause: thrown,
  });
}

const REFUSED_OPERATION = /\boperations\[(\d+)\]/;

/** 0-based index of the refused operation that an ApplyBatch failure names. */
export function refusedOperation(error: OpiError): number | undefined {
  const match = REFUSED_OPERATION.exec(error.message);
  return match === null ? undefined : Number(match[1]);
}
