/**
 * Writes `src/gen/<name>/` from the .proto files of this repository: a JSON descriptor, TypeScript types and, where the
 * package has RPCs, service tables. `--check` writes nothing and exits 1 when the committed files differ. Names (`felix`,
 * `opi`) restrict the run to these.
 */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { generatePackage, type PackageConfig } from './generate/package.js';
import { compareOutput, writeOutput } from './generate/output.js';

const repository = join(dirname(fileURLToPath(import.meta.url)), '..');

const PACKAGES: readonly PackageConfig[] = [
  {
    name: 'felix',
    protoDirs: ['felix-proto'],
    includeDirs: ['felix-proto'],
    outDir: 'src/gen/felix',
    int64: 'long',
    enums: 'number',
  },
  {
    name: 'opi',
    protoDirs: ['opi-proto/network', 'opi-proto/softxpu'],
    includeDirs: ['opi-proto'],
    outDir: 'src/gen/opi',
    int64: 'string',
    enums: 'name',
  },
];

async function main(check: boolean, names: readonly string[]): Promise<number> {
  const differing: string[] = [];
  for (const config of PACKAGES) {
    if (names.length > 0 && !names.includes(config.name)) continue;
    const protos = config.protoDirs.flatMap(listProtos).sort();
    if (protos.length === 0) continue;
    const files = await generatePackage(repository, config, protos);
    const outDir = join(repository, config.outDir);
    if (check) differing.push(...compareOutput(outDir, files));
    else writeOutput(outDir, files);
  }
  for (const path of differing) console.error(`not up to date: ${path} (run npm run generate)`);
  return differing.length === 0 ? 0 : 1;
}

/** Every .proto file below a folder, as paths relative to the repository; none where the folder is not there yet. */
function listProtos(dir: string): readonly string[] {
  if (!existsSync(join(repository, dir))) return [];
  return readdirSync(join(repository, dir), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.proto'))
    .map((name) => join(dir, name));
}

const args = process.argv.slice(2);
process.exitCode = await main(
  args.includes('--check'),
  args.filter((arg) => !arg.startsWith('--')),
);
