/** network/cloud over real gRPC: proper codes in strict mode, the habits of opi.md section 3.1 in reference mode. */
import { status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { packetOf } from '../../../src/soft-xpu/memory/packet.js';
import { ServedXpu, type RawClient } from './server-fixture.js';

let served: ServedXpu;
let cloud: RawClient;

async function start(options: Parameters<typeof ServedXpu.start>[0]): Promise<void> {
  served = await ServedXpu.start(options);
  cloud = served.cloud();
}

const table = (id: string, family = 'IP_AF_INET') => ({
  routetable_id: id,
  routetable: { spec: { af: family } },
});
const hostIf = (ifname: string, vf = true) => ({
  spec: { admin_status: 'IF_STATUS_UP', host_if_spec: { vf, ifname } },
});
const vpc = (id: string, vnid = 7) => ({
  vpc_id: id,
  vpc: {
    spec: { type: 'VPC_TYPE_TENANT', fabric_encap: { type: 'ENCAP_TYPE_VXLAN', value: { vnid } } },
  },
});
const names = (answer: object, field: string): string[] =>
  (answer as Record<string, { name: string }[]>)[field]!.map(({ name }) => name);

describe('soft-xpu server: network/cloud, strict', () => {
  beforeEach(() => start({ mode: 'strict' }));
  afterEach(() => served.stop());

  it('names are relative; requests take names in every form', async () => {
    const made = await cloud.call('CreateVpc', vpc('vpc-1'));
    expect(made['name']).to.equal('vpcs/vpc-1');
    for (const name of ['vpcs/vpc-1', 'vpc-1', '//network.opiproject.org/vpcs/vpc-1']) {
      expect((await cloud.call('GetVpc', { name }))['name'], name).to.equal('vpcs/vpc-1');
    }
    expect(await cloud.code('GetVpc', { name: 'subnets/vpc-1' })).to.equal(status.INVALID_ARGUMENT);
  });

  it('chooses an id where none is given, and refuses ids of the form of a UUID', async () => {
    const { name } = await cloud.call('CreateVpc', vpc(''));
    expect(name).to.match(/^vpcs\/[0-9a-f]{32}$/);
    const uuid = '12345678-1234-1234-1234-123456789abc';
    expect(await cloud.code('CreateVpc', vpc(uuid))).to.equal(status.INVALID_ARGUMENT);
    expect(await cloud.code('CreateVpc', vpc('x'))).to.equal(status.INVALID_ARGUMENT);
  });

  it('a create of an equal object is OK, of another spec ALREADY_EXISTS', async () => {
    await cloud.call('CreateVpc', vpc('vpc-1', 7));
    await cloud.call('CreateVpc', vpc('vpc-1', 7));
    expect(await cloud.code('CreateVpc', vpc('vpc-1', 8))).to.equal(status.ALREADY_EXISTS);
  });

  it('tells which field is wrong, which object is missing, which one is used', async () => {
    const bad = await cloud.failure('CreateVpc', vpc('vpc-1', 0));
    expect(bad.code).to.equal(status.INVALID_ARGUMENT);
    expect(bad.details).to.include('spec.fabric_encap');
    const missing = await cloud.failure('CreateSubnet', {
      subnet_id: 'sub-1',
      subnet: { spec: { vpc_name_ref: 'vpcs/gone' } },
    });
    expect(missing.code).to.equal(status.FAILED_PRECONDITION);
    expect(missing.metadata.get('error-reason')).to.deep.equal(['REFERENCE_MISSING']);
    await cloud.call('CreateVpc', vpc('vpc-1'));
    await cloud.call('CreateSubnet', {
      subnet_id: 'sub-1',
      subnet: { spec: { vpc_name_ref: 'vpcs/vpc-1' } },
    });
    expect(await cloud.code('DeleteVpc', { name: 'vpcs/vpc-1' })).to.equal(
      status.FAILED_PRECONDITION,
    );
    expect(await cloud.code('CreateVpc', { vpc_id: 'vpc-2' })).to.equal(status.INVALID_ARGUMENT);
  });

  it('missing objects are NOT_FOUND unless allow_missing', async () => {
    expect(await cloud.code('GetVpc', { name: 'vpcs/gone' })).to.equal(status.NOT_FOUND);
    expect(await cloud.code('DeleteVpc', { name: 'vpcs/gone' })).to.equal(status.NOT_FOUND);
    await cloud.call('DeleteVpc', { name: 'vpcs/gone', allow_missing: true });
    const update = { name: 'vpcs/gone', vpc: vpc('x').vpc };
    expect(await cloud.code('UpdateVpc', update)).to.equal(status.NOT_FOUND);
  });

  it('updates by mask: single fields, the whole spec, unknown paths', async () => {
    await cloud.call('CreateRouteTable', table('table-1'));
    await cloud.call('CreateVpc', vpc('vpc-1', 7));
    const name = 'vpcs/vpc-1';
    const spec = { v4_route_table_name_ref: 'routetables/table-1' };
    const one = await cloud.call('UpdateVpc', {
      name,
      vpc: { spec },
      update_mask: { paths: ['spec.v4_route_table_name_ref'] },
    });
    expect(one['spec']).to.have.nested.property('fabric_encap.value.vnid', 7);
    expect(one['spec']).to.have.property('v4_route_table_name_ref', 'routetables/table-1');
    const whole = await cloud.call('UpdateVpc', { name, vpc: { spec } });
    expect(whole['spec']).to.have.property('fabric_encap', null);
    for (const paths of [['spec.nothing'], ['*', 'spec']]) {
      const update = { name, vpc: { spec }, update_mask: { paths } };
      expect(await cloud.code('UpdateVpc', update)).to.equal(status.INVALID_ARGUMENT);
    }
  });

  it('an empty list is a list; pages go on behind what was shown', async () => {
    expect(names(await cloud.call('ListVpcs'), 'vpc')).to.deep.equal([]);
    const ids = ['vpc-1', 'vpc-2', 'vpc-3', 'vpc-4'];
    for (const id of ids) await cloud.call('CreateVpc', vpc(id));
    const first = await cloud.call('ListVpcs', { page_size: 2 });
    expect(names(first, 'vpc')).to.deep.equal(['vpcs/vpc-1', 'vpcs/vpc-2']);
    await cloud.call('DeleteVpc', { name: 'vpcs/vpc-2' });
    await cloud.call('DeleteVpc', { name: 'vpcs/vpc-3' });
    const next = { page_size: 2, page_token: first['next_page_token'] };
    const second = await cloud.call('ListVpcs', next);
    expect(names(second, 'vpc')).to.deep.equal(['vpcs/vpc-4']);
    expect(second['next_page_token']).to.equal('');
    expect(await cloud.code('ListVpcs', { page_size: -1 })).to.equal(status.INVALID_ARGUMENT);
    expect(await cloud.code('ListVpcs', { page_token: 'x' })).to.equal(status.INVALID_ARGUMENT);
  });

  it('lists of large policies are cut before they are too large for a message', async () => {
    const rules = Array.from({ length: 3000 }, (_, priority) => ({
      rule_name: `r${priority}`,
      attrs: {
        priority,
        action: 'SECURITY_RULE_ACTION_ALLOW',
        terminating: true,
        match: { l3_match: { proto_num: 6 } },
      },
    }));
    const spec = {
      address_family: 'IP_AF_INET',
      default_security_action: 'SECURITY_RULE_ACTION_DENY',
      rule_format: 'POLICY_RULE_FORMAT_FLATTENED',
      rules,
    };
    for (const id of ['sec-1', 'sec-2', 'sec-3']) {
      await cloud.call('CreateSecurityPolicy', {
        securitypolicy_id: id,
        securitypolicy: { spec },
      });
    }
    const page = await cloud.call('ListSecurityPolicys');
    expect(names(page, 'securitypolicy')).to.have.length(1);
    expect(page['next_page_token']).to.not.equal('');
  });

  it('an interface tells whether it is up', async () => {
    const made = await cloud.call('CreateInterface', {
      interface_id: 'if-1',
      interface: hostIf('cali1'),
    });
    expect(made['status']).to.have.property('oper_status', 'IF_STATUS_UP');
  });

  it('methods beyond this XPU are UNIMPLEMENTED, and so are meanings it cannot keep', async () => {
    expect(await cloud.code('ListPorts')).to.equal(status.UNIMPLEMENTED);
    expect(await cloud.code('CreateVPCPeer')).to.equal(status.UNIMPLEMENTED);
    const underlay = { vpc_id: 'vpc-1', vpc: { spec: { type: 'VPC_TYPE_UNDERLAY' } } };
    expect(await cloud.code('CreateVpc', underlay)).to.equal(status.UNIMPLEMENTED);
  });

  it('Device, SecurityProfile and NextHopGroup are kept as they come; the first two exist once', async () => {
    await cloud.call('CreateDevice', { device_id: 'self', device: { spec: { systemname: 'x' } } });
    expect(await cloud.call('GetDevice', { name: 'devices/self' })).to.have.nested.property(
      'spec.systemname',
      'x',
    );
    const other = { device_id: 'other', device: { spec: { systemname: 'y' } } };
    expect(await cloud.code('CreateDevice', other)).to.equal(status.ALREADY_EXISTS);
    await cloud.call('CreateSecurityProfile', {
      securityprofile_id: 'profile',
      securityprofile: { spec: { udp_idle_timeout: 5 } },
    });
    expect(served.xpu.dataPlane.connections.timeouts).to.include({ udp: 5, tcp: 600 });
    await cloud.call('DeleteSecurityProfile', { name: 'securityprofiles/profile' });
    expect(served.xpu.dataPlane.connections.timeouts).to.include({ udp: 120 });
    await cloud.call('CreateNextHopGroup', {
      nexthopgroup_id: 'group',
      nexthopgroup: { spec: { type: 'NEXT_HOP_GROUP_TYPE_OVERLAY_ECMP' } },
    });
    expect(names(await cloud.call('ListNextHopGroups'), 'nexthopgroup')).to.have.length(1);
  });

  it('full tables are RESOURCE_EXHAUSTED', async () => {
    served.xpu.store.limits = { vpc: 1 };
    await cloud.call('CreateVpc', vpc('vpc-1'));
    expect(await cloud.code('CreateVpc', vpc('vpc-2'))).to.equal(status.RESOURCE_EXHAUSTED);
  });

  it('says whether COMPACT rules are taken', async () => {
    const told = await cloud.call('GetDeviceCapabilities');
    expect(told).to.have.nested.property('network_policy_capabilities.compact_rules', true);
  });
});

describe('soft-xpu server: network/cloud, reference', () => {
  beforeEach(() => start({ mode: 'reference', settleMs: 60 }));
  afterEach(() => served.stop());

  const settled = () => new Promise((resolve) => setTimeout(resolve, 120));

  it('names are full; references take them', async () => {
    const { name } = await cloud.call('CreateVpc', vpc('vpc-1'));
    expect(name).to.equal('//network.opiproject.org/vpcs/vpc-1');
    const subnet = await cloud.call('CreateSubnet', {
      subnet_id: 'sub-1',
      subnet: { spec: { vpc_name_ref: name } },
    });
    expect(subnet['spec']).to.have.property('vpc_name_ref', name);
  });

  it('a create of an existing name is OK and gives what is there', async () => {
    await cloud.call('CreateVpc', vpc('vpc-1', 7));
    const again = await cloud.call('CreateVpc', vpc('vpc-1', 8));
    expect(again).to.have.nested.property('spec.fabric_encap.value.vnid', 7);
  });

  it('refusals are UNKNOWN with a text', async () => {
    const missing = await cloud.failure('CreateSubnet', {
      subnet_id: 'sub-1',
      subnet: { spec: { vpc_name_ref: 'vpcs/gone' } },
    });
    expect(missing.code).to.equal(status.UNKNOWN);
    expect(missing.details).to.include('vpc/gone');
    expect(await cloud.code('CreateVpc', vpc('x'))).to.equal(status.UNKNOWN);
    expect(await cloud.code('GetVpc', { name: 'vpcs/gone' })).to.equal(status.NOT_FOUND);
  });

  it('creates take their time: an interface is DOWN first, other objects are not found', async () => {
    const made = await cloud.call('CreateInterface', {
      interface_id: 'if-1',
      interface: hostIf('cali1'),
    });
    expect(made['status']).to.have.property('oper_status', 'IF_STATUS_DOWN');
    await cloud.call('CreateVpc', vpc('vpc-1'));
    expect(await cloud.code('GetVpc', { name: 'vpcs/vpc-1' })).to.equal(status.NOT_FOUND);
    await settled();
    const found = await cloud.call('GetInterface', { name: 'interfaces/if-1' });
    expect(found['status']).to.have.property('oper_status', 'IF_STATUS_UP');
    await cloud.call('GetVpc', { name: 'vpcs/vpc-1' });
  });

  it('deletes take their time: the object is there until it is gone, and a create meanwhile gives it back', async () => {
    await cloud.call('CreateVpc', vpc('vpc-1', 7));
    await settled();
    await cloud.call('DeleteVpc', { name: 'vpcs/vpc-1' });
    await cloud.call('GetVpc', { name: 'vpcs/vpc-1' });
    expect(names(await cloud.call('ListVpcs'), 'vpc')).to.have.length(1);
    const ghost = await cloud.call('CreateVpc', vpc('vpc-1', 9));
    expect(ghost).to.have.nested.property('spec.fabric_encap.value.vnid', 7);
    await settled();
    expect(await cloud.code('GetVpc', { name: 'vpcs/vpc-1' })).to.equal(status.NOT_FOUND);
    expect(names(await cloud.call('ListVpcs'), 'vpc')).to.have.length(0);
  });

  it('a list before the first object was ever made is NOT_FOUND', async () => {
    expect(await cloud.code('ListVpcs')).to.equal(status.NOT_FOUND);
    await cloud.call('CreateVpc', vpc('vpc-1'));
    await cloud.call('DeleteVpc', { name: 'vpcs/vpc-1' });
    await settled();
    expect(names(await cloud.call('ListVpcs'), 'vpc')).to.deep.equal([]);
  });

  it('pages: 50 by default, 250 at most, tokens that stand for offsets', async () => {
    for (let n = 0; n < 60; n++) await cloud.call('CreateVpc', vpc(`vpc-${n}`));
    const first = await cloud.call('ListVpcs');
    expect(names(first, 'vpc')).to.have.length(50);
    const next = { page_token: first['next_page_token'] };
    expect(names(await cloud.call('ListVpcs', next), 'vpc')).to.have.length(10);
    expect(names(await cloud.call('ListVpcs', next), 'vpc')).to.have.length(10);
    expect(await cloud.code('ListVpcs', { page_token: 'x' })).to.equal(status.NOT_FOUND);
  });

  it('an update without a mask keeps what is zero in it; * replaces all', async () => {
    await cloud.call('CreateRouteTable', table('table-1'));
    await cloud.call('CreateVpc', vpc('vpc-1', 7));
    const spec = { v4_route_table_name_ref: 'routetables/table-1' };
    const name = 'vpcs/vpc-1';
    const merged = await cloud.call('UpdateVpc', { name, vpc: { spec } });
    expect(merged).to.have.nested.property('spec.fabric_encap.value.vnid', 7);
    const update = { name, vpc: { spec }, update_mask: { paths: ['*'] } };
    expect(await cloud.call('UpdateVpc', update)).to.have.nested.property(
      'spec.fabric_encap',
      null,
    );
  });
});

describe('soft-xpu server: inherited lists', () => {
  it('Subnets and Vpcs keep their policy lists; the default groups are refused, not forgotten', async () => {
    await start({ mode: 'strict' });
    try {
      await cloud.call('CreateSecurityPolicy', {
        securitypolicy_id: 'deny-4',
        securitypolicy: {
          spec: {
            address_family: 'IP_AF_INET',
            default_security_action: 'SECURITY_RULE_ACTION_DENY',
          },
        },
      });
      const list = ['securitypolicys/deny-4'];
      const vpcSpec = { egress_v4_security_policy_name_ref: list };
      const made = await cloud.call('CreateVpc', { vpc_id: 'vpc-1', vpc: { spec: vpcSpec } });
      expect(made['spec']).to.deep.include(vpcSpec);
      const spec = { vpc_name_ref: 'vpcs/vpc-1', ingess_v4_security_policy_name_ref: list };
      const subnet = await cloud.call('CreateSubnet', { subnet_id: 'sub-1', subnet: { spec } });
      expect(subnet['spec']).to.deep.include(spec);
      const used = { name: 'securitypolicys/deny-4' };
      expect(await cloud.code('DeleteSecurityPolicy', used)).to.equal(status.FAILED_PRECONDITION);
      const sg = { ...spec, ingress_default_sg_policy_name_ref: list[0] };
      const refused = { subnet_id: 'sub-2', subnet: { spec: sg } };
      expect(await cloud.code('CreateSubnet', refused)).to.equal(status.UNIMPLEMENTED);
    } finally {
      await served.stop();
    }
  });
});

describe('soft-xpu server: plain', () => {
  it('has no extension, and SecurityPolicy lists rule packets', async () => {
    await start({ extension: false, compactRules: false });
    try {
      const datapath = served.extension('DatapathService');
      const capabilities = { name: 'k8sCapabilities' };
      expect(await datapath.code('GetK8sCapabilities', capabilities)).to.equal(
        status.UNIMPLEMENTED,
      );
      const told = await cloud.call('GetDeviceCapabilities');
      expect(told).to.have.nested.property('network_policy_capabilities.compact_rules', false);
      await cloud.call('CreateVpc', vpc('vpc-1'));
      await cloud.call('CreateSubnet', {
        subnet_id: 'sub-1',
        subnet: { spec: { vpc_name_ref: 'vpcs/vpc-1' } },
      });
      await cloud.call('CreateInterface', { interface_id: 'if-1', interface: hostIf('cali1') });
      await cloud.call('CreateSecurityPolicy', {
        securitypolicy_id: 'deny-4',
        securitypolicy: {
          spec: {
            address_family: 'IP_AF_INET',
            default_security_action: 'SECURITY_RULE_ACTION_DENY',
            rule_format: 'POLICY_RULE_FORMAT_FLATTENED',
          },
        },
      });
      await cloud.call('CreateVnic', {
        vnic_id: 'vnic-1',
        vnic: {
          spec: {
            subnet_name_ref: 'subnets/sub-1',
            host_if_name_ref: 'interfaces/if-1',
            egress_v4_security_policy_name_ref: ['securitypolicys/deny-4'],
          },
        },
      });
      const packet = packetOf({ source: '10.0.0.1', destination: '10.0.0.2', protocol: 6 });
      const passage = served.xpu.dataPlane.walk({ kind: 'vnic', id: 'vnic-1' }, packet);
      expect(passage.dropReason).to.equal('SECURITY_POLICY');
    } finally {
      await served.stop();
    }
  });
});
