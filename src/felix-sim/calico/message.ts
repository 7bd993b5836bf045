/** Drafts to messages: as if a driver had decoded them, with the defaults of what they leave out. */
import { ToDataplaneType } from '../../driver/wire-types.js';
import type { Draft, ToDataplane } from '../../gen/felix/types.js';

/** The message of a draft. */
export function toMessage(draft: Draft<ToDataplane>): ToDataplane {
  return ToDataplaneType.fromObject(draft) as unknown as ToDataplane;
}
