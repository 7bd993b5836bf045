/** An XPU that refuses batches without saying why. */
import { OpiError } from '../../../src/opi/objects/errors.js';
import { FakeTarget } from '../../../src/opi/objects/fake-target.js';
import type { BatchOperation } from '../../../src/opi/objects/target.js';

/** Does not say which operation of a batch it refuses. */
export class UnnamedTarget extends FakeTarget {
  override async applyBatch(operations: readonly BatchOperation[]): Promise<void> {
    try {
      await super.applyBatch(operations);
    } catch (thrown) {
      if (!(thrown instanceof OpiError)) throw thrown;
      throw new OpiError({ code: thrown.code, op: 'apply batch', message: 'refused' });
    }
  }
}
