/** FakeTarget keeps the contract of the port. */
import { FakeTarget } from '../../../src/opi/objects/fake-target.js';
import { targetContract } from './contract.js';

for (const level of ['native', 'plain'] as const) {
  targetContract(`FakeTarget, ${level}`, { level, strict: true }, () =>
    Promise.resolve({ target: new FakeTarget({ level }), cleanup: () => Promise.resolve() }),
  );
}
