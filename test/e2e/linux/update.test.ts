/**
 * Policy, bindings, groups and pods change without pause while packets flow: what is allowed loses nothing by it, what is
 * forbidden never passes, and what is new is judged by the policy of its moment.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { Chance, seedOfRun } from '../../support/chance.js';
import { needs } from '../../support/root.js';
import { expectUnharmed, reportText } from '../../support/traffic/judge.js';
import type { TrafficReport } from '../../support/traffic/traffic.js';
import { busyFlows, movingFlow } from './busy-flows.js';
import { LinuxStage } from './linux-stage.js';

const LONG = process.env['CALICO_XPU_LONG'] === '1';
const SECONDS = LONG ? 30 : 6;
const CHANGES_PER_SECOND = 200;
/** Far fewer than there are changes, because changes that come while the kernel is busy go together. */
const TRANSACTIONS_MIN = 10;
const SEED = seedOfRun();

describe(`linux data plane: update under traffic, seed ${SEED}`, function () {
  this.timeout(LONG ? 300_000 : 120_000);
  let stage: LinuxStage;
  let control: TrafficReport;
  before(needs('root', 'nft', 'ip', 'conntrack', 'sysctl', 'nsenter'));
  before(async () => {
    stage = new LinuxStage(new Chance(SEED));
    await stage.open();
  });
  after(() => stage?.close());

  it(`${CHANGES_PER_SECOND} changes a second for ${SECONDS} s harm no flow and open nothing`, async () => {
    const traffic = stage.traffic(busyFlows());
    const from = (await stage.position()) ?? NaN;
    let messages = 0;
    const busy = await traffic.during(async () => {
      messages = await stage.changes(SECONDS * CHANGES_PER_SECOND, CHANGES_PER_SECOND);
      await stage.settled();
    });
    const transactions = ((await stage.position()) ?? NaN) - from;
    control = await traffic.during(() => delay(busy.milliseconds));
    console.log(`      ${messages} messages, ${transactions} transactions`);
    console.log(`      changing ${reportText(busy)}`);
    console.log(`      control  ${reportText(control)}`);
    expectUnharmed(busy, control);
    expect(transactions).to.be.greaterThan(TRANSACTIONS_MIN);
  });

  it('leaves the XPU with what one has that was told the end alone', async () => {
    expect(await stage.dump()).to.equal(await stage.undisturbed());
  });

  it('what is told and applied holds for the next packet', async () => {
    const [opened, shut] = [stage.traffic([movingFlow(true)]), stage.traffic([movingFlow(false)])];
    for (const isOpen of [true, false, true, false]) {
      await stage.changes(10, CHANGES_PER_SECOND);
      await stage.tell(stage.busy.movePort(isOpen));
      await stage.settled();
      const traffic = isOpen ? opened : shut;
      expectUnharmed(await traffic.during(() => stage.changes(10, CHANGES_PER_SECOND)), control);
    }
  });
});
