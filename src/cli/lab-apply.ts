/** `calico-xpu lab apply`: the next step of the scenario, or files of one's own. */
import { resolve } from 'node:path';
import type { StepReport } from '../lab/nodes/advance.js';
import { applyStep, stepsToCome } from '../lab/nodes/apply.js';
import { requireSystem } from '../lab/nodes/kernel.js';
import { findLab } from '../lab/nodes/lab-files.js';
import { defineCommand } from './command.js';
import { endlessCourse, NAME_OPTION, progressOn } from './lab-output.js';

/** Returns when every XPU has what the step changes and pods have come and gone. */
export const labApply = defineCommand({
  options: (yargs) =>
    yargs
      .positional('path', {
        type: 'string',
        describe: 'file or folder of YAML, NAME.delete.yaml deletes; default the next step',
      })
      .option('name', NAME_OPTION),
  async run({ path, name }, context) {
    requireSystem();
    const progress = progressOn(context);
    try {
      const lab = findLab(name);
      const file = path === undefined ? undefined : resolve(path);
      const { report, state } = await applyStep(lab, file, endlessCourse(progress.say));
      progress.end();
      const further = stepsToCome(state).map((step) => step.name);
      context.stdout.write(`${[...reportLines(report), ...furtherLines(further)].join('\n')}\n`);
      return 0;
    } finally {
      progress.end();
    }
  },
});

function reportLines({ step, messages, podsAdded, podsRemoved }: StepReport): string[] {
  const told = Object.entries(messages).map(([node, count]) => `${node} ${count}`);
  return [
    `step ${step} is in force; messages of Felix: ${told.join(', ')}`,
    ...(podsAdded.length === 0 ? [] : [`pods that came: ${podsAdded.join(' ')}`]),
    ...(podsRemoved.length === 0 ? [] : [`pods that went: ${podsRemoved.join(' ')}`]),
  ];
}

function furtherLines(further: readonly string[]): string[] {
  return further.length === 0 ? [] : [`to come: ${further.join(', ')}`];
}
