#!/usr/bin/env node
/** Starts the built command line; in a checkout that was not built yet, tells how to build it. */
import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write('calico-xpu is not built yet: run `npm ci && npm run build` first\n');
  process.exitCode = 1;
}
