/** Kubernetes resources: what recordings have no example for. */
import { expect } from 'chai';
import { podInterface } from '../../../src/felix-sim/calico/kubernetes/workloads.js';
import { rulesOf, SHOP, stateOf, type Json } from './world.js';

function pod(name: string, spec: string, status: string, annotations = '{}'): string {
  return `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: shop, labels: { app: ${name} }, annotations: ${annotations} }
spec: ${spec}
status: ${status}
---`;
}

function policy(spec: string): string {
  return `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: np, namespace: shop }
spec: ${spec}
---`;
}

const WEB = pod('web', '{ nodeName: node-a }', '{ podIP: 10.0.0.1 }');
const KEY = ['KubernetesNetworkPolicy', 'shop', 'np'] as const;

describe('pods', () => {
  const endpointsOf = (text: string): Json[] =>
    [...stateOf(text)]
      .filter(([key]) => key.startsWith('workload '))
      .map(([, { endpoint }]) => endpoint as Json);

  it('have the interface that the CNI plugin names, and the profiles of namespace and account', () => {
    const spec = '{ nodeName: node-a, serviceAccountName: robot }';
    const status = "{ podIP: 10.0.0.1, podIPs: [{ ip: 10.0.0.1 }, { ip: 'fd00::1' }] }";
    const [endpoint] = endpointsOf(pod('web', spec, status));
    expect(endpoint).to.include({ name: podInterface('shop', 'web'), state: 'active' });
    expect(endpoint!['profile_ids']).to.deep.equal(['kns.shop', 'ksa.shop.robot']);
    expect([endpoint!['ipv4_nets'], endpoint!['ipv6_nets']]).to.deep.equal([
      ['10.0.0.1/32'],
      ['fd00::1/128'],
    ]);
  });

  it('take the name of their interface from namespace and name', () => {
    // sha1("shop.web-1"), as recorded from Calico's own conversion.
    expect(podInterface('shop', 'web-1')).to.equal('cali751425ce827');
  });

  const none: readonly [string, string][] = [
    [
      'on the network of the host',
      pod('x', '{ nodeName: node-a, hostNetwork: true }', '{ podIP: 10.0.0.1 }'),
    ],
    ['not scheduled', pod('x', '{}', '{ podIP: 10.0.0.1 }')],
    ['without an address', pod('x', '{ nodeName: node-a }', '{}')],
    ['finished', pod('x', '{ nodeName: node-a }', '{ podIP: 10.0.0.1, phase: Succeeded }')],
    [
      'going, and without its address already',
      pod(
        'x',
        '{ nodeName: node-a }',
        '{ podIP: 10.0.0.1 }',
        "{ cni.projectcalico.org/podIP: '' }",
      ).replace('metadata: { ', "metadata: { deletionTimestamp: '2026-01-01T00:00:00Z', "),
    ],
  ];
  for (const [what, text] of none) {
    it(`${what} are no endpoint`, () => expect(endpointsOf(text)).to.deep.equal([]));
  }

  it('get floating addresses and spoofed prefixes by annotation', () => {
    const notes = `{ cni.projectcalico.org/floatingIPs: '["192.0.2.1","2001:db8::1"]', cni.projectcalico.org/allowedSourcePrefixes: '["198.51.100.7/24"]', other: x }`;
    const any = `
apiVersion: projectcalico.org/v3
kind: FelixConfiguration
metadata: { name: default }
spec: { workloadSourceSpoofing: Any }
---`;
    const [endpoint] = endpointsOf(
      any + pod('web', '{ nodeName: node-a }', '{ podIP: 10.0.0.1 }', notes),
    );
    expect(endpoint!['ipv4_nat']).to.deep.equal([{ ext_ip: '192.0.2.1', int_ip: '10.0.0.1' }]);
    expect(endpoint).to.not.have.any.keys('ipv6_nat', 'annotations');
    expect(endpoint!['allow_spoofed_source_prefixes']).to.deep.equal(['198.51.100.0/24']);
  });
});

