/** PolicyBindings of vNICs, uplink and tunnel: which stages are there, in which order, and what else decides. */
import { expect } from 'chai';
import type { Delta } from '../../../src/model/delta.js';
import type { HostEndpoint, WorkloadEndpoint } from '../../../src/model/endpoint.js';
import { profileName } from '../../../src/model/ids.js';
import type { PolicyBindingSpec, StageSpec } from '../../../src/opi/objects/specs.js';
import { hostEndpoint, policy, profile, tier, workload } from '../support/model.js';
import { NAMES, pod, specOf } from '../support/objects.js';
import { Player } from '../support/play.js';

const POLICY_NAMES = ['p', 'q', 'r', 'staged:s'];

function play(...deltas: readonly Delta[]): Player {
  const player = new Player().session(
    ...POLICY_NAMES.map((name): Delta => ({ type: 'policy', policy: policy(name) })),
    { type: 'profile', profile: profile('kns.a') },
    ...deltas,
    { type: 'in-sync' },
  );
  player.flush();
  player.check();
  return player;
}

const config = (values: Record<string, string>): Delta => ({
  type: 'config',
  values: new Map(Object.entries(values)),
});
const hep = (id: string, fields: Partial<HostEndpoint>): Delta => ({
  type: 'host-endpoint',
  endpoint: hostEndpoint(id, fields),
});
const w = (fields: Partial<WorkloadEndpoint> = {}) =>
  pod(workload('w', { interfaceName: 'cali1', ...fields }));

function vnicBinding(...deltas: readonly Delta[]): PolicyBindingSpec {
  return specOf(play(...deltas), NAMES.vnicBinding(NAMES.vnic('cali1')))!;
}

/** Stages in order: direction, kind, rule list, tiers with their policies, profiles. */
function shape(stages: readonly StageSpec[] | undefined): string[] | undefined {
  return stages?.map(({ kind, direction, ruleList, tiers, profiles }) => {
    const lists = tiers.map(({ tierId, policies, defaultAction }) => {
      return `${tierId}[${policies.map(nameOf).join(' ')}]${defaultAction}`;
    });
    const tail = profiles.length === 0 ? '' : ` profiles[${profiles.map(nameOf).join(' ')}]`;
    return [`${direction} ${kind} ${ruleList}`, ...lists].join(' ') + tail;
  });
}

function nameOf({ id }: { readonly id: string }): string {
  const policies = [...POLICY_NAMES, 'missing'].map(
    (name) => [name, `policy:${policy(name).key}`] as const,
  );
  const known = [...policies, ['kns.a', 'profile:kns.a'] as const];
  if (id === NAMES.denyAllPolicy.id) return 'DENY-ALL';
  const found = known.find(([, key]) => NAMES.policy(key as `policy:${string}`).id === id);
  return found?.[0] ?? id;
}

describe('bindings of vNICs', () => {
  it('a pod sends by its egress lists and receives by its ingress lists, profiles last', () => {
    const { stages } = vnicBinding(
      w({
        tiers: [tier('t1', ['p'], ['q'], 'pass'), tier('default', ['r', 'p'], [])],
        profiles: [profileName('kns.a')],
      }),
    );
    expect(shape(stages)).to.deep.equal([
      'FROM_PORT WORKLOAD EGRESS t1[q]PASS profiles[kns.a]',
      'TO_PORT WORKLOAD INGRESS t1[p]PASS default[r p]DENY profiles[kns.a]',
    ]);
  });

  it('corner 2: without tiers and profiles both stages are there and hold nothing', () => {
    expect(shape(vnicBinding(w()).stages)).to.deep.equal([
      'FROM_PORT WORKLOAD EGRESS',
      'TO_PORT WORKLOAD INGRESS',
    ]);
  });

  it('corners 4 to 6: staged policies and tiers without enforced ones do not exist', () => {
    const { stages } = vnicBinding(
      w({ tiers: [tier('t1', ['staged:s'], []), tier('t2', ['staged:s', 'p'], [])] }),
    );
    expect(shape(stages)).to.deep.equal([
      'FROM_PORT WORKLOAD EGRESS',
      'TO_PORT WORKLOAD INGRESS t2[p]DENY',
    ]);
  });

  it('a policy listed twice is asked once', () => {
    const { stages } = vnicBinding(w({ tiers: [tier('t', ['p', 'q', 'p'], [])] }));
    expect(shape(stages)?.[1]).to.equal('TO_PORT WORKLOAD INGRESS t[p q]DENY');
  });

  it('"*" puts PRE_DNAT and FORWARD in front, with failsafes for PRE_DNAT; its other tiers do not concern pods', () => {
    const star = hep('star', {
      interfaceName: '*',
      preDnatTiers: [tier('t', ['p'], [], 'pass')],
      forwardTiers: [tier('t', ['q'], ['r'])],
      untrackedTiers: [tier('t', ['r'], ['r'])],
      tiers: [tier('t', ['r'], ['r'])],
    });
    const { stages, failsafes } = vnicBinding(star, w({ tiers: [tier('t', ['p'], ['p'])] }));
    expect(shape(stages)).to.deep.equal([
      'FROM_PORT PRE_DNAT INGRESS t[p]PASS',
      'FROM_PORT FORWARD INGRESS t[q]DENY',
      'FROM_PORT WORKLOAD EGRESS t[p]DENY',
      'TO_PORT FORWARD EGRESS t[r]DENY',
      'TO_PORT WORKLOAD INGRESS t[p]DENY',
    ]);
    expect(failsafes.length).to.equal(18);
    const forwardOnly = hep('star', { interfaceName: '*', forwardTiers: [tier('t', ['q'], [])] });
    expect(vnicBinding(forwardOnly, w()).failsafes).to.deep.equal([]);
  });

  it('a specific host endpoint does not concern pods', () => {
    const specific = hep('a', { forwardTiers: [tier('t', ['q'], ['q'])] });
    expect(shape(vnicBinding(specific, w()).stages)).to.have.length(2);
  });

  it('corners 33, 35, 39, 40, 46: what the configuration says of a pod', () => {
    expect(vnicBinding(w())).to.deep.include({
      port: { vnic: NAMES.vnic('cali1') },
      toHostAction: 'DROP',
      fromHostBypass: true,
      invalidAction: 'DROP',
      establishedPolicy: 'KEEP',
      disabled: false,
      deniedEncapsulation: { vxlanPort: 4789, ipip: true },
    });
    const values = {
      DefaultEndpointToHostAction: 'return',
      DisableConntrackInvalidCheck: 'true',
      AllowIPIPPacketsFromWorkloads: 'true',
      VXLANPort: '4790',
    };
    expect(vnicBinding(config(values), w())).to.deep.include({
      toHostAction: 'RETURN',
      invalidAction: 'CONTINUE',
      deniedEncapsulation: { vxlanPort: 4790, ipip: false },
    });
    expect(
      vnicBinding(config({ AllowVXLANPacketsFromWorkloads: 'true' }), w()).deniedEncapsulation,
    ).to.deep.equal({ ipip: true });
  });
});

