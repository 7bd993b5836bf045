/** `calico-xpu lab up`: builds simulated nodes with pods, and returns when all is up. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildLab, type BuiltLab } from '../lab/nodes/build.js';
import { SIZE_DEFAULT } from '../lab/nodes/scenario-files.js';
import { defineCommand } from './command.js';
import { progressOn } from './lab-output.js';

const OWN_SCENARIO = fileURLToPath(new URL('../../examples/lab/shop', import.meta.url));

/** The command. */
export const labUp = defineCommand({
  options: (yargs) =>
    yargs
      .option('nodes', {
        type: 'number',
        defaultDescription: String(SIZE_DEFAULT.nodes),
        describe: 'number of nodes, where the scenario has none of its own',
      })
      .option('pods', {
        type: 'number',
        defaultDescription: String(SIZE_DEFAULT.podsPerNode),
        describe: 'pods of each node, where the scenario has none of its own',
      })
      .option('scenario', {
        type: 'string',
        default: OWN_SCENARIO,
        defaultDescription: 'examples/lab/shop',
        describe: 'folder or file of Calico and Kubernetes YAML, as felix-sim reads it',
      })
      .option('name', { type: 'string', describe: 'default lab, or lab2 and so on' }),
  async run({ nodes, pods, scenario, name }, context) {
    const progress = progressOn(context);
    try {
      const lab = await buildLab({
        name,
        scenario: resolve(scenario),
        size: {
          ...(nodes === undefined ? {} : { nodes }),
          ...(pods === undefined ? {} : { podsPerNode: pods }),
        },
        progress: progress.say,
      });
      progress.end();
      context.stdout.write(`${upText(lab).join('\n')}\n`);
      return 0;
    } finally {
      progress.end();
    }
  },
});

/** What is there, and what to try. */
function upText({ state, further }: BuiltLab): string[] {
  const { name, nodes, pods } = state;
  const option = name === 'lab' ? '' : ` --name ${name}`;
  const [first, ...rest] = pods;
  const other = rest.find(({ node }) => node !== first?.node) ?? rest[0];
  const lines = nodes.map((node) => {
    const own = pods.filter((pod) => pod.node === node.name).map((pod) => pod.name);
    return `  ${node.name}  ${Object.values(node.addresses).join(' ')}  ${own.join(' ')}`;
  });
  const tries = [
    ...(first === undefined || other === undefined
      ? []
      : [
          `calico-xpu lab ping ${first.name} ${other.name}${option}`,
          `calico-xpu lab exec ${first.name}${option} -- ping -c 1 ${other.addresses[0] ?? ''}`,
        ]),
    `calico-xpu lab matrix${option}`,
    ...(further.length === 0
      ? []
      : [
          `calico-xpu lab apply${option}     # ${further.length} steps to come: ${further.join(', ')}`,
        ]),
    `calico-xpu lab down${option}`,
  ];
  return [
    `lab ${name} is up: ${nodes.length} nodes, ${pods.length} pods, MTU of pods ${state.podMtu}`,
    ...lines,
    'try:',
    ...tries.map((line) => `  ${line}`),
  ];
}
