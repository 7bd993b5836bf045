/** A whole XPU, whatever its data plane: what a server is put in front of. */
import type { Clock } from '../base/clock.js';
import type { DataPlane } from './data-plane.js';
import type { ObjectStore } from './store/object-store.js';

/** Store and data plane. The data plane has a boot id of its own life. */
export interface Xpu {
  readonly store: ObjectStore;
  readonly dataPlane: DataPlane;
  readonly clock: Clock;
  /** Gives texts nobody can guess. */
  readonly newToken: () => string;
}
