/** Random batches may ask for what no store allows. */
import { StoreError } from '../../../../src/soft-xpu/store/errors.js';
import type { ObjectStore, StoreOperation } from '../../../../src/soft-xpu/store/object-store.js';

/** Applies a batch that the store may refuse: 1 if it did not. */
export function tryBatch(store: ObjectStore, batch: readonly StoreOperation[]): number {
  try {
    store.applyBatch(batch);
    return 1;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return 0;
  }
}