describe('bindings of the uplink and the tunnel', () => {
  const bindings = (...deltas: readonly Delta[]) => {
    const player = play(...deltas);
    return {
      uplink: specOf(player, NAMES.portBinding('uplink')),
      tunnel: specOf(player, NAMES.portBinding('tunnel')),
    };
  };
  const full = {
    preDnatTiers: [tier('t', ['p'], ['r'], 'pass')],
    untrackedTiers: [tier('t', ['q'], ['q'], 'pass')],
    forwardTiers: [tier('t', ['p'], ['q'])],
    tiers: [tier('t', ['r'], ['p'])],
    profiles: [profileName('kns.a')],
  };
  const starTiers = {
    interfaceName: '*',
    preDnatTiers: [tier('s', ['q'], [], 'pass')],
    untrackedTiers: [tier('s', ['q'], [], 'pass')],
    forwardTiers: [tier('s', [], ['r'])],
    tiers: [tier('s', ['q'], [])],
  };

  it('without host endpoints there is none: everything passes', () => {
    expect(bindings(w())).to.deep.equal({ uplink: undefined, tunnel: undefined });
  });

  it('a specific one has every stage, in path order', () => {
    const { uplink, tunnel } = bindings(hep('a', full));
    expect(shape(uplink?.stages)).to.deep.equal([
      'FROM_PORT UNTRACKED INGRESS t[q]PASS',
      'FROM_PORT PRE_DNAT INGRESS t[p]PASS',
      'FROM_PORT FORWARD INGRESS t[p]DENY',
      'FROM_PORT HOST INGRESS t[r]DENY profiles[kns.a]',
      'TO_PORT UNTRACKED EGRESS t[q]PASS',
      'TO_PORT FORWARD EGRESS t[q]DENY',
      'TO_PORT HOST EGRESS t[p]DENY profiles[kns.a]',
    ]);
    expect(uplink).to.deep.include({
      port: { port: 'UPLINK' },
      allowedSources: [],
      fromHostBypass: false,
      disabled: false,
      deniedEncapsulation: { ipip: false },
    });
    expect(tunnel).to.equal(undefined);
  });

  it('corner 50: one without policy has HOST both ways and the default failsafes', () => {
    const { uplink } = bindings(hep('a', {}));
    expect(shape(uplink?.stages)).to.deep.equal(['FROM_PORT HOST INGRESS', 'TO_PORT HOST EGRESS']);
    const text = uplink!.failsafes.map(
      ({ direction, protocol, port }) => `${direction} ${protocol}:${port}`,
    );
    expect(text).to.include.members([
      'INBOUND 6:22',
      'INBOUND 17:68',
      'OUTBOUND 17:53',
      'OUTBOUND 6:6443',
    ]);
    expect(text).to.have.length(18);
  });

  it('corner 51: "none" clears one list; a prefix limits an entry', () => {
    const values = {
      FailsafeInboundHostPorts: 'none',
      FailsafeOutboundHostPorts: 'udp:10.0.0.0/8:53,tcp:[fd00::/8]:22,443,tcp:443',
    };
    expect(bindings(config(values), hep('a', {})).uplink?.failsafes).to.deep.equal([
      { direction: 'OUTBOUND', protocol: 6, port: 22, prefix: 'fd00::/8' },
      { direction: 'OUTBOUND', protocol: 6, port: 443 },
      { direction: 'OUTBOUND', protocol: 17, port: 53, prefix: '10.0.0.0/8' },
    ]);
  });

  it('"*" alone binds the uplink (never untracked) and the tunnel', () => {
    const { uplink, tunnel } = bindings(hep('z', starTiers));
    expect(shape(uplink?.stages)).to.deep.equal([
      'FROM_PORT PRE_DNAT INGRESS s[q]PASS',
      'FROM_PORT HOST INGRESS s[q]DENY',
      'TO_PORT FORWARD EGRESS s[r]DENY',
      'TO_PORT HOST EGRESS',
    ]);
    expect(shape(tunnel?.stages)).to.deep.equal([
      'FROM_PORT PRE_DNAT INGRESS s[q]PASS',
      'TO_PORT FORWARD EGRESS s[r]DENY',
    ]);
    expect(tunnel).to.deep.include({ port: { port: 'TUNNEL' } });
    expect(tunnel?.failsafes).to.have.length(18);
  });

  it('corner 58: beside a specific one "*" loses HOST and FORWARD of the uplink', () => {
    const { uplink } = bindings(hep('a', full), hep('z', starTiers));
    expect(shape(uplink?.stages)).to.deep.equal(shape(bindings(hep('a', full)).uplink?.stages));
  });

  it('a specific one without preDNAT tiers does not hide those of "*"', () => {
    const { uplink } = bindings(hep('a', { ...full, preDnatTiers: [] }), hep('z', starTiers));
    expect(shape(uplink?.stages)).to.include('FROM_PORT PRE_DNAT INGRESS s[q]PASS');
    expect(shape(uplink?.stages)).to.include('FROM_PORT FORWARD INGRESS t[p]DENY');
  });

  it('one with staged preDNAT tiers alone hides them', () => {
    const staged = { ...full, preDnatTiers: [tier('t', ['staged:s'], [], 'pass')] };
    const { uplink } = bindings(hep('a', staged), hep('z', starTiers));
    expect(shape(uplink?.stages)?.filter((line) => line.includes('PRE_DNAT'))).to.deep.equal([]);
  });

  it('untracked and preDNAT tiers continue, whatever an old Felix says of their end', () => {
    const old = { preDnatTiers: [tier('t', ['p'], [])], untrackedTiers: [tier('t', ['p'], [])] };
    const { uplink } = bindings(hep('a', old));
    expect(shape(uplink?.stages)?.slice(0, 2)).to.deep.equal([
      'FROM_PORT UNTRACKED INGRESS t[p]PASS',
      'FROM_PORT PRE_DNAT INGRESS t[p]PASS',
    ]);
  });

  it('corner 53: forward tiers of one direction are no stage of the other', () => {
    const { uplink } = bindings(hep('a', { forwardTiers: [tier('t', ['p'], [])] }));
    expect(shape(uplink?.stages)?.filter((line) => line.includes('FORWARD'))).to.deep.equal([
      'FROM_PORT FORWARD INGRESS t[p]DENY',
    ]);
  });

  it('its origins are the host endpoints whose stages it holds', () => {
    const player = play(hep('b', { ...full, preDnatTiers: [] }), hep('z', starTiers));
    const origins = [...player.objects.values()].flatMap(({ object, origins: list }) =>
      object.key.id === NAMES.portBinding('uplink').id ? list : [],
    );
    expect(origins).to.deep.equal(['host/b', 'host/z']);
  });
});

