/** A table that is taken over holds sets of prefix lengths that no member has any more, and rules that name them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { runName, UPLINK_INTERFACE, VerdictNet } from '../../../src/lab/verdicts/verdict-net.js';
import { namespaceFile } from '../../../src/netlink/netns.js';
import { createLinuxXpu, removeLinuxXpu, type LinuxXpu } from '../../../src/soft-xpu/linux-xpu.js';
import { runCommand } from '../../../src/soft-xpu/linux/command.js';
import type { StoreOperation } from '../../../src/soft-xpu/store/object-store.js';
import { needs } from '../../support/root.js';
import { binding, key, object, rule, side, stage, tier, toPort } from '../node-words.js';

const GROUP = key('addressGroup', 'clients');
const OTHER = key('addressGroup', 'others');

describe('soft-xpu linux: groups of a table that is taken over', function () {
  this.timeout(30_000);
  before(needs('root', 'ip', 'nft', 'conntrack', 'sysctl', 'nsenter'));
  const net = new VerdictNet(runName(), 'node-a');
  const stateDir = mkdtempSync(join(tmpdir(), 'calico-xpu-groups-'));
  const place = { netns: net.xpu, hostNetns: net.outside, uplink: UPLINK_INTERFACE, stateDir };
  let xpu: LinuxXpu | undefined;
  before(() => net.build());
  after(async () => {
    await net.remove();
    rmSync(stateDir, { recursive: true, force: true });
  });

  beforeEach(async () => {
    xpu = await createLinuxXpu(place);
    await inForce([...pod(), group(GROUP.id, ['10.1.0.1/32', '10.2.0.0/24'])]);
    await inForce([policy(GROUP.id, 80), bound()]);
    await inForce([members({ removed: ['10.2.0.0/24'] })]);
    await xpu.close();
    xpu = await createLinuxXpu(place);
  });
  afterEach(async () => {
    await xpu?.close();
    await removeLinuxXpu(place);
  });

  it('a group of which nobody speaks any more can go', async () => {
    const others = group(OTHER.id, ['10.1.0.1/32']);
    await inForce([others, policy(OTHER.id, 81), { op: 'delete', key: GROUP }]);
    expect(await table()).not.to.contain('clients');
  });

  it('a rule that speaks of another group lets nobody else pass', async () => {
    await inForce([group(OTHER.id, ['10.3.0.1/32', '10.4.0.0/24']), policy(OTHER.id, 80)]);
    const named = (await table()).match(/@group\/[a-z]+/g);
    expect([...new Set(named)]).to.deep.equal(['@group/others']);
  });

  async function inForce(operations: readonly StoreOperation[]): Promise<void> {
    xpu?.store.applyBatch(operations);
    await xpu?.dataPlane.settled();
  }

  /** Everything that names a group or a port of the policy. */
  async function table(): Promise<string> {
    const argv = ['nft', 'list', 'table', 'inet', 'calico-xpu'];
    const { stdout } = await runCommand(namespaceFile(net.xpu), argv);
    return stdout
      .split('\n')
      .filter((line) => /group\/|tcp dport/.test(line))
      .join('\n');
  }
});

function group(id: string, texts: readonly string[]): StoreOperation {
  const made = object('addressGroup', id, { memberType: 'PREFIX' });
  return { op: 'create', object: made, members: { members: texts } };
}

function members(change: { added?: string[]; removed?: string[] }): StoreOperation {
  const { added = [], removed = [] } = change;
  const given = { added: { members: added }, removed: { members: removed } };
  return { op: 'modifyMembers', key: GROUP, ...given };
}

function policy(groupId: string, port: number): StoreOperation {
  const source = side({ groups: [key('addressGroup', groupId)] });
  const only = rule('ALLOW', { ...toPort(port), protocol: 6, source }, 'only');
  return put(object('networkPolicy', 'policy', { ingressRules: [only], egressRules: [] }));
}

function bound(): StoreOperation {
  const stages = [
    stage('WORKLOAD', 'FROM_PORT', []),
    stage('WORKLOAD', 'TO_PORT', [tier('default', ['policy'])]),
  ];
  return put(object('policyBinding', 'bind', binding({ vnic: key('vnic', 'vnic') }, stages)));
}

function pod(): StoreOperation[] {
  const lists = { ingressV4: [], ingressV6: [], egressV4: [], egressV6: [] };
  const [subnet, hostInterface] = [key('subnet', 'pool'), key('interface', 'intf')];
  return [
    put(object('vpc', 'cluster', {})),
    put(object('subnet', 'pool', { vpc: key('vpc', 'cluster'), v4RouterIp: '169.254.1.1' })),
    put(object('interface', 'intf', { ifname: 'cali0', vf: true, adminUp: true })),
    put(object('vnic', 'vnic', { subnet, hostInterface, sourceGuard: true, ...lists })),
  ];
}

function put(made: ReturnType<typeof object>): StoreOperation {
  return { op: 'update', object: made, allowMissing: true };
}
