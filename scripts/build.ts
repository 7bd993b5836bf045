/** Compiles `src/` to `dist/` and carries over the files beside the sources that are read at run time. */
import { spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';

const { status } = spawnSync(
  process.execPath,
  ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'],
  { stdio: 'inherit' },
);
process.exitCode = status ?? 1;
if (status === 0)
  cpSync('src', 'dist', { recursive: true, filter: (file) => !file.endsWith('.ts') });
