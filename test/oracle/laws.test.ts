/** Laws of Calico policy that no implementation is needed to state: random worlds, changed in ways that must not matter. */
import { expect } from 'chai';
import { OracleEngine } from '../../src/lab/verdicts/oracle-engine.js';
import { describeProbe, type Probe } from '../../src/lab/verdicts/probe.js';
import { framesOf, type Message } from '../support/felix/wire.js';
import { session, type PodDraft, type TierDraft, type World } from '../support/felix/world.js';
import { isLong, tryRandomPolicy, type Trial } from '../support/random-policy/run.js';

const SECONDS = 3;

async function verdicts(messages: readonly Message[], probes: readonly Probe[]): Promise<string[]> {
  const engine = new OracleEngine();
  await engine.startSession();
  await engine.advance(framesOf(messages));
  return (await engine.judge(probes)).map(({ allow, exit }) => (allow ? `to ${exit}` : 'deny'));
}

function expectSame(probes: readonly Probe[], a: readonly string[], b: readonly string[]): void {
  const text = (verdict: string, index: number): string =>
    `${describeProbe(probes[index]!)}: ${verdict}`;
  expect(b.map(text)).to.deep.equal(a.map(text));
}

/** The law that `change` tells the same world in other words. */
function sameInOtherWords(change: (messages: Message[]) => Message[]) {
  return async ({ world, probes }: Trial): Promise<void> => {
    const messages = session(world);
    expectSame(probes, await verdicts(messages, probes), await verdicts(change(messages), probes));
  };
}

/** A set's second half comes as a delta, with a member that is never wanted gone again. */
function inPieces(messages: Message[]): Message[] {
  return messages.flatMap((message): Message[] => {
    const update = message['ipset_update'] as { id: string; members: string[] } | undefined;
    if (update === undefined) return [message];
    const half = Math.floor(update.members.length / 2);
    const stray = update.members.some((member) => member.includes(','))
      ? '192.0.2.1,tcp:9'
      : '192.0.2.1/32';
    const first = { ...update, members: [...update.members.slice(0, half), stray] };
    const rest = update.members.slice(half).reverse();
    const delta = { id: update.id, added_members: rest, removed_members: [stray] };
    return [{ ipset_update: first }, { ipset_delta_update: delta }];
  });
}

function withoutStaged(world: World): World {
  const enforced = (names: readonly string[] = []): string[] =>
    names.filter((name) => !name.startsWith('staged:'));
  const tiers = (some: readonly TierDraft[] = []): TierDraft[] =>
    some.map((one) => ({ ...one, ingress: enforced(one.ingress), egress: enforced(one.egress) }));
  const pods = Object.entries(world.pods ?? {}).map(([name, pod]): [string, PodDraft] => [
    name,
    { ...pod, tiers: tiers(pod.tiers) },
  ]);
  return { ...world, pods: Object.fromEntries(pods) };
}

/** Pod `a` with a first tier that denies what it receives. */
function closed(world: World): World {
  const { a = {} } = world.pods ?? {};
  const first = { name: 'closed', ingress: ['deny-all'], default: 'Deny' };
  return {
    ...world,
    policies: { ...world.policies, 'deny-all': { inbound: [{ action: 'deny' }] } },
    pods: { ...world.pods, a: { ...a, tiers: [first, ...(a.tiers ?? [])] } },
  };
}

describe('oracle: laws of policy', function () {
  this.timeout(isLong ? 0 : (SECONDS + 30) * 1000);

  const laws: [string, (trial: Trial) => Promise<void>][] = [
    ['a set told in pieces is the set told whole', sameInOtherWords(inPieces)],
    ['telling everything twice changes nothing', sameInOtherWords((all) => [...all, ...all])],
    [
      'staged policies decide nothing',
      async ({ world, probes }) => {
        const bare = session(withoutStaged(world));
        expectSame(probes, await verdicts(session(world), probes), await verdicts(bare, probes));
      },
    ],
    [
      'a first tier that denies closes a pod to all but its node, and opens nothing',
      async ({ world, probes }) => {
        const before = await verdicts(session(world), probes);
        const after = await verdicts(session(closed(world)), probes);
        for (const [index, probe] of probes.entries()) {
          const isPodsOwn = before[index] === 'to default/a' && probe.from !== 'host';
          expect(after[index], describeProbe(probe)).to.equal(isPodsOwn ? 'deny' : before[index]);
        }
      },
    ],
  ];
  for (const [title, law] of laws) {
    it(title, async () => {
      const { pairs } = await tryRandomPolicy(SECONDS, law);
      expect(pairs).to.be.greaterThan(100);
    });
  }
});