describe('Kubernetes NetworkPolicies', () => {
  it('apply to ingress, and to egress only where they have egress rules, when they say no types', () => {
    const listsOf = (spec: string): Json => {
      const state = [...stateOf(WEB + policy(spec))];
      const [, update] = state.find(([key]) => key.startsWith('workload '))!;
      return (update['endpoint'] as { tiers: Json[] }).tiers[0]!;
    };
    expect(listsOf('{ podSelector: {} }')).to.have.any.keys('ingress_policies');
    expect(listsOf('{ podSelector: {} }')).to.not.have.any.keys('egress_policies');
    const egress = '{ podSelector: {}, egress: [{}] }';
    expect(listsOf(egress)).to.include.keys('ingress_policies', 'egress_policies');
    expect(listsOf('{ podSelector: {}, policyTypes: [Egress] }')).to.not.have.any.keys(
      'ingress_policies',
    );
  });

  it('become a rule for each protocol and peer, their ports joined', () => {
    const { inbound } = rulesOf(
      WEB +
        policy(`
  podSelector: {}
  ingress:
  - ports: [{ port: 82 }, { port: 80, protocol: TCP }, { port: 81 }, { port: web }, { port: 90, endPort: 95 }, { port: 92, endPort: 99 }, { protocol: UDP }, { protocol: UDP, port: 5 }]
    from: [{ ipBlock: { cidr: 10.1.2.3/8, except: [10.9.0.0/16] } }, { podSelector: { matchExpressions: [{ key: app, operator: Exists }, { key: x, operator: DoesNotExist }] } }]
`),
      KEY,
    );
    const tcp = { name: 'tcp' };
    const ranges = [
      { first: 80, last: 82 },
      { first: 90, last: 99 },
    ];
    expect(inbound.map(({ protocol }) => protocol)).to.deep.equal([
      tcp,
      tcp,
      { name: 'udp' },
      { name: 'udp' },
    ]);
    const [byNet, byPod, allUdp] = inbound;
    expect(byNet).to.include({ action: 'allow' });
    expect(byNet!['dst_ports']).to.deep.equal(ranges);
    expect(byNet!['dst_named_port_ip_set_ids']).to.have.lengthOf(1);
    expect([byNet!['src_net'], byNet!['not_src_net']]).to.deep.equal([
      ['10.0.0.0/8'],
      ['10.9.0.0/16'],
    ]);
    expect(byPod!['original_src_selector']).to.equal(
      "projectcalico.org/orchestrator == 'k8s' && has(app) && ! has(x)",
    );
    expect(allUdp).to.not.have.any.keys('dst_ports');
  });

  it('select all namespaces with an empty namespaceSelector, their own without one', () => {
    const { outbound } = rulesOf(
      SHOP +
        WEB +
        policy(
          '{ podSelector: {}, egress: [{ to: [{ namespaceSelector: {} }, { podSelector: {} }] }] }',
        ),
      KEY,
    );
    expect(outbound.map((rule) => rule['original_dst_namespace_selector'])).to.deep.equal([
      'all()',
      undefined,
    ]);
    const sets = outbound.map((rule) => (rule['dst_ip_set_ids'] as string[])[0]);
    expect(new Set(sets).size).to.equal(2);
  });
});

describe('namespaces, accounts and services', () => {
  it('are told with their labels', () => {
    const text = `
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Namespace
  metadata: { name: shop, labels: { team: red } }
- apiVersion: v1
  kind: ServiceAccount
  metadata: { name: my.robot, namespace: shop, labels: { role: x } }
- apiVersion: v1
  kind: Service
  metadata: { name: api, namespace: shop }
  spec: { type: NodePort, clusterIPs: [10.96.0.1, 'fd00::1'], externalIPs: [192.0.2.1], ports: [{ port: 80, nodePort: 30080 }] }
- apiVersion: v1
  kind: ConfigMap
  metadata: { name: ignored }
`;
    const state = stateOf(text);
    expect(state.get('namespace shop')!['labels']).to.deep.equal({
      'kubernetes.io/metadata.name': 'shop',
      'projectcalico.org/name': 'shop',
      team: 'red',
    });
    expect(state.get('service-account ["shop","my.robot"]')!['labels']).to.deep.equal({
      'projectcalico.org/name': 'my.robot',
      role: 'x',
    });
    expect(state.get('service ["shop","api"]')).to.deep.equal({
      cluster_ips: ['10.96.0.1', 'fd00::1'],
      external_ips: ['192.0.2.1'],
      name: 'api',
      namespace: 'shop',
      ports: [{ NodePort: 30080, Port: 80, Protocol: 'TCP' }],
      type: 'NodePort',
    });
  });
});
