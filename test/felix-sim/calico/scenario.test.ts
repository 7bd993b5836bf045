/** Files to steps, steps to sessions: what is said when, and what makes Felix start anew. */
import { expect } from 'chai';
import { SimError } from '../../../src/felix-sim/errors.js';
import { readCalicoScenario } from '../../../src/felix-sim/calico/scenario.js';
import { global, networkPolicy, said, SHOP, workload, type Json } from './world.js';

const POD = workload('p', '10.0.0.1/32', 'app: p');
const ALLOW = '{ ingress: [{ action: Allow, source: { selector: has(app) } }] }';

function payloads(messages: readonly Json[] = []): string[] {
  return messages.map((message) => Object.keys(message)[0]!);
}

describe('scenario of resources', () => {
  it('begins with everything there is, between ConfigUpdate and InSync, in the order of a flush', () => {
    const steps = said({ '00-a.yaml': SHOP + POD, '00-b.yaml': networkPolicy('np', ALLOW) });
    expect(payloads(steps['start'])).to.deep.equal([
      'config_update',
      'ipset_update',
      'active_policy_update',
      'active_profile_update',
      'workload_endpoint_update',
      'namespace_update',
      'encapsulation',
      'in_sync',
    ]);
    expect(steps['start']![0]).to.deep.equal({
      config_update: { config: { CalicoVersion: 'head', FelixHostname: 'node-a' } },
    });
  });

  it('says only what a file changes', () => {
    const other = workload('q', '10.0.0.2/32', 'app: q', '', 'node-b');
    const steps = said({
      '00.yaml': SHOP + POD + networkPolicy('np', ALLOW),
      '10-remote.yaml': other,
      '15-same.yaml': other + SHOP,
      '20-policy.k8s.yaml': networkPolicy('np', '{ ingress: [{ action: Deny }] }'),
      '30-gone.delete.yaml': networkPolicy('np', '{}'),
      '40-pod.k8s.delete.yaml': POD,
    });
    const [delta] = steps['10-remote']!;
    expect(steps['10-remote']).to.have.lengthOf(1);
    expect((delta!['ipset_delta_update'] as Json)['added_members']).to.deep.equal(['10.0.0.2/32']);
    expect(steps['15-same']).to.deep.equal([]);
    expect(payloads(steps['20-policy'])).to.deep.equal(['active_policy_update', 'ipset_remove']);
    expect(payloads(steps['30-gone'])).to.deep.equal([
      'workload_endpoint_update',
      'active_policy_remove',
    ]);
    expect(payloads(steps['40-pod'])).to.deep.equal([
      'workload_endpoint_remove',
      'active_profile_remove',
    ]);
  });

  it('makes hidden prefixes appear in the same delta that takes away what covered them', () => {
    const set = (name: string, net: string) =>
      global('GlobalNetworkSet', name, `{ nets: [${net}] }`, '{ feed: x }');
    const source = '{ selector: has(feed), namespaceSelector: global() }';
    const steps = said({
      '00.yaml':
        POD +
        set('wide', '10.0.0.0/8') +
        set('narrow', '10.1.0.0/16') +
        networkPolicy('np', `{ ingress: [{ action: Deny, source: ${source} }] }`),
      '10.delete.yaml': set('wide', '10.0.0.0/8'),
    });
    expect(Object.values(steps['10']![0]!)[0])
      .to.include.keys('id')
      .and.deep.include({
        added_members: ['10.1.0.0/16'],
        removed_members: ['10.0.0.0/8'],
      });
  });

  it('starts Felix anew for a setting, not for one that may change in flight', () => {
    const config = (spec: string) => global('FelixConfiguration', 'default', spec);
    const files = {
      '00.yaml': POD,
      '10-live.yaml': config('{ clusterType: k8s }'),
      '20-restart.yaml': config(
        '{ clusterType: k8s, failsafeInboundHostPorts: [{ protocol: tcp, port: 22, net: 10.0.0.0/8 }], failsafeOutboundHostPorts: [], reportingInterval: 1m30s, defaultEndpointToHostAction: Accept, vxlanPort: 4790, ipv6Support: false }',
      ),
      '30-same-again.yaml': POD,
    };
    const steps = said(files);
    expect(payloads(steps['10-live'])).to.deep.equal(['config_update']);
    expect(payloads(steps['20-restart']).at(-1)).to.equal('in_sync');
    expect(steps['20-restart']![0]).to.deep.equal({
      config_update: {
        config: {
          CalicoVersion: 'head',
          ClusterType: 'k8s',
          DefaultEndpointToHostAction: 'Accept',
          FailsafeInboundHostPorts: 'tcp:10.0.0.0/8:22',
          FailsafeOutboundHostPorts: 'none',
          FelixHostname: 'node-a',
          Ipv6Support: 'false',
          ReportingIntervalSecs: '90',
          VXLANPort: '4790',
        },
      },
    });
    const { steps: told } = readCalicoScenario(
      Object.entries(files).map(([name, text]) => ({ name, text })),
    );
    expect(told.map(({ name, stream }) => [name, stream])).to.deep.equal([
      ['start', 0],
      ['10-live', 0],
      ['20-restart', 1],
      ['30-same-again', 1],
    ]);
  });

  it('starts Felix anew when another encapsulation comes into use', () => {
    const pool = (mode: string) =>
      global('IPPool', 'v4', `{ cidr: 10.0.0.0/16, vxlanMode: ${mode} }`);
    const steps = said({ '00.yaml': pool('Never'), '10.yaml': pool('Always') });
    expect(payloads(steps['10'])).to.include('in_sync');
  });

  it('takes what it does not compute from messages.yaml, and repeats it after a restart', () => {
    const steps = said({
      'messages.yaml': `
steps:
- step: start
  messages:
  - config_update: { config: { IPv4VXLANTunnelAddr: 10.0.0.0 } }
  - route_update: { dst: 10.0.1.0/26, types: REMOTE_WORKLOAD }
  - encapsulation: { vxlan_enabled: true }
- step: 10
  messages:
  - route_remove: { dst: 10.0.1.0/26 }
  - route_update: { dst: 10.0.2.0/26, types: REMOTE_WORKLOAD }
`,
      '00.yaml': POD,
      '10.yaml': networkPolicy('np', '{}'),
      '20.yaml': global('FelixConfiguration', 'default', '{ vxlanPort: 1 }'),
    });
    const [config] = steps['start']!;
    expect((config!['config_update'] as { config: Json }).config).to.include({
      IPv4VXLANTunnelAddr: '10.0.0.0',
    });
    expect(steps['start']).to.deep.include({ encapsulation: { vxlan_enabled: true } });
    expect(
      payloads(steps['start']).filter((payload) => payload === 'encapsulation'),
    ).to.have.lengthOf(1);
    expect(payloads(steps['10'])).to.deep.equal([
      'active_policy_update',
      'workload_endpoint_update',
      'route_remove',
      'route_update',
    ]);
    expect(steps['20']!.filter((message) => 'route_update' in message)).to.deep.equal([
      { route_update: { dst: '10.0.2.0/26', types: 'REMOTE_WORKLOAD' } },
    ]);
  });

  it('starts with its first file where none begins with 00', () => {
    expect(
      Object.keys(said({ 'b.yaml': POD, 'a.yaml': SHOP, 'c.delete.yaml': POD })),
    ).to.deep.equal(['start', 'b', 'c']);
  });

  it('gives back the default tier when it is deleted', () => {
    const tier = global('Tier', 'default', '{ order: 1, defaultAction: Pass }');
    const steps = said({
      '00.yaml': POD + tier + networkPolicy('np', '{}'),
      '10.delete.yaml': tier,
    });
    const [update] = steps['10']!;
    const { endpoint } = update!['workload_endpoint_update'] as { endpoint: { tiers: Json[] } };
    expect(endpoint.tiers[0]!['default_action']).to.equal('Deny');
  });
});

describe('the node of a scenario', () => {
  const nodeOf = (text: string, node?: string): string =>
    readCalicoScenario([{ name: '00.yaml', text }], { node }).node;

  it('is the one asked for, else node-a, else the only one', () => {
    const on = (node: string) => workload('p', '10.0.0.1/32', 'a: b', '', node);
    expect(nodeOf(on('node-b'), 'other')).to.equal('other');
    expect(nodeOf(on('node-b') + on('node-a'))).to.equal('node-a');
    expect(nodeOf(on('node-b'))).to.equal('node-b');
    expect(nodeOf(SHOP)).to.equal('node-a');
    expect(() => nodeOf(on('node-b') + on('node-c'))).to.throw(SimError, /of node-b, node-c/);
  });
});
