/** The server keeps the contract of `Target`, through the OPI client, in both modes and on both levels. */
import { OpiTarget } from '../../../src/opi/client/target.js';
import { targetContract } from '../../contract/target/contract.js';
import { ServedXpu } from './server-fixture.js';

const LEVELS = [
  { level: 'native', mode: 'strict' },
  { level: 'native', mode: 'reference' },
  { level: 'plain', mode: 'strict' },
  { level: 'plain', mode: 'reference' },
] as const;

for (const { level, mode } of LEVELS) {
  targetContract(`soft-xpu, ${level}, ${mode}`, { level, strict: mode === 'strict' }, async () => {
    const served = await ServedXpu.start({ mode, extension: level === 'native', settleMs: 5 });
    const target = new OpiTarget({ address: served.address });
    return { target, cleanup: () => served.stop() };
  });
}
