/** During every update, after every single call: no port lets pass what neither its old nor its new policy does. */
import { expect } from 'chai';
import fc from 'fast-check';
import { FakeTarget } from '../../src/opi/objects/fake-target.js';
import type { CloudKind } from '../../src/opi/objects/key.js';
import type { OpiObject } from '../../src/opi/objects/specs.js';
import type { BatchOperation } from '../../src/opi/objects/target.js';
import { send, tcp } from '../support/felix/packets.js';
import type { World } from '../support/felix/world.js';
import { isLong } from '../support/random-policy/run.js';
import { playStory } from '../support/update-safety/play.js';
import { story, type Mishap, type Story } from '../support/update-safety/sequence.js';

const SECONDS = 12;

describe('an update is never wider than what was and what will be', () => {
  it('holds after every call, whatever fails', async function () {
    const seconds = isLong ? Number(process.env['CALICO_XPU_LONG_SECONDS'] ?? 600) : SECONDS;
    const seed = Number(process.env['CALICO_XPU_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    this.timeout(isLong ? 0 : (SECONDS + 60) * 1000);
    const total = { stories: 0, calls: 0, looks: 0 };
    const property = fc.asyncProperty(story, async (one) => {
      const { calls, looks } = await playStory(one);
      total.stories += 1;
      total.calls += calls;
      total.looks += looks;
    });
    await fc.assert(property, {
      seed,
      numRuns: Number.MAX_SAFE_INTEGER,
      interruptAfterTimeLimit: seconds * 1000,
      markInterruptAsFailure: false,
    });
    const { stories, calls, looks } = total;
    console.log(
      `      ${stories} stories, ${calls} calls, ${looks} packets let pass, seed ${seed}`,
    );
    expect(stories).to.be.greaterThan(3);
  });

  for (const target of ['native', 'plain'] as const) {
    it(`${target}: holds with a failure at every call of an update, of every kind`, async function () {
      this.timeout(60_000);
      const [sample] = fc.sample(story, { numRuns: 1, seed: 7 });
      const quiet: Story = { ...sample!, target, limits: {}, steps: sample!.steps.slice(0, 2) };
      const { callsAtLast } = await playStory(withMishaps(quiet));
      expect(callsAtLast).to.be.greaterThan(0);
      for (let at = 0; at < callsAtLast; at += 1) {
        await playStory(withMishaps(quiet, { at, code: 'UNAVAILABLE', lostAnswer: at % 2 === 0 }));
        await playStory(withMishaps(quiet, { at, code: at % 2 === 0 ? 'INVALID' : 'EXHAUSTED' }));
      }
    });
  }

  it('would be noticed: an XPU that takes a batch apart lets a packet pass that nobody asked for', async () => {
    const played = await playStory(TURN, FakeTarget).then(() => 'nothing', String);
    expect(played).to.equal('nothing');
    const noticed = await playStory(TURN, PiecemealTarget).then(() => 'nothing', String);
    expect(noticed).to.match(/members .*\nport vnic\/\S+ passes wire \(198\.18\.0\.9\)/);
  });

  it('would be noticed: an XPU that takes the old lists away before it has the new ones', async () => {
    const plain: Story = { ...TURN, target: 'plain' };
    const played = await playStory(plain, FakeTarget).then(() => 'nothing', String);
    expect(played).to.equal('nothing');
    const noticed = await playStory(plain, ForgetfulTarget).then(() => 'nothing', String);
    expect(noticed).to.match(/update vnic\/(\S+)\nport vnic\/\1 passes wire \(198\.18\.0\.9\)/);
  });
});

/** Who may come in turns into who may not, and one more address belongs to them. */
const TURN: Story = {
  target: 'native',
  limits: {},
  batchBytesMax: undefined,
  probes: [send('wire', 'a', tcp(80))],
  steps: [turn('allow', ['198.18.0.8/32']), turn('deny', ['198.18.0.8/32', '198.18.0.9/32'])],
};

function turn(action: string, members: readonly string[]): Story['steps'][number] {
  const world: World = {
    sets: { 's:1': { type: 'net', members } },
    policies: { p: { inbound: [{ action, src_ip_set_ids: ['s:1'] }] } },
    pods: { a: { tiers: [{ ingress: ['p'], default: 'Deny' }] } },
  };
  return { world, mishaps: [], restart: false };
}

function withMishaps(quiet: Story, ...mishaps: readonly Mishap[]): Story {
  const last = quiet.steps.length - 1;
  const steps = quiet.steps.map((step, index) => ({
    ...step,
    restart: false,
    mishaps: index === last ? mishaps : [],
  }));
  return { ...quiet, steps };
}

/** An XPU that is not what it says: packets see the parts of a batch. */
class PiecemealTarget extends FakeTarget {
  override async applyBatch(operations: readonly BatchOperation[]): Promise<void> {
    for (const operation of operations) await super.applyBatch([operation]);
  }
}

/** An XPU that is not what it says: for a moment a vNIC that changes has no lists. */
class ForgetfulTarget extends FakeTarget {
  override async update(object: OpiObject<CloudKind>): Promise<void> {
    if (object.key.kind === 'vnic') {
      const bare = { ...object.spec, ingressV4: [], ingressV6: [], egressV4: [], egressV6: [] };
      await super.update({ key: object.key, spec: bare });
    }
    await super.update(object);
  }
}
