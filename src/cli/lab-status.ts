/** `calico-xpu lab status`: what runs in a lab and how it is. */
import { requireSystem } from '../lab/nodes/kernel.js';
import { findLab } from '../lab/nodes/lab-files.js';
import { statusText } from '../lab/nodes/status-text.js';
import { isWell, labReport } from '../lab/nodes/status.js';
import { defineCommand } from './command.js';
import { NAME_OPTION } from './lab-output.js';

/** Exit code 1 if something hinders. */
export const labStatus = defineCommand({
  options: (yargs) =>
    yargs
      .option('name', NAME_OPTION)
      .option('json', { type: 'boolean', default: false, describe: 'all of it as JSON' }),
  async run({ name, json }, { stdout }) {
    requireSystem(['ip']);
    const report = await labReport(findLab(name));
    stdout.write(json ? `${JSON.stringify(report)}\n` : `${statusText(report)}\n`);
    return isWell(report) ? 0 : 1;
  },
});
