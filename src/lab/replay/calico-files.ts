/** Finds Calico and Kubernetes YAML on disk: a folder of files, or one file. I/O edge. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { errorText } from '../../base/errors.js';
import { isScenarioFile, type CalicoFile } from '../../felix-sim/calico/steps.js';
import { SimError } from '../../felix-sim/errors.js';

/** Top-level keys that only a scenario of messages has. */
const MESSAGE_SCENARIO = /^["']?(steps|sessions)["']?\s*:/m;
/** Top-level key that every resource has, in YAML or JSON. */
const RESOURCE = /^\{?\s*["']?(apiVersion|kind)["']?\s*:/m;

/**
 * The files of a scenario of resources; `undefined` where `path` is something else: a recording, a scenario of messages, or
 * nothing at all. Throws `SimError` with code `scenario` for what cannot be read.
 */
export function readCalicoFiles(path: string): CalicoFile[] | undefined {
  if (!existsSync(path)) return undefined;
  if (!statSync(path).isDirectory()) {
    if (!isScenarioFile(path)) return undefined;
    const file = readFile(path);
    return isResources(file) ? [file] : undefined;
  }
  if (existsSync(join(path, 'recording.json'))) return undefined;
  const names = readdirSync(path).filter(isScenarioFile);
  return names.length === 0 ? undefined : names.map((name) => readFile(join(path, name)));
}

function isResources({ text }: CalicoFile): boolean {
  return !MESSAGE_SCENARIO.test(text) && RESOURCE.test(text);
}

function readFile(path: string): CalicoFile {
  try {
    return { name: basename(path), text: readFileSync(path, 'utf8') };
  } catch (cause) {
    throw new SimError({
      code: 'scenario',
      op: 'read Calico YAML',
      message: errorText(cause),
      cause,
    });
  }
}