describe('bindings: missing referents deny', () => {
  it('a policy and a profile that Felix never sent are a deny-all in their place, and told', () => {
    const player = play(
      w({
        tiers: [tier('t', ['p', 'missing'], [])],
        profiles: ['kns.a', 'kns.x'].map(profileName),
      }),
    );
    const { stages } = specOf(player, NAMES.vnicBinding(NAMES.vnic('cali1')))!;
    expect(shape(stages)).to.deep.equal([
      'FROM_PORT WORKLOAD EGRESS profiles[kns.a DENY-ALL]',
      'TO_PORT WORKLOAD INGRESS t[p DENY-ALL]DENY profiles[kns.a DENY-ALL]',
    ]);
    expect(
      player.translator.degradations().map(({ code, subject, direction, reason }) => {
        return `${subject} ${direction} ${code}: ${reason}`;
      }),
    ).to.deep.equal([
      'k8s/w/eth0 egress missing-referent: profile kns.x is not there; everything is denied in its place',
      'k8s/w/eth0 ingress missing-referent: policy GlobalNetworkPolicy||missing is not there; everything is denied in its place',
      'k8s/w/eth0 ingress missing-referent: profile kns.x is not there; everything is denied in its place',
    ]);
    player.fold(
      { type: 'policy', policy: policy('missing') },
      { type: 'profile', profile: profile('kns.x') },
    );
    player.flush();
    player.check();
    expect(player.translator.degradations()).to.deep.equal([]);
  });
});
