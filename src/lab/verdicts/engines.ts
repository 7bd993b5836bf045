/** Makes the engine of a name. */
import type { VerdictEngine, WalkEngineName } from './engine.js';
import { OracleEngine } from './oracle-engine.js';
import { ProcessEngine } from './process-engine.js';
import type { Recording } from './recording.js';

/** Starts what the engine needs; `onOutput` takes what its driver prints. The caller closes the engine. */
export async function createEngine(
  name: WalkEngineName,
  { node }: Recording,
  onOutput: (chunk: Buffer) => void,
): Promise<VerdictEngine> {
  if (name === 'oracle') return new OracleEngine();
  return ProcessEngine.start({ target: name, node, onOutput });
}
