/** Transactions as text: what they lead to, their order, and what they cost. */
import { expect } from 'chai';
import { Ruleset, type RulesetPorts } from '../../../../src/soft-xpu/linux/ruleset/ruleset.js';
import { createMemoryXpu } from '../../../../src/soft-xpu/memory-xpu.js';
import type { ObjectStore } from '../../../../src/soft-xpu/store/object-store.js';
import { Chance, seedOfRun } from '../../../support/chance.js';
import { NodeObjects } from '../../node-objects.js';
import { key, object, rule, side, stage, tier, toPort } from '../../node-words.js';
import { RandomNode } from './random-node.js';
import { tryBatch } from './try-batch.js';
import { TableText } from './table-text.js';

const PORTS: RulesetPorts = {
  netdevOf: (ifname) => ifname,
  uplink: 'up0',
  vpcNumber: (id) => (id === 'other' ? 2 : 1),
  foreign: false,
};

/** A node whose commits are followed in the text model. */
class FollowedNode extends NodeObjects {
  readonly table = new TableText();
  readonly ruleset: Ruleset;
  text = '';

  constructor(store: ObjectStore = createMemoryXpu().store, begin?: (store: ObjectStore) => void) {
    super(store, true);
    begin?.(store);
    this.ruleset = new Ruleset(store, PORTS);
    this.table.apply(this.ruleset.whole());
    store.onCommit((commit) => {
      this.text = this.ruleset.change(commit);
      this.table.apply(this.text);
    });
  }

  /** The table as the store alone says it. */
  fresh(): TableText {
    const table = new TableText();
    table.apply(new Ruleset(this.store, PORTS).whole());
    return table;
  }
}

/** Chains and elements must be equal; counters of what a port once did may stay. */
function expectSame(node: FollowedNode, when: string): void {
  const [is, wanted] = [node.table, node.fresh()];
  const chains = (table: TableText): unknown => sorted(table.chains);
  expect(chains(is), when).to.deep.equal(chains(wanted));
  expect(sorted(is.sets), when).to.deep.equal(sorted(wanted.sets));
  expect([...is.counters], when).to.include.members([...wanted.counters]);
  const extra = [...is.counters].filter((name) => !wanted.counters.has(name));
  expect(
    extra.every((name) => /^(vnic\/|uplink\/|tunnel\/)/.test(name)),
    when,
  ).to.equal(true);
  const elements = (table: TableText): unknown =>
    [...table.elements].map(([name, all]) => [name, sorted(all)]).sort();
  expect(elements(is), when).to.deep.equal(elements(wanted));
}

