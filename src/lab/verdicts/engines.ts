/** Makes the engine of a name. */
import { CodedError } from '../../base/errors.js';
import type { EngineName, VerdictEngine } from './engine.js';
import { OracleEngine } from './oracle-engine.js';
import type { Recording } from './recording.js';

/** `unavailable`: the engine cannot be started here. */
export type EngineErrorCode = 'unavailable';

/** An engine that could not be made. */
export class EngineError extends CodedError<EngineErrorCode> {}

/** Starts what the engine needs. The caller closes it. Rejects with `EngineError`. */
export function createEngine(name: EngineName, _recording: Recording): Promise<VerdictEngine> {
  if (name === 'oracle') return Promise.resolve(new OracleEngine());
  return Promise.reject(
    new EngineError({
      code: 'unavailable',
      op: 'start verdict engine',
      message: `engine ${name} is not part of this build`,
    }),
  );
}
