/** Holds the sources against the import table. Prints each breach with its rule; exit code 1 if there is one. */
import { homelessFiles, importBreaches, tableFaults } from './breaches.js';
import { MODULES } from './table.js';

const breaches = [
  ...homelessFiles('.', MODULES),
  ...tableFaults(MODULES),
  ...(await importBreaches(process.cwd())),
];
for (const breach of breaches) console.log(breach);
console.log(breaches.length === 0 ? 'imports follow the table' : `${breaches.length} breaches`);
process.exitCode = breaches.length === 0 ? 0 : 1;