function sorted<V>(map: ReadonlyMap<string, V>): [string, V][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

describe('soft-xpu linux: ruleset', () => {
  it('random commits one by one lead where the whole text leads', function () {
    this.timeout(20_000);
    const chance = new Chance(seedOfRun());
    let taken = 0;
    for (let run = 0; run < 15; run += 1) {
      const random = new RandomNode(chance, true);
      const node = new FollowedNode(undefined, (store) => random.begin(store));
      for (let step = 0; step < 30; step += 1) {
        const batch = chance.below(3) === 0 ? random.topology() : random.batch();
        taken += tryBatch(node.store, batch);
        expectSame(node, `seed ${chance.seed}, run ${run}, step ${step}`);
      }
    }
    expect(taken, 'batches that the store took').to.be.above(250);
  });

  it('the whole text takes the place of whatever table is there', () => {
    const node = new FollowedNode();
    const before = sorted(node.table.chains);
    node.table.apply(node.ruleset.whole());
    expect(sorted(node.table.chains)).to.deep.equal(before);
    expect(node.ruleset.whole()).to.match(/^add table .*\ndelete table .*\nadd table /);
  });

  it('what is new comes first, what nobody uses goes last', () => {
    const node = new FollowedNode();
    node
      .group('nets', 'PREFIX', ['10.0.0.0/8'])
      .policy('poli', [rule('ALLOW', { source: side({ groups: [key('addressGroup', 'nets')] }) })]);
    node.bindPod('a', [stage('WORKLOAD', 'TO_PORT', [tier('t', ['poli'])])]);
    const spec = { ...node.bindingSpec('a'), stages: [] };
    node.store.applyBatch([
      { op: 'update', object: object('policyBinding', 'bind-a', spec) },
      { op: 'delete', key: key('networkPolicy', 'poli') },
      { op: 'delete', key: key('addressGroup', 'nets') },
    ]);
    const { steps } = node.table;
    const at = (step: string): number => steps.indexOf(step);
    expect(at('flush chain policy/poli/ingress')).to.be.within(
      0,
      at('delete chain policy/poli/ingress'),
    );
    expect(at('delete chain policy/poli/ingress')).to.be.below(at('delete set group/nets/4/8'));
    expect(steps.at(-1)).to.match(/^delete counter /);
  });

  it('a rule that changes rewrites the chains of its policy and touches no counter that stays', () => {
    const node = new FollowedNode().policy('poli', [
      rule('ALLOW', toPort(80), 'one'),
      rule('DENY', {}, 'two'),
    ]);
    node.policy('poli', [rule('ALLOW', toPort(81), 'one'), rule('DENY', {}, 'two')]);
    expect(node.table.steps).to.deep.equal([
      'flush chain policy/poli/ingress',
      'add chain policy/poli/ingress',
    ]);
  });

  it('a member that comes or goes is one element, whatever uses the group', () => {
    const node = new FollowedNode().group('nets', 'PREFIX', ['10.0.0.1/32', 'fd00::/64']);
    const match = { source: side({ groups: [key('addressGroup', 'nets')] }) };
    for (let index = 0; index < 20; index += 1) node.policy(`pol-${index}`, [rule('ALLOW', match)]);
    const modify = (added: string[], removed: string[]): string => {
      const group = key('addressGroup', 'nets');
      node.store.apply({
        op: 'modifyMembers',
        key: group,
        added: { members: added },
        removed: { members: removed },
      });
      return node.text;
    };
    expect(modify(['10.0.0.2/32'], [])).to.equal(
      'add element inet calico-xpu group/nets/4/32 { 10.0.0.2 }\n',
    );
    expect(modify([], ['fd00::/64'])).to.equal(
      'delete element inet calico-xpu group/nets/6/64 { fd00:: }\n',
    );
    modify(['10.9.0.0/16'], []);
    expect(node.table.steps.filter((step) => step.startsWith('flush'))).to.have.length(20);
  });

  it('what a commit writes does not grow with what is there', () => {
    const bytes = [2, 200].map((vnics) => {
      const node = new FollowedNode();
      for (let index = 0; index < vnics; index += 1) node.vnic(`vnic-x${index}`, `x${index}`, true);
      node.vnic('vnic-c', 'cali-c', true);
      return node.text.length;
    });
    expect(bytes[0]).to.equal(bytes[1]);
  });

  it('a commit that changes no rule writes nothing', () => {
    const node = new FollowedNode();
    node.put(object('nextHop', 'hop-1', { ip: '172.30.0.9' }));
    expect(node.text).to.equal('');
  });

  it('names that nft would read otherwise make no port', () => {
    const node = new FollowedNode();
    for (const [index, ifname] of ['x*', 'x"', 'a;b', 'x\\', '{'].entries()) {
      node.vnic(`vnic-x${index}`, ifname, true);
      expect(node.text, ifname).to.equal('');
    }
  });

  it('rule ids of any printable characters name counters that nft reads', () => {
    const ids = [
      'a b',
      'a_20b',
      '"',
      '};drop',
      'x'.repeat(128),
      '"'.repeat(128),
      `${'"'.repeat(127)}!`,
    ];
    const node = new FollowedNode().policy(
      'poli',
      ids.map((id) => rule('ALLOW', {}, id)),
    );
    const names = [...node.table.counters].filter((name) => name.startsWith('policy/poli/'));
    expect(names).to.have.length(ids.length);
    for (const name of names) expect(name).to.match(/^[A-Za-z0-9/._-]{1,255}$/);
  });
});
