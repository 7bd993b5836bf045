/** What an update tells: shared objects, the parts that changed, and the same result by any route. */
import { expect } from 'chai';
import fc from 'fast-check';
import { ipSetId } from '../../../src/model/ids.js';
import { canonicalJson } from '../../../src/base/json.js';
import type { PolicyChange, PolicyOutput } from '../../../src/translators/policy/lowering.js';
import { plainCapabilities } from '../../../src/translators/policy/plain/capabilities.js';
import { PlainLowering } from '../../../src/translators/policy/plain/lowering.js';
import type { PortProgram } from '../../../src/translators/policy/program.js';
import { worldArb } from './arbitrary.js';
import { podStages, policy, program, rule, stage, tier } from './rules.js';
import { everythingChanged, hostVnic, names, viewOf, vnicOf, type World } from './world.js';

const COMPACT = plainCapabilities(true);
const NOTHING: PolicyChange = {
  ports: new Set(),
  sources: new Set(),
  sets: new Set(),
  members: new Map(),
  host: false,
};

/** Follows a lowering's outputs as the plan does. */
class Follower {
  readonly lowering = new PlainLowering(names, COMPACT);
  private readonly units = new Map<string, string>();

  update(world: World, change: Partial<PolicyChange>): PolicyOutput {
    const output = this.lowering.update(viewOf(world), { ...NOTHING, ...change });
    for (const [unit, entries] of output.units) {
      if (entries.length === 0) this.units.delete(unit);
      else this.units.set(unit, canonicalJson(entries));
    }
    return output;
  }

  /** Whole state as text. */
  dump(world: World): string {
    const vnics = [...world.pods.map(({ program: of }) => vnicOf(of.subject)), hostVnic];
    return canonicalJson([
      [...this.units].sort(([a], [b]) => (a < b ? -1 : 1)),
      vnics.map((vnic) => this.lowering.lists(vnic) ?? null),
      this.lowering.degradations().map(canonicalJson).sort(),
    ]);
  }
}

function fresh(world: World): string {
  const follower = new Follower();
  follower.update(world, everythingChanged(viewOf(world), world.sets));
  return follower.dump(world);
}

const WEB = podStages({
  ingress: [
    tier('deny', policy('web', 'ingress', rule('allow', { source: { ipSets: [ipSetId('s:a')] } }))),
  ],
});

function threePods(sets: World['sets'], stages = [WEB, WEB, podStages({})]): World {
  const pods = stages.map((of, index) => ({
    program: program(`pod-${index}`, of),
    addresses: [`10.1.0.${index + 1}`],
  }));
  return { pods, hostAddresses: ['10.0.0.1'], tunnelDestinations: [], sets };
}

