/** Our own version. */
import { readFileSync } from 'node:fs';

/** Version of this package. From package.json, which is two folders up from the source as from the built file. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
