/** A policy or a set that Felix names and has not sent: denied in its place, and told (k8s-extension: objects). */
import { expect } from 'chai';
import { describeProbe } from '../../src/lab/verdicts/probe.js';
import { send, tcp } from '../support/felix/packets.js';
import { framesOf } from '../support/felix/wire.js';
import { KNS, policyMessage, session, setMessage, type World } from '../support/felix/world.js';
import { NATIVE, PLAIN } from './support/play.js';
import { XpuEngine } from './support/xpu-engine.js';

const OPEN = { default: 'Pass', ingress: ['p'], egress: ['p'] };
const POLICY = { inbound: [{ action: 'allow', src_ip_set_ids: ['s:1'] }] };

/** `b` has a policy that is not there, in a tier that passes by default, and a profile that would allow. */
function withoutPolicy(): World {
  return { profiles: { open: KNS }, pods: { b: { tiers: [OPEN], profiles: ['open'] } } };
}

function withoutSet(): World {
  return { ...withoutPolicy(), policies: { p: POLICY } };
}

for (const target of [NATIVE, PLAIN]) {
  describe(`translator, ${target.level} target: what is not there`, () => {
    let engine: XpuEngine;

    beforeEach(async () => {
      engine = new XpuEngine(target);
      await engine.startSession();
    });

    /** Verdicts of one packet to `b` and one from it. */
    async function bothWays(): Promise<boolean[]> {
      const probes = [send('wire', 'b', tcp(80)), send('b', 'wire', tcp(80))];
      const verdicts = await engine.judge(probes);
      return verdicts.map(({ allow }) => allow);
    }

    const told = (): string[] => [
      ...new Set(engine.translator.degradations().map(({ code }) => code)),
    ];

    it('a policy: both directions deny until it comes', async () => {
      await engine.advance(framesOf(session(withoutPolicy())));
      expect(await bothWays(), describeProbe(send('wire', 'b', tcp(80)))).to.deep.equal([
        false,
        false,
      ]);
      expect(told()).to.deep.equal(['missing-referent']);
      await engine.advance(framesOf([policyMessage('p', { inbound: [{ action: 'allow' }] })]));
      expect(await bothWays()).to.deep.equal([true, true]);
      expect(told()).to.deep.equal([]);
    });

    it('a set: denied from its rule on until it comes', async () => {
      await engine.advance(framesOf(session(withoutSet())));
      expect(await bothWays()).to.deep.equal([false, true]);
      expect(told()).to.deep.equal(['missing-referent']);
      await engine.advance(framesOf([setMessage('s:1', { type: 'net', members: [] })]));
      expect(await bothWays()).to.deep.equal([true, true]);
      expect(told()).to.deep.equal([]);
    });
  });
}
