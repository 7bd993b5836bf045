/**
 * The linux data plane, in this process: what one change of a full node costs from commit to kernel, and what rules cost a
 * packet. Namespaces of its own; needs root.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../src/soft-xpu/linux/command.js';
import { createLinuxXpu, removeLinuxXpu, type LinuxXpu } from '../src/soft-xpu/linux-xpu.js';
import type { StoreOperation } from '../src/soft-xpu/store/object-store.js';
import { runName, UPLINK_INTERFACE, VerdictNet } from '../src/lab/verdicts/verdict-net.js';
import { key } from '../test/soft-xpu/node-words.js';
import { BIG_GROUP, bindingOf, fullNode, member, policyOf, vnicOf } from './linux-node.js';
import { measurePackets } from './linux-packets.js';
import { median, type Report } from './report.js';

/** A node that every figure but the packets' is taken on. */
const VNICS = 250;
const ROUNDS = 15;

/** Measures and reports; one line if it cannot. */
export async function run(report: Report): Promise<void> {
  const obstacle = await missing();
  if (obstacle !== undefined) {
    console.log(`linux: skipped, needs ${obstacle}`);
    return;
  }
  await withXpu(async (xpu, net) => {
    const begun = performance.now();
    xpu.store.applyBatch(fullNode(VNICS));
    await xpu.dataPlane.settled();
    const what = `linux: ${VNICS} vNICs x 50 rules, a group of 100k members`;
    report(what, (performance.now() - begun) / 1000, 's at once');
    for (const [name, there, back] of changes()) {
      await measureChange(`  one ${name}`, { xpu, netns: net.xpu, there, back }, report);
    }
  });
  await withXpu((xpu, net) => measurePackets(xpu, net, report));
}

/** What this machine or we lack. */
async function missing(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'root';
  for (const program of ['nft', 'conntrack', 'nsenter', 'ip']) {
    const { code } = await runCommand(undefined, ['sh', '-c', `command -v ${program}`]);
    if (code !== 0) return program;
  }
  return undefined;
}

type Changes = (round: number) => readonly StoreOperation[];

/** Each with the way back, which is not measured. */
function changes(): [name: string, there: Changes, back: Changes][] {
  const none: Changes = () => [];
  const [big, added] = [key('addressGroup', BIG_GROUP), { members: [member(1_000_000)] }];
  const nothing = { members: [] };
  return [
    ['rule of a policy that 25 vNICs have', (round) => [policyOf(7, 5_000 + round)], none],
    [
      'member of the group',
      () => [{ op: 'modifyMembers', key: big, added, removed: nothing }],
      () => [{ op: 'modifyMembers', key: big, added: nothing, removed: added }],
    ],
    ['binding', (round) => [bindingOf(3, 3 + (round % 2))], none],
    [
      'policy of 10 rules, for one vNIC',
      () => [policyOf(99), bindingOf(3, 3, [99])],
      () => [bindingOf(3, 3), { op: 'delete', key: key('networkPolicy', 'policy-99') }],
    ],
    ['vNIC', () => vnicOf(VNICS), () => vnicOf(VNICS).map(deletionOf).reverse()],
  ];
}

interface Measured {
  readonly xpu: LinuxXpu;
  readonly netns: string;
  readonly there: Changes;
  readonly back: Changes;
}

/** In turn with a run of nft that has nothing to do. */
async function measureChange(
  name: string,
  { xpu, netns, there, back }: Measured,
  report: Report,
): Promise<void> {
  const [times, empty]: [number[], number[]] = [[], []];
  const inForce = async (operations: readonly StoreOperation[]): Promise<void> => {
    if (operations.length > 0) xpu.store.applyBatch(operations);
    await xpu.dataPlane.settled();
  };
  for (let round = 0; round < ROUNDS; round++) {
    empty.push(await timed(() => runCommand(`/run/netns/${netns}`, ['nft', '-f', '-'], '\n')));
    times.push(await timed(() => inForce(there(round))));
    await inForce(back(round));
  }
  report(name, median(times), 'ms median');
  report('    in empty runs of nft -f -', median(times) / median(empty), 'x');
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await action();
  return performance.now() - begun;
}

function deletionOf(operation: StoreOperation): StoreOperation {
  if (!('object' in operation)) throw new Error('no object');
  return { op: 'delete', key: operation.object.key };
}

async function withXpu(work: (xpu: LinuxXpu, net: VerdictNet) => Promise<void>): Promise<void> {
  const net = new VerdictNet(runName(), 'node-a');
  const stateDir = mkdtempSync(join(tmpdir(), 'calico-xpu-bench-'));
  const place = { netns: net.xpu, hostNetns: net.outside, uplink: UPLINK_INTERFACE, stateDir };
  try {
    await net.build();
    const xpu = await createLinuxXpu(place);
    try {
      await work(xpu, net);
    } finally {
      await xpu.close();
      await removeLinuxXpu(place);
    }
  } finally {
    await net.remove();
    rmSync(stateDir, { recursive: true, force: true });
  }
}
