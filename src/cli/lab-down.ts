/** `calico-xpu lab down`: takes a lab away, or all of them, in whatever state they are. */
import { LabError } from '../lab/nodes/errors.js';
import { requireSystem } from '../lab/nodes/kernel.js';
import { findLab, labNames } from '../lab/nodes/lab-files.js';
import { checkLabName } from '../lab/nodes/names.js';
import { labsWithRemains, removeLab } from '../lab/nodes/remove.js';
import { defineCommand } from './command.js';
import { NAME_OPTION } from './lab-output.js';

/** The command. */
export const labDown = defineCommand({
  options: (yargs) =>
    yargs
      .option('name', NAME_OPTION)
      .option('all', {
        type: 'boolean',
        describe: 'every lab, and what is left of labs whose building was interrupted',
      })
      .conflicts('name', 'all'),
  async run({ name, all }, { stdout }) {
    requireSystem(['ip']);
    const labs = all === true ? labsWithRemains() : [whichLab(name)];
    if (labs.length === 0) stdout.write('there is no lab\n');
    for (const lab of labs) {
      const { processes, namespaces } = await removeLab(lab);
      stdout.write(
        `lab ${lab} is down: ${processes} processes ended, ${namespaces} namespaces removed\n`,
      );
    }
    return 0;
  },
});

/** A lab without a state is a wreck; it can be named, too. */
function whichLab(name: string | undefined): string {
  if (name !== undefined) {
    const lab = checkLabName(name);
    if (labsWithRemains().includes(lab)) return lab;
    throw new LabError({ code: 'absent', op: 'find lab', message: `there is no lab ${lab}` });
  }
  const [only, ...more] = labNames();
  return only !== undefined && more.length === 0 ? only : findLab(name).name;
}
