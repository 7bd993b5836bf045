/** Messages as they are written, as opposed to as they are read; the one type of the generated package every codec uses. */
export type { Draft } from '../../gen/opi/types.js';
