/** network/k8s and the debug service over real gRPC, as opi-proto defines them. */
import { status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { DebugClient } from '../../../src/opi/client/debug.js';
import { FAR, POD_A, rule, TestNode, toPort } from '../node-fixture.js';
import { dumpStore, loadStore } from '../../../src/soft-xpu/store/dump.js';
import { ServedXpu, type RawClient } from './server-fixture.js';

const v4 = (address: string): number =>
  address.split('.').reduce((value, part) => value * 256 + Number(part), 0);
const member = (address: string, len = 32) => ({ v4_addr: v4(address), len });
const tuple = (source: string, destination: string, more = {}) => ({
  source_address: { af: 'IP_AF_INET', v4_addr: v4(source) },
  destination_address: { af: 'IP_AF_INET', v4_addr: v4(destination) },
  protocol: 6,
  source_port: 40000,
  destination_port: 80,
  ...more,
});
const createGroup = (id: string, members: object[] = []) => ({
  address_group_id: id,
  address_group: { spec: { member_type: 'ADDRESS_GROUP_MEMBER_TYPE_PREFIX' } },
  members,
});

let served: ServedXpu;
let groups: RawClient;
let datapath: RawClient;

beforeEach(async () => {
  served = await ServedXpu.start({ mode: 'reference' });
  groups = served.extension('AddressGroupService');
  datapath = served.extension('DatapathService');
});
afterEach(() => served.stop());

/** The node of the packet tests behind this server. */
function loadNode(change: (node: TestNode) => unknown = () => undefined): void {
  const node = new TestNode();
  change(node);
  loadStore(served.xpu.store, dumpStore(node.xpu.store));
}

describe('soft-xpu server: AddressGroups', () => {
  it('always answer with proper codes, whatever the mode of network/cloud', async () => {
    const made = await groups.call(
      'CreateAddressGroup',
      createGroup('set-1', [member('10.0.0.1')]),
    );
    expect(made['name']).to.equal('addressGroups/set-1');
    expect(made['status']).to.include({
      member_count: '1',
      oper_status: 'RESOURCE_OPER_STATUS_UP',
    });
    const ports = { spec: { member_type: 'ADDRESS_GROUP_MEMBER_TYPE_IP_PORT' } };
    expect(
      await groups.code('CreateAddressGroup', { address_group_id: 'set-1', address_group: ports }),
    ).to.equal(status.ALREADY_EXISTS);
    const name = 'addressGroups/gone';
    expect(await groups.code('GetAddressGroup', { name })).to.equal(status.NOT_FOUND);
    expect(await groups.call('ListAddressGroups')).to.have.property('next_page_token', '');
  });

  it('members: changes tell generation and counts; a stale generation is ABORTED', async () => {
    await groups.call('CreateAddressGroup', createGroup('set-1'));
    const name = 'addressGroups/set-1';
    const changed = await groups.call('ModifyAddressGroupMembers', {
      name,
      added_members: [member('10.0.0.1'), member('10.0.0.0', 24)],
      removed_members: [member('10.9.0.0', 16)],
    });
    expect(changed).to.include({ added_count: '2', removed_count: '0' });
    const stale = { name, expected_generation: String(Number(changed['generation']) + 1) };
    expect(await groups.code('ReplaceAddressGroupMembers', stale)).to.equal(status.ABORTED);
    const replaced = await groups.call('ReplaceAddressGroupMembers', {
      name,
      members: [member('10.2.0.0', 16)],
      expected_generation: changed['generation'],
    });
    expect(replaced).to.include({ member_count: '1' });
  });

  it('a walk through the members shows one generation, or is ABORTED', async () => {
    const members = Array.from({ length: 5 }, (_, n) => member(`10.0.0.${n}`));
    await groups.call('CreateAddressGroup', createGroup('set-1', members));
    const name = 'addressGroups/set-1';
    const first = await groups.call('FetchAddressGroupMembers', { name, page_size: 3 });
    expect(first['members']).to.have.length(3);
    const next = { name, page_size: 3, page_token: first['next_page_token'] };
    const second = await groups.call('FetchAddressGroupMembers', next);
    expect(second['members']).to.have.length(2);
    expect(second['next_page_token']).to.equal('');
    const removed_members = [member('10.0.0.0')];
    await groups.call('ModifyAddressGroupMembers', { name, removed_members });
    expect(await groups.code('FetchAddressGroupMembers', next)).to.equal(status.ABORTED);
    const bad = { name, page_token: 'nonsense' };
    expect(await groups.code('FetchAddressGroupMembers', bad)).to.equal(status.INVALID_ARGUMENT);
  });

  it('uploads tell when they expire', async () => {
    const upload = await groups.call('UploadAddressGroupMembers', {
      members: [member('10.0.0.1')],
    });
    const expires = Number((upload['expire_time'] as { seconds: string }).seconds) * 1000;
    expect(expires - Date.now()).to.be.within(200_000, 310_000);
    const unknown = { upload_token: 'nobody' };
    expect(await groups.code('UploadAddressGroupMembers', unknown)).to.equal(status.NOT_FOUND);
  });
});

describe('soft-xpu server: the data plane', () => {
  it('tells its boot id, limits and features', async () => {
    served.xpu.store.limits = { vnic: 9, groupMembers: 100 };
    const told = await datapath.call('GetK8sCapabilities', { name: 'k8sCapabilities' });
    expect(told['status']).to.have.property('datapath_boot_id', served.xpu.dataPlane.bootId);
    expect(told['status']).to.have.nested.property('limits.vnic_count', '9');
    expect(told['status']).to.have.nested.property('limits.group_member_count', '100');
    expect((told['status'] as { features: string[] }).features).to.include('K8S_FEATURE_LOOKUP');
    expect(await datapath.code('GetK8sCapabilities', { name: 'x' })).to.equal(status.NOT_FOUND);
  });

  it('a batch is all or nothing and names the operation refused, unreadable ones too', async () => {
    const create = { create_address_group: createGroup('set-1') };
    const refused: [object, number][] = [
      [{ delete_address_group: { name: 'addressGroups/gone' } }, status.NOT_FOUND],
      [{}, status.INVALID_ARGUMENT],
      [{ create_address_group: { address_group_id: 'set-2' } }, status.INVALID_ARGUMENT],
      [{ create_address_group: createGroup('X') }, status.INVALID_ARGUMENT],
    ];
    for (const [operation, code] of refused) {
      const error = await datapath.failure('ApplyBatch', { operations: [create, operation] });
      expect(error.code).to.equal(code);
      expect(error.details).to.match(/^operations\[1\]: /);
      expect(served.xpu.store.count('addressGroup')).to.equal(0);
    }
    const done = await datapath.call('ApplyBatch', { operations: [create] });
    expect(done['results']).to.have.nested.property('[0].name', 'addressGroups/set-1');
  });

  it('a lookup tells verdict, exit port, the deciding rule and the path; it leaves no trace', async () => {
    loadNode((node) =>
      node.policy('allow-all', [rule('ALLOW')], [rule('DENY', toPort(9), 'no 9'), rule('ALLOW')]),
    );
    const lookup = (destination_port: number) =>
      datapath.call('LookupPacket', {
        entry_port: { vnic_name_ref: 'vnic/vnic-a' },
        packet: tuple(POD_A, FAR, { destination_port }),
      });
    const denied = await lookup(9);
    expect(denied).to.include({ verdict: 'PACKET_VERDICT_DENY', drop_reason: 'DROP_REASON_RULE' });
    expect(denied['exit_port']).to.equal(null);
    expect(denied['decision']).to.deep.include({
      kind: 'DECISION_KIND_PROFILE_RULE',
      direction: 'POLICY_DIRECTION_FROM_PORT',
      stage: 'POLICY_STAGE_KIND_WORKLOAD',
      policy_name_ref: 'networkPolicies/allow-all',
      rule_id: 'no 9',
      rule_list: 'NETWORK_POLICY_RULE_LIST_EGRESS',
    });
    const allowed = await lookup(80);
    expect(allowed['verdict']).to.equal('PACKET_VERDICT_ALLOW');
    expect(allowed['exit_port']).to.include({ well_known_port: 'WELL_KNOWN_PORT_UPLINK' });
    expect(served.xpu.dataPlane.connections.size).to.equal(0);
    const nobody = { entry_port: { vnic_name_ref: 'vnic/nobody' }, packet: tuple(POD_A, FAR) };
    expect(await datapath.code('LookupPacket', nobody)).to.equal(status.NOT_FOUND);
    const malformed = { entry_port: { vnic_name_ref: 'vnic/vnic-a' } };
    expect(await datapath.code('LookupPacket', malformed)).to.equal(status.INVALID_ARGUMENT);
  });

  it('flows are listed and flushed by selector', async () => {
    loadNode();
    const debug = new DebugClient({ address: served.address });
    const packet = {
      source: POD_A,
      destination: FAR,
      protocol: 6,
      sourcePort: 1,
      destinationPort: 80,
    };
    try {
      await debug.walk({ entry: { ifname: 'cali-a' }, packet, commit: true });
      const udp = { ...packet, protocol: 17 };
      await debug.walk({ entry: { ifname: 'cali-a' }, packet: udp, commit: true });
    } finally {
      debug.close();
    }
    const all = await datapath.call('FetchFlows');
    expect(all['flows']).to.have.length(2);
    expect(all['flows']).to.have.nested.property('[0].state', 'FLOW_STATE_NEW');
    const one = { selector: { protocol: 17, port: { vnic_name_ref: 'vnic/vnic-a' } } };
    expect((await datapath.call('FetchFlows', one))['flows']).to.have.length(1);
    expect(await datapath.code('FlushFlows')).to.equal(status.INVALID_ARGUMENT);
    expect(await datapath.call('FlushFlows', one)).to.include({ flushed_count: '1' });
    expect(await datapath.call('FlushFlows', { all: true })).to.include({ flushed_count: '1' });
  });

  it('counters of rules, stages and drops', async () => {
    loadNode((node) => node.policy('allow-all', [], [rule('ALLOW', toPort(80), 'r-80')]));
    const debug = new DebugClient({ address: served.address });
    const packet = { source: POD_A, destination: FAR, protocol: 6, sourcePort: 1 };
    try {
      await debug.walk({
        entry: { ifname: 'cali-a' },
        packet: { ...packet, destinationPort: 80 },
      });
      await debug.walk({
        entry: { ifname: 'cali-a' },
        packet: { ...packet, destinationPort: 81 },
      });
    } finally {
      debug.close();
    }
    const policies = served.extension('NetworkPolicyService');
    const rules = await policies.call('StatsNetworkPolicy', { name: 'networkPolicies/allow-all' });
    expect(rules['rules']).to.have.nested.property('[0].rule_id', 'r-80');
    expect(rules['rules']).to.have.nested.property('[0].packet_count', '1');
    const bindings = served.extension('PolicyBindingService');
    const stats = await bindings.call('StatsPolicyBinding', { name: 'policyBindings/bind-a' });
    expect(stats['drops']).to.have.nested.property('[0].reason', 'DROP_REASON_PROFILE_END');
    expect(stats['stages']).to.have.nested.property('[0].dropped_packet_count', '1');
    const whole = await datapath.call('StatsDatapath');
    expect(whole).to.include({ forwarded_packet_count: '1' });
  });
});

describe('soft-xpu server: the debug service', () => {
  let debug: DebugClient;
  beforeEach(() => {
    debug = new DebugClient({ address: served.address, retryCount: 0 });
  });
  afterEach(() => debug.close());

  it('dumps and loads the whole state', async () => {
    loadNode();
    const text = await debug.dump();
    expect(text).to.equal(dumpStore(served.xpu.store));
    await debug.load('');
    expect(await debug.dump()).to.equal('');
    await debug.load(text);
    expect(await debug.dump()).to.equal(text);
  });

  it('counts objects and calls, its own left out', async () => {
    loadNode();
    await groups.call('ListAddressGroups');
    const stats = await debug.stats();
    expect(stats.objects).to.include({ vnic: 3, policyBinding: 2 });
    const path = '/opi_api.network.k8s.v1alpha1.AddressGroupService/ListAddressGroups';
    expect(stats.calls).to.deep.equal({ [path]: 1 });
  });

  it('walks packets from ports named by interface, address or reference', async () => {
    loadNode();
    const packet = {
      source: POD_A,
      destination: FAR,
      protocol: 6,
      sourcePort: 1,
      destinationPort: 80,
    };
    for (const entry of [{ ifname: 'cali-a' }, { address: POD_A }]) {
      const result = await debug.walk({ entry, packet });
      expect(result.verdict).to.equal('ALLOW');
      expect(result.exit).to.deep.equal({ port: 'UPLINK' });
      expect(result.trace.at(-1)).to.equal('ALLOW');
    }
    const back = { ...packet, source: FAR, destination: POD_A };
    const inward = await debug.walk({ entry: { address: FAR }, packet: back });
    expect([inward.verdict, inward.exitIfname]).to.deep.equal(['ALLOW', 'cali-a']);
  });

  it('injected failures: skipped calls, code, lost answers, withdrawal', async () => {
    const raw = served.client('calico_xpu.softxpu.v1alpha1.DebugService');
    const method = '/opi_api.network.k8s.v1alpha1.AddressGroupService/CreateAddressGroup';
    await raw.call('InjectFailure', { method, skip_count: 1, code: status.UNAVAILABLE });
    await groups.call('CreateAddressGroup', createGroup('set-1'));
    expect(await groups.code('CreateAddressGroup', createGroup('set-2'))).to.equal(
      status.UNAVAILABLE,
    );
    expect(served.xpu.store.count('addressGroup')).to.equal(1);
    await raw.call('InjectFailure', { method, code: status.ABORTED, after_effect: true });
    expect(await groups.code('CreateAddressGroup', createGroup('set-2'))).to.equal(status.ABORTED);
    expect(served.xpu.store.count('addressGroup')).to.equal(2);
    await raw.call('InjectFailure', { method: '*', code: status.INTERNAL, call_count: -1 });
    expect(await groups.code('ListAddressGroups')).to.equal(status.INTERNAL);
    expect(await raw.call('ClearFailures')).to.include({ cleared_count: '1' });
    await groups.call('ListAddressGroups');
    const bad = { method, code: 17 };
    expect(await raw.code('InjectFailure', bad)).to.equal(status.INVALID_ARGUMENT);
  });

  it('an injected failure can wait, and can close the connection', async () => {
    const raw = served.client('calico_xpu.softxpu.v1alpha1.DebugService');
    await raw.call('InjectFailure', { method: '*', delay: { nanos: 80_000_000 } });
    const begun = performance.now();
    await groups.call('ListAddressGroups');
    expect(performance.now() - begun).to.be.greaterThan(70);
    await raw.call('InjectFailure', { method: '*', drop_connection: true });
    // What a broken stream shows as depends on who notices first.
    expect(await groups.code('ListAddressGroups')).to.be.oneOf([
      status.UNAVAILABLE,
      status.CANCELLED,
    ]);
    await groups.call('ListAddressGroups');
  });

  it('table sizes can be set and lifted; what is there stays', async () => {
    const raw = served.client('calico_xpu.softxpu.v1alpha1.DebugService');
    await groups.call('CreateAddressGroup', createGroup('set-1'));
    await raw.call('SetLimits', { limits: { addressGroup: '1' } });
    expect(await groups.code('CreateAddressGroup', createGroup('set-2'))).to.equal(
      status.RESOURCE_EXHAUSTED,
    );
    await raw.call('SetLimits', { limits: { addressGroup: '0' } });
    await groups.call('CreateAddressGroup', createGroup('set-2'));
    expect(await raw.code('SetLimits', { limits: { nothing: '1' } })).to.equal(
      status.INVALID_ARGUMENT,
    );
  });

  it('a malformed dump is refused', async () => {
    const raw = served.client('calico_xpu.softxpu.v1alpha1.DebugService');
    const error = await raw.failure('Load', { text: 'garbage' });
    expect(error.code).to.equal(status.INVALID_ARGUMENT);
    expect(error.details).to.include('line 1');
  });
});
