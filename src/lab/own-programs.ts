/** Our own programs, as other processes start them; the same paths from the sources as from the built files. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** `node BIN` of calico-xpu. */
export const OWN_BIN = join(root, 'bin/calico-xpu.js');

/** The file that Felix would execute. */
export const OWN_DRIVER = join(root, 'packaging/calico-xpu-driver');
