/** A program that makes changes to an XPU without end, to be killed at any moment: `churn-program.ts NETNS HOST_NETNS STATE_DIR SEED`. */
import { createLinuxXpu } from '../../../src/soft-xpu/linux-xpu.js';
import { Chance } from '../../support/chance.js';
import { NodeObjects } from '../node-objects.js';
import { key, object, rule, toPort } from '../node-words.js';

const [netns = '', hostNetns = '', stateDir = '', seed = ''] = process.argv.slice(2);
const xpu = await createLinuxXpu({ netns, hostNetns, stateDir });
const objects = new NodeObjects(xpu.store, true);
const chance = new Chance(Number(seed));
await xpu.dataPlane.settled();
process.stdout.write('ready\n');

/** One change; what the store refuses is left out. */
function change(): void {
  const number = chance.below(4);
  const group = `group-${number}`;
  const changes: (() => unknown)[] = [
    () => objects.vnic(`vnic-q${number}`, `q${number}`, true),
    () => objects.mapping(`map-q${number}`, `10.65.3.${number}`, `vnic-q${number}`),
    () => objects.remove('mapping', `map-q${number}`),
    () => objects.remove('vnic', `vnic-q${number}`).remove('interface', `if-vnic-q${number}`),
    () => objects.policy('mine', [rule('ALLOW', toPort(1 + chance.below(1000)))]),
    () => objects.group(group, 'PREFIX', [`10.${number}.0.0/16`]),
    () => objects.remove('addressGroup', group),
    () =>
      xpu.store.apply({
        op: 'modifyMembers',
        key: key('addressGroup', group),
        added: { members: [`10.${number}.${chance.below(255)}.0/24`] },
        removed: { members: [] },
      }),
    () => objects.put(object('vpc', `vpc-q${number}`, {})),
    () => objects.remove('vpc', `vpc-q${number}`),
  ];
  try {
    changes[chance.below(changes.length)]?.();
  } catch (error) {
    if ((error as Error).name !== 'StoreError') throw error;
  }
}

for (;;) {
  change();
  if (chance.below(3) === 0) await xpu.dataPlane.settled();
  else await new Promise((resolve) => setTimeout(resolve, chance.below(4)));
}
