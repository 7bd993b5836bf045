/** Closed forms: what a port gets while the XPU refuses something that its policy needs. */
import { expect } from 'chai';
import type { Delta } from '../../src/model/delta.js';
import { keyText, type ObjectKey } from '../../src/opi/objects/key.js';
import { refsOf } from '../../src/opi/objects/refs.js';
import type {
  PolicyBindingSpec,
  SecurityPolicySpec,
  VnicSpec,
} from '../../src/opi/objects/specs.js';
import type { TargetCapabilities } from '../../src/opi/objects/target.js';
import { hostEndpoint, hostMetadata, policy, rule, tier, workload } from './support/model.js';
import { NAMES, pod } from './support/objects.js';
import { NATIVE, PLAIN, Player, SETTINGS } from './support/play.js';

const HOST_VNIC = NAMES.vnic(SETTINGS.hostPort);
const POD_VNIC = NAMES.vnic('cali1');

const config: Delta = {
  type: 'config',
  values: new Map([
    ['FailsafeInboundHostPorts', 'tcp:22'],
    ['FailsafeOutboundHostPorts', 'udp:53'],
  ]),
};

function play(capabilities: TargetCapabilities, ...deltas: readonly Delta[]): Player {
  const player = new Player(SETTINGS, capabilities).session(
    config,
    { type: 'host-metadata', scope: 'all', metadata: hostMetadata('node-a', '172.30.0.1') },
    {
      type: 'policy',
      policy: policy('p', { inbound: [rule('allow')], outbound: [rule('allow')] }),
    },
    pod(workload('w', { interfaceName: 'cali1', tiers: [tier('t', ['p'], ['p'])] })),
    ...deltas,
    { type: 'in-sync' },
  );
  player.flush();
  player.check();
  return player;
}

const hep = (fields: Parameters<typeof hostEndpoint>[1]): Delta => ({
  type: 'host-endpoint',
  endpoint: hostEndpoint('h', fields),
});

function closedSpec<T>(player: Player, key: ObjectKey): T | undefined {
  return player.objects.get(keyText(key))?.closed?.spec as T | undefined;
}

const everywhere = {
  tiers: [tier('t', ['p'], ['p'])],
  forwardTiers: [tier('t', ['p'], ['p'])],
  preDnatTiers: [tier('t', ['p'], [], 'pass')],
  untrackedTiers: [tier('t', ['p'], ['p'], 'pass')],
};

describe('closed forms, native target', () => {
  it('uplink: the stages of the binding with failsafes and deny, naming the shared policy alone', () => {
    const player = play(NATIVE, hep(everywhere));
    const key = NAMES.portBinding('uplink');
    const open = player.objects.get(keyText(key))?.object.spec as PolicyBindingSpec;
    const closed = closedSpec<PolicyBindingSpec>(player, key)!;
    const places = ({ stages }: PolicyBindingSpec) =>
      stages.map(({ kind, direction, ruleList }) => `${kind} ${direction} ${ruleList}`);
    expect(places(closed)).to.deep.equal(places(open));
    expect(closed.stages).to.have.length(7);
    for (const { tiers, profiles } of closed.stages) {
      expect(tiers).to.deep.equal([
        { tierId: 'closed', policies: [NAMES.denyAllPolicy], defaultAction: 'DENY' },
      ]);
      expect(profiles).to.deep.equal([]);
    }
    expect(closed).to.deep.include({ failsafes: open.failsafes, port: open.port });
    expect(refsOf({ key, spec: closed })).to.deep.equal([NAMES.denyAllPolicy]);
  });

  it('tunnel: the same', () => {
    const player = play(NATIVE, hep({ ...everywhere, interfaceName: '*' }));
    const closed = closedSpec<PolicyBindingSpec>(player, NAMES.portBinding('tunnel'));
    expect(closed?.stages.map(({ kind }) => kind)).to.deep.equal([
      'PRE_DNAT',
      'FORWARD',
      'FORWARD',
    ]);
  });

  it('a pod needs none: without a binding its vNIC denies', () => {
    const player = play(NATIVE);
    expect(closedSpec(player, NAMES.vnicBinding(POD_VNIC))).to.equal(undefined);
    expect(closedSpec(player, POD_VNIC)).to.equal(undefined);
  });
});

describe('closed forms, plain target', () => {
  const rulesOf = (player: Player, [ref]: VnicSpec['ingressV4']) =>
    (player.objects.get(keyText(ref!))?.object.spec as SecurityPolicySpec).rules.map(
      ({ action, protocol, destinationPorts }) =>
        `${action} ${protocol ?? 'any'} ${destinationPorts.map(({ low }) => low).join()}`,
    );

  it('a pod gets the deny-all lists', () => {
    const player = play(PLAIN);
    const closed = closedSpec<VnicSpec>(player, POD_VNIC);
    expect(closed).to.deep.include({
      ingressV4: [NAMES.denyAll(4)],
      ingressV6: [NAMES.denyAll(6)],
      egressV4: [NAMES.denyAll(4)],
      egressV6: [NAMES.denyAll(6)],
    });
    const open = player.objects.get(keyText(POD_VNIC))?.object.spec as VnicSpec;
    expect({ ...closed, ...NO_LISTS }).to.deep.equal({ ...open, ...NO_LISTS });
  });

  it('the host port keeps its failsafes, in lists that are there before they are needed', () => {
    const player = play(PLAIN, hep(everywhere));
    const closed = closedSpec<VnicSpec>(player, HOST_VNIC)!;
    const refs = [closed.ingressV4, closed.ingressV6, closed.egressV4, closed.egressV6].flat();
    expect(refs).to.have.length(4);
    for (const ref of refs) expect(player.objects.has(keyText(ref))).to.equal(true);
    const inwards = rulesOf(player, closed.ingressV4);
    expect(inwards.filter((text) => text.startsWith('ALLOW'))).to.deep.equal(['ALLOW 6 22']);
    const outwards = rulesOf(player, closed.egressV6);
    expect(outwards.filter((text) => text.startsWith('ALLOW'))).to.deep.equal(['ALLOW 17 53']);
  });

  it('pods that come and go and rules that change do not change what closes the host port', () => {
    const player = play(PLAIN, hep(everywhere));
    const before = closedSpec<VnicSpec>(player, HOST_VNIC);
    player.fold(pod(workload('v', { interfaceName: 'cali2', ipv4Nets: ['10.65.0.9/32'] })), {
      type: 'policy',
      policy: policy('p', { inbound: [rule('deny')] }),
    });
    player.flush();
    player.check();
    expect(closedSpec<VnicSpec>(player, HOST_VNIC)).to.deep.equal(before);
    expect(player.writes).to.include('vnic');
  });

  it('without host endpoints the host port has no lists and no closed form', () => {
    expect(closedSpec(play(PLAIN), HOST_VNIC)).to.equal(undefined);
  });
});

const NO_LISTS = { ingressV4: [], ingressV6: [], egressV4: [], egressV6: [] };