describe('plain lowering, incremental', () => {
  const members = new Set(['10.2.0.1/32']);
  const sets = new Map([[ipSetId('s:a'), members]]);

  it('gives ports with equal stacks the same objects, for all of them', () => {
    const follower = new Follower();
    const world = threePods(sets);
    const { units, vnics } = follower.update(world, everythingChanged(viewOf(world), sets));
    const [a, b, c] = world.pods.map(({ program: of }) =>
      follower.lowering.lists(vnicOf(of.subject)),
    );
    expect(a).to.deep.equal(b);
    expect(a?.ingressV4).not.to.deep.equal(c?.ingressV4);
    expect(a?.egressV4).to.deep.equal(c?.egressV4);
    expect([...vnics]).to.have.length(3);
    const shared = units.get(`list:${a?.ingressV4[0]?.id ?? ''}`);
    expect(shared?.[0]?.origins).to.deep.equal(['pod-0', 'pod-1']);
  });

  it('answers a member change with new lists for the ports that use the set', () => {
    const follower = new Follower();
    const world = threePods(sets);
    follower.update(world, everythingChanged(viewOf(world), sets));
    const before = follower.lowering.lists(vnicOf('pod-0'))?.ingressV4[0]?.id ?? '';
    members.add('10.2.0.9/32');
    const change = new Map([[ipSetId('s:a'), { added: ['10.2.0.9/32'], removed: [] }]]);
    const output = follower.update(world, { ports: new Set(['pod-0', 'pod-1']), members: change });
    members.delete('10.2.0.9/32');
    expect([...output.vnics].sort()).to.deep.equal([vnicOf('pod-0').id, vnicOf('pod-1').id].sort());
    expect(output.units.get(`list:${before}`)).to.deep.equal([]);
    const lists = follower.lowering.lists(vnicOf('pod-1'));
    const entry = output.units.get(`list:${lists?.ingressV4[0]?.id ?? ''}`)?.[0];
    expect(canonicalJson(entry?.object.spec)).to.contain('10.2.0.9/32');
  });

  it('keeps quiet about a change without effect', () => {
    const follower = new Follower();
    const world = threePods(sets);
    follower.update(world, everythingChanged(viewOf(world), sets));
    const output = follower.update(world, { ports: new Set(['pod-1']), host: true });
    expect([...output.vnics]).to.deep.equal([]);
  });

  it('leaves other pods alone when a pod comes, unless host policy must tell local ones apart', () => {
    const two = threePods(sets, [WEB, WEB]);
    const three = threePods(sets, [WEB, WEB, WEB]);
    const follower = new Follower();
    follower.update(two, everythingChanged(viewOf(two), sets));
    expect([...follower.update(three, { ports: new Set(['pod-2']) }).vnics]).to.have.length(1);

    const forward = stage('FORWARD', 'FROM_PORT', [tier('deny', policy('f', 'ingress'))]);
    const uplink = program('uplink', [forward, stage('HOST', 'FROM_PORT', [])]);
    const policed = new Follower();
    policed.update({ ...two, uplink }, everythingChanged(viewOf({ ...two, uplink }), sets));
    const output = policed.update({ ...three, uplink }, { ports: new Set(['pod-2']) });
    expect([...output.vnics]).to.have.length(4);
  });

  it('depends on the state alone: any way to a world gives what the world gives from nothing', function () {
    this.timeout(30_000);
    const options = { hostStages: true, untracked: true, tunnelled: true };
    const arb = worldArb(options);
    fc.assert(
      fc.property(arb, arb, fc.boolean(), fc.boolean(), (first, second, swapPod, swapHost) => {
        const mixed = mix(first, second, swapPod, swapHost);
        const follower = new Follower();
        follower.update(first, everythingChanged(viewOf(first), first.sets));
        const ports = new Set<string>([
          ...(swapPod ? ['k8s/ns%2Fpod-0/eth0'] : []),
          ...(swapHost ? ['uplink', 'tunnel'] : []),
        ]);
        follower.update(mixed, { ports });
        expect(follower.dump(mixed)).to.equal(fresh(mixed));
        const gone: World = { ...mixed, pods: mixed.pods.slice(1) };
        follower.update(gone, { ports: new Set(['k8s/ns%2Fpod-0/eth0']) });
        expect(follower.dump(gone)).to.equal(fresh(gone));
      }),
      { numRuns: 1_000_000, interruptAfterTimeLimit: 1500, markInterruptAsFailure: false },
    );
  });
});

/** The first world with some parts of the second; sets stay those of the first. */
function mix(first: World, second: World, pod: boolean, host: boolean): World {
  const pods = first.pods.map((of, index) => (pod && index === 0 ? (second.pods[0] ?? of) : of));
  const outside = (from: World): { uplink?: PortProgram; tunnel?: PortProgram } => ({
    ...(from.uplink === undefined ? {} : { uplink: from.uplink }),
    ...(from.tunnel === undefined ? {} : { tunnel: from.tunnel }),
  });
  return { ...first, pods, ...outside(host ? second : first) };
}
