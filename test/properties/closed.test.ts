/** Closed forms deny all that what they stand in for denies, whatever the world; the node's failsafes stay open. */
import { expect } from 'chai';
import fc from 'fast-check';
import { keyText } from '../../src/opi/objects/key.js';
import type { PlanEntry } from '../../src/opi/objects/plan.js';
import type { PolicyBindingSpec } from '../../src/opi/objects/specs.js';
import type { TargetCapabilities } from '../../src/opi/objects/target.js';
import { FelixView } from '../../src/lab/verdicts/felix-view.js';
import { describeProbe, type Probe } from '../../src/lab/verdicts/probe.js';
import { packetOf } from '../../src/soft-xpu/memory/packet.js';
import { Translator } from '../../src/translators/translator.js';
import { NAMES } from '../translators/support/objects.js';
import { NATIVE, PLAIN, SETTINGS } from '../translators/support/play.js';
import { send, tcp } from '../support/felix/packets.js';
import { framesOf } from '../support/felix/wire.js';
import { session, type World } from '../support/felix/world.js';
import { aim, probeOf, targetsOf } from '../support/random-policy/probes.js';
import { world } from '../support/random-policy/worlds.js';
import { boundPort } from '../support/update-safety/opened.js';
import { entryPort, OpenDoors } from '../support/update-safety/open-doors.js';

const TARGETS: Readonly<Record<string, TargetCapabilities>> = {
  native: NATIVE,
  plain: PLAIN,
  flattened: { ...PLAIN, compactRules: false },
};
const SECONDS = 4;

function planOf(one: World, target: TargetCapabilities): PlanEntry[] {
  const view = new FelixView();
  view.startSession();
  for (const frame of framesOf(session(one))) view.frame(frame);
  const translator = new Translator(SETTINGS, target);
  translator.translate(view.state, 'replaced');
  return [...translator.plan()];
}

/** Packets that a port lets pass, by their place among the probes. */
function passing(
  port: string,
  plan: readonly PlanEntry[],
  probes: readonly Probe[],
  native: boolean,
) {
  const doors = new OpenDoors(port, native);
  doors.load(plan);
  return probes.flatMap(({ from, packet: fields }, index) => {
    const { icmpType, icmpCode, ...rest } = fields;
    const icmp = icmpType === undefined ? undefined : { type: icmpType, code: icmpCode ?? 0 };
    const entry = entryPort(from, (pod) => NAMES.vnic(pod.replace('default/', 'cali')).id);
    return doors.passes(entry, packetOf({ ...rest, icmp })) ? [index] : [];
  });
}

function portOf({ object: { key, spec } }: PlanEntry): string {
  return key.kind === 'policyBinding' ? boundPort((spec as PolicyBindingSpec).port) : keyText(key);
}

describe('closed forms', () => {
  for (const [name, target] of Object.entries(TARGETS)) {
    it(`${name}: let nothing pass that the open form does not`, function () {
      this.timeout((SECONDS + 30) * 1000);
      let closedForms = 0;
      const property = fc.property(
        world,
        fc.array(aim, { minLength: 10, maxLength: 40 }),
        (one, aims) => {
          const plan = planOf(one, target);
          const probes = aims.map((shot) => probeOf(shot, targetsOf(one)));
          for (const entry of plan) {
            const { closed } = entry;
            if (closed === undefined) continue;
            closedForms += 1;
            const port = portOf(entry);
            const shut = plan.map((other) =>
              other === entry ? { ...other, object: closed } : other,
            );
            const native = target.level === 'native';
            const open = new Set(passing(port, plan, probes, native));
            for (const index of passing(port, shut, probes, native)) {
              expect(
                open.has(index),
                `${port} closed passes ${describeProbe(probes[index]!)}`,
              ).to.equal(true);
            }
          }
        },
      );
      fc.assert(property, { interruptAfterTimeLimit: SECONDS * 1000, numRuns: 10_000 });
      expect(closedForms).to.be.greaterThan(3);
    });

    it(`${name}: keep the node's failsafes open`, () => {
      const one: World = {
        config: { FailsafeInboundHostPorts: 'tcp:22', FailsafeOutboundHostPorts: 'tcp:443' },
        pods: { a: {} },
        hostEndpoints: {
          h: { name: 'eth0', tiers: [{ ingress: [], egress: [], default: 'Deny' }] },
        },
      };
      const plan = planOf(one, target);
      const key = target.level === 'native' ? NAMES.portBinding('uplink') : NAMES.vnic('host0');
      const shut = plan.map((entry) =>
        keyText(entry.object.key) === keyText(key) ? { ...entry, object: entry.closed! } : entry,
      );
      const port = target.level === 'native' ? 'uplink' : keyText(key);
      const probes = [
        send('wire', 'host', tcp(22)),
        send('wire', 'host', tcp(23)),
        send('host', 'wire', tcp(443)),
        send('host', 'wire', tcp(444)),
      ];
      expect(passing(port, shut, probes, target.level === 'native')).to.deep.equal([0, 2]);
    });
  }
});
