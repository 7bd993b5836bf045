/** What every service of the server shares. */
import type { NameOf } from '../../opi/codec/names.js';
import type { Clock } from '../../base/clock.js';
import type { DataPlane } from '../data-plane.js';
import type { ObjectStore } from '../store/object-store.js';
import type { ServerMode } from './status.js';

/** See the file head. */
export interface ServerContext {
  readonly store: ObjectStore;
  readonly dataPlane: DataPlane;
  readonly clock: Clock;
  /** Gives texts nobody can guess. */
  readonly newToken: () => string;
  /** Mode of network/cloud; the extension always answers as it is defined. */
  readonly mode: ServerMode;
  /** Names of objects as this server gives them. */
  readonly nameOf: NameOf;
  /** Reference mode: how long a create or delete takes, milliseconds. */
  readonly settleMs: number;
}
