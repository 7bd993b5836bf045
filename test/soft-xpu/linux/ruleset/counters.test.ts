/** Counters of the kernel as the figures of a data plane. */
import { expect } from 'chai';
import {
  bindingCountsOf,
  FORWARDED,
  parseCounters,
  portDropCounter,
  ruleCounter,
  ruleCountsOf,
  stageCounter,
  totalCountsOf,
  totalDropCounter,
} from '../../../../src/soft-xpu/linux/ruleset/counters.js';
import { UPLINK_PORT } from '../../../../src/soft-xpu/memory/port.js';
import { PORT_A, rule } from '../../node-words.js';

/** What `nft -j list counters` prints. */
function listing(counters: readonly (readonly [string, number])[], table = 'calico-xpu'): string {
  const entries = counters.map(([name, packets]) => ({
    counter: { family: 'inet', name, table, handle: 7, packets, bytes: packets * 60 },
  }));
  const metainfo = { version: '1.0.6', release_name: 'Lester Gooch #5', json_schema_version: 1 };
  return JSON.stringify({ nftables: [{ metainfo }, ...entries] });
}

describe('soft-xpu linux: counters', () => {
  it('counters of other tables are left out', () => {
    const own = parseCounters(listing([['total/forwarded', 3]]), 'calico-xpu');
    expect([...own]).to.deep.equal([['total/forwarded', { packets: 3, bytes: 180 }]]);
    expect(parseCounters(listing([['total/forwarded', 3]], 'other'), 'calico-xpu')).to.be.empty;
  });

  it('a policy’s rules are told in the order of its lists, those without a counter at zero', () => {
    const values = parseCounters(
      listing([
        [ruleCounter('poli', 'EGRESS', 'same'), 5],
        [ruleCounter('poli', 'INGRESS', 'other one'), 2],
      ]),
      'calico-xpu',
    );
    const [same, other] = [rule('ALLOW', {}, 'same'), rule('DENY', {}, 'other one')];
    const spec = { ingressRules: [same, other], egressRules: [same] };
    const told = ruleCountsOf('poli', spec, values);
    expect(told.map(({ list, ruleId, count }) => [list, ruleId, count.packets])).to.deep.equal([
      ['INGRESS', 'same', 0],
      ['INGRESS', 'other one', 2],
      ['EGRESS', 'same', 5],
    ]);
  });

  it('a binding has what its own port counted', () => {
    const values = parseCounters(
      listing([
        [portDropCounter(PORT_A, 'SOURCE'), 4],
        [portDropCounter(PORT_A, 'RULE'), 0],
        [portDropCounter(UPLINK_PORT, 'SOURCE'), 9],
        [stageCounter(PORT_A, 'WORKLOAD', 'TO_PORT', 'dropped'), 2],
        [stageCounter(UPLINK_PORT, 'PRE_DNAT', 'FROM_PORT', 'allowed'), 1],
      ]),
      'calico-xpu',
    );
    const { drops, stages } = bindingCountsOf(PORT_A, values);
    expect([...drops]).to.deep.equal([['SOURCE', { packets: 4, bytes: 240 }]]);
    expect([...stages]).to.deep.equal([['WORKLOAD TO_PORT dropped', { packets: 2, bytes: 120 }]]);
    expect([...bindingCountsOf(UPLINK_PORT, values).stages.keys()]).to.deep.equal([
      'PRE_DNAT FROM_PORT allowed',
    ]);
  });

  it('totals have every reason that dropped', () => {
    const values = parseCounters(
      listing([
        [FORWARDED, 7],
        [totalDropCounter('TO_HOST'), 1],
        [totalDropCounter('RULE'), 0],
      ]),
      'calico-xpu',
    );
    const { drops, forwarded } = totalCountsOf(values);
    expect(forwarded.packets).to.equal(7);
    expect([...drops.keys()]).to.deep.equal(['TO_HOST']);
  });

  it('rule ids that differ have names that differ, however long', () => {
    const ids = [
      'a b',
      'a_20b',
      'a_b',
      '_',
      'x'.repeat(128),
      `${'x'.repeat(127)}y`,
      '"'.repeat(128),
    ];
    const names = new Set(ids.map((id) => ruleCounter('p'.repeat(63), 'INGRESS', id)));
    expect(names.size).to.equal(ids.length);
    for (const name of names) expect(name.length).to.be.at.most(255);
  });
});
