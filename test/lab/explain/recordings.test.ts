/** What is explained is what Felix's own data plane did: every recorded probe that can be asked in the words of `why`. */
import { expect } from 'chai';
import { parseIp } from '../../../src/base/ip.js';
import { NATIVE } from '../../../src/lab/explain/capabilities.js';
import { Explainer, type Explanation } from '../../../src/lab/explain/explain.js';
import { explanationText } from '../../../src/lab/explain/explanation-text.js';
import { readProbes } from '../../../src/lab/verdicts/recording.js';
import { describeProbe, type Probe } from '../../../src/lab/verdicts/probe.js';
import { recordingNamed } from '../../support/recordings.js';
import { recordedSource } from './support.js';

const RECORDINGS = [
  'head/hello',
  'head/tiers',
  'head/host-endpoints',
  'head/matches',
  'v3.26.5/hello',
];

function transportOf({ packet }: Probe) {
  const { protocol, sourcePort, destinationPort, icmpType, icmpCode } = packet;
  const icmp = icmpType === undefined ? undefined : { type: icmpType, code: icmpCode ?? 0 };
  return { protocol, sourcePort, destinationPort, icmp };
}

/** Where a packet came out, as a verdict file names it. */
function exitOf({ allow, exit }: Explanation): string {
  if (!allow || exit === undefined) return '';
  return exit === 'uplink' || exit === 'tunnel' ? 'wire' : exit;
}

/** The stage and step that a path ends with. */
function endOf({ path }: Explanation): string {
  const last = path.filter((entry) => entry.kind === 'fixed' || entry.asked).at(-1);
  return last === undefined ? 'nothing was asked' : last.result;
}

describe('explanations of recordings', () => {
  for (const name of RECORDINGS) {
    const { folder, steps } = recordingNamed(name);
    it(`${name}: the answer is what Felix's own data plane did, at every step`, () => {
      let asked = 0;
      for (const { step } of steps) {
        const probes = readProbes(folder, step) ?? [];
        const explainer = new Explainer(recordedSource(name, step), NATIVE);
        for (const probe of probes) {
          const { from, to, packet } = probe;
          const ends = { from: from === 'wire' ? packet.source : from, to: packet.destination };
          const family = parseIp(packet.source)?.family;
          const question = { ...ends, family, transport: transportOf(probe), allPolicies: true };
          const answer = explainer.explain(question);
          // A sender that pretends to be another cannot be asked about.
          if (answer.packet.source !== packet.source) continue;
          asked += 1;
          const text = `${step}: ${describeProbe(probe)}\n${explanationText(answer)}`;
          expect(exitOf(answer) === to, text).to.equal(probe.allowed);
          expect(endOf(answer) === 'deny', text).to.equal(!answer.allow);
        }
      }
      expect(asked).to.be.greaterThan(100);
    });
  }
});
