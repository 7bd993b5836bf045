/** What nodes of this process have left on the machine. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { labPaths } from '../../../src/lab/nodes/names.js';
import { markedLabs } from '../../../src/lab/nodes/processes.js';

const NAMESPACES = '/run/netns';
/** Runs are named by the process that made them, and a number of two digits. */
const OWN_RUN = new RegExp(`(^|[.-])v${process.pid.toString(36)}[0-9a-z]{2}(-|$)`);

/** Names of namespaces, runs with processes, and folders; empty when everything is closed. */
export function remains(): string[] {
  const folders = dirname(labPaths('any').verdictRun);
  return [...entriesOf(NAMESPACES), ...entriesOf(folders), ...markedLabs()].filter((name) =>
    OWN_RUN.test(name),
  );
}

function entriesOf(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
