/** The kernel decides as the packet walk does: random policy, real frames. */
import { expect } from 'chai';
import {
  bindingCountsOf,
  ruleCountsOf,
  totalDropCounter,
  DROP_REASONS,
} from '../../../../src/soft-xpu/linux/ruleset/counters.js';
import { Ruleset } from '../../../../src/soft-xpu/linux/ruleset/ruleset.js';
import type { NetworkPolicySpec, PolicyBindingSpec } from '../../../../src/opi/objects/specs.js';
import { packetOf, type PacketFields } from '../../../../src/soft-xpu/memory/packet.js';
import {
  portText,
  TUNNEL_PORT,
  UPLINK_PORT,
  type PortRef,
} from '../../../../src/soft-xpu/memory/port.js';
import { Chance, seedOfRun } from '../../../support/chance.js';
import { needs } from '../../../support/root.js';
import { KernelNode } from './kernel-node.js';
import { tryBatch } from './try-batch.js';
import { RandomLists } from './random-lists.js';
import { RandomNode } from './random-node.js';

const ROUNDS = Number(process.env['CALICO_XPU_RULESET_ROUNDS'] ?? 25);
const PACKETS = 120;

describe('soft-xpu linux: the kernel and the packet walk', function () {
  this.timeout(60_000 + ROUNDS * 2_000);
  before(needs('root', 'ip', 'nft', 'conntrack', 'sysctl'));

  it('random policies and packets: same exit, same reason, same counters', async () => {
    const chance = new Chance(seedOfRun());
    const random = new RandomNode(chance);
    const node = new KernelNode();
    random.begin(node.store);
    node.open();
    try {
      for (let round = 0; round < ROUNDS; round += 1) {
        for (let index = 0; index < 4; index += 1) node.store.applyBatch(random.batch());
        await compareAll(node, strangers(random), `seed ${chance.seed}, round ${round}`);
      }
    } finally {
      node.close();
    }
  });

  it('random lists of plain network/cloud: same exit, same reason', async () => {
    const chance = new Chance(seedOfRun());
    const [random, lists] = [new RandomNode(chance), new RandomLists(chance)];
    const node = new KernelNode({ extension: false });
    random.beginRoutes(node.store);
    for (const operation of lists.begin()) node.store.apply(operation);
    node.open();
    try {
      for (let round = 0; round < ROUNDS; round += 1) {
        for (let index = 0; index < 4; index += 1) node.store.apply(lists.change());
        await compareFates(node, strangers(random), `seed ${chance.seed}, round ${round}`);
      }
    } finally {
      node.close();
    }
  });

  it('random commits of every kind are taken, one or several at a time', () => {
    const chance = new Chance(seedOfRun());
    const random = new RandomNode(chance);
    for (const foreign of [false, true]) {
      const node = new KernelNode({ foreign, vpcNumber: (id) => (id === 'other' ? 2 : 1) });
      random.begin(node.store);
      node.open();
      try {
        for (let step = 0; step < 80; step += 1) {
          const batch = chance.below(2) === 0 ? random.topology() : random.batch();
          tryBatch(node.store, batch);
          if (chance.below(3) === 0) node.load();
        }
        node.reload();
      } finally {
        node.close();
      }
    }
  });

  it('the whole text of every kind of XPU is taken', () => {
    const uplinks = [undefined, 'up0'];
    const random = new RandomNode(new Chance(seedOfRun()));
    const node = new KernelNode();
    random.begin(node.store);
    node.bindPod('a', undefined, { establishedPolicy: 'REEVALUATE' });
    node.open();
    try {
      for (const uplink of uplinks) {
        for (const foreign of [false, true]) {
          for (const extension of [false, true]) {
            const ports = { netdevOf: (name: string) => name, vpcNumber: () => 2 };
            const ruleset = new Ruleset(node.store, { ...ports, uplink, foreign, extension });
            node.load(ruleset.whole());
          }
        }
      }
    } finally {
      node.close();
    }
  });
});

/** Packets of which none belongs to the flow of another. */
function strangers(random: RandomNode): [PortRef, PacketFields][] {
  const flows = new Map<string, [PortRef, PacketFields]>();
  for (let count = 0; count < PACKETS; count += 1) {
    const [entry, fields] = random.packet();
    const { protocol, source, destination, sourcePort, destinationPort, icmp } = fields;
    const ported = [6, 17, 132].includes(protocol);
    const ends = ported
      ? [`${source} ${sourcePort}`, `${destination} ${destinationPort}`]
      : [source, destination];
    flows.set(`${protocol} ${ends.sort().join()} ${icmp?.id}`, [entry, fields]);
  }
  return [...flows.values()];
}

async function compareAll(
  node: KernelNode,
  sends: [PortRef, PacketFields][],
  when: string,
): Promise<void> {
  await compareFates(node, sends, when);
  await compareCounters(node, sends, when);
}

async function compareFates(
  node: KernelNode,
  sends: [PortRef, PacketFields][],
  when: string,
): Promise<void> {
  node.load();
  node.flushFlows();
  const before = node.counters();
  const exits = await node.exits(sends);
  const after = node.counters();
  const expected = sends.map(([entry, fields]) => node.walk(entry, fields));
  sends.forEach(([entry, fields], index) => {
    const { exit, reason } = expected[index] ?? { exit: '', reason: '' };
    const what = `${when}: ${portText(entry)} ${JSON.stringify(fields)} ${reason}`;
    expect(exits[index], what).to.equal(exit);
  });
  for (const reason of DROP_REASONS) {
    const name = totalDropCounter(reason);
    const dropped = (after.get(name)?.packets ?? 0) - (before.get(name)?.packets ?? 0);
    const walked = expected.filter((one) => one.reason === reason).length;
    expect(dropped, `${when}: ${reason}`).to.equal(walked);
  }
}

/** The walk counts what it walks for good; the kernel counted the same packets. */
async function compareCounters(
  node: KernelNode,
  sends: [PortRef, PacketFields][],
  when: string,
): Promise<void> {
  const { dataPlane } = node.xpu;
  for (const [entry, fields] of sends) {
    dataPlane.walk(entry, packetOf(fields), { fresh: true, commit: false });
  }
  const values = node.counters();
  for (const { object } of node.store.list('networkPolicy')) {
    const { id } = object.key;
    const kernel = ruleCountsOf(id, object.spec as NetworkPolicySpec, values);
    const walked = await dataPlane.ruleCounts(id);
    const packets = (all: typeof walked): string[] =>
      all.map(({ list, ruleId, count }) => `${list} ${ruleId} ${count.packets}`);
    expect(packets(kernel), `${when}: ${id}`).to.deep.equal(packets(walked));
  }
  for (const { object } of node.store.list('policyBinding')) {
    const spec = object.spec as PolicyBindingSpec;
    const port = portOf(spec);
    const kernel = bindingCountsOf(port, values);
    const walked = await dataPlane.bindingCounts(port);
    const packets = (counts: ReadonlyMap<string, { packets: number }> | undefined): string[] =>
      [...(counts ?? [])].map(([name, count]) => `${name} ${count.packets}`).sort();
    expect(packets(kernel.drops), `${when}: ${portText(port)}`).to.deep.equal(
      packets(walked?.drops),
    );
    expect(packets(kernel.stages), `${when}: ${portText(port)}`).to.deep.equal(
      packets(walked?.stages),
    );
  }
}

function portOf({ port }: PolicyBindingSpec): PortRef {
  if ('vnic' in port) return { kind: 'vnic', id: port.vnic.id };
  return port.port === 'UPLINK' ? UPLINK_PORT : TUNNEL_PORT;
}
