/** What a lab makes of a folder of YAML: nodes, pods, steps, and what it refuses. */
import { expect } from 'chai';
import { SimError } from '../../../src/felix-sim/errors.js';
import { Cluster } from '../../../src/lab/nodes/cluster.js';
import { LabError } from '../../../src/lab/nodes/errors.js';
import { labScenario, scenarioSteps } from '../../../src/lab/nodes/scenario-files.js';
import { readCalicoFiles } from '../../../src/lab/replay/calico-files.js';

const POLICY = `
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: { name: all }
spec: { selector: all(), ingress: [{ action: Allow }] }
`;

function pod(name: string, node: string, ...addresses: string[]): string {
  return `---
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: ns }
spec: { nodeName: ${node} }
status: { podIPs: [${addresses.map((ip) => `{ ip: '${ip}' }`).join(', ')}] }
`;
}

function node(name: string, ipv4: string): string {
  return `---
apiVersion: projectcalico.org/v3
kind: Node
metadata: { name: ${name} }
spec: { bgp: { ipv4Address: ${ipv4} } }
`;
}

function scenario(text: string, size = {}) {
  return labScenario([{ name: '00-all.yaml', text }], size);
}

describe('lab: scenarios', () => {
  it('makes up two nodes of four pods where there are only policies', () => {
    const { plan, start, further } = scenario(POLICY);
    expect(plan.nodes).to.deep.equal([
      { name: 'node-a', number: 1, addresses: { 4: '172.30.0.1', 6: 'fd30::1' } },
      { name: 'node-b', number: 2, addresses: { 4: '172.30.0.2', 6: 'fd30::2' } },
    ]);
    expect(plan.pods.map(({ name, node: on }) => `${name} ${on}`)).to.deep.equal([
      'guests/guest-1 node-a',
      'guests/guest-2 node-b',
      'shop/backend-1 node-a',
      'shop/backend-2 node-b',
      'shop/db-1 node-a',
      'shop/db-2 node-b',
      'shop/frontend-1 node-a',
      'shop/frontend-2 node-b',
    ]);
    expect(plan.podMtu).to.equal(1430);
    expect(start.files.map(({ name }) => name)).to.deep.equal(['00-0-lab.yaml', '00-all.yaml']);
    expect(further).to.deep.equal([]);
  });

  it('makes up as many as asked for, all with names and addresses of their own', () => {
    const { plan } = scenario(POLICY, { nodes: 16, podsPerNode: 32 });
    expect(plan.nodes).to.have.length(16);
    expect(plan.pods).to.have.length(16 * 32);
    const addresses = [...plan.nodes, ...plan.pods].flatMap((one) => Object.values(one.addresses));
    expect(new Set(addresses).size).to.equal(2 * (16 + 16 * 32));
    for (const [size, message] of [
      [{ nodes: 17 }, '--nodes 17: expected a whole number from 1 to 16'],
      [{ nodes: 0 }, '--nodes 0'],
      [{ podsPerNode: 1.5 }, '--pods 1.5'],
      [{ podsPerNode: Number.NaN }, '--pods NaN'],
    ] as const) {
      expect(() => scenario(POLICY, size), message).to.throw(LabError, message);
    }
  });

  it('takes the nodes of a scenario, and gives addresses to those that have none', () => {
    const { plan } = scenario(node('beta', '10.1.2.3/24') + pod('p', 'alpha', '10.65.0.1'));
    expect(plan.nodes).to.deep.equal([
      { name: 'alpha', number: 1, addresses: { 4: '172.30.0.1', 6: 'fd30::1' } },
      { name: 'beta', number: 2, addresses: { 4: '10.1.2.3' } },
    ]);
    expect(plan.pods).to.have.length(1);
    // No pool is tunnelled.
    expect(plan.podMtu).to.equal(1500);
  });

  it('refuses a size where the scenario says its nodes', () => {
    expect(() => scenario(node('beta', '10.1.2.3/24'), { nodes: 3 })).to.throw(
      LabError,
      'it has its own nodes (beta): leave --nodes and --pods out',
    );
  });

  it('refuses what cannot be built, naming it', () => {
    const cases: [text: string, message: string][] = [
      [
        pod('p', 'a', '10.65.0.1') + pod('q', 'a', '10.65.0.1'),
        'address 10.65.0.1: of ns/p and of ns/q',
      ],
      [node('a', '10.0.0.1/24') + node('b', '10.0.0.1/24'), 'address 10.0.0.1: of a and of b'],
      [pod('p', 'a', '10.65.0.1/24'), '10.65.0.0/24 is no single address'],
    ];
    for (const [text, message] of cases) {
      expect(() => scenario(text), message).to.throw(LabError, message);
    }
    expect(() => scenario('apiVersion: v1\nkind: Nonsense\nmetadata: { name: x }\n')).to.throw(
      SimError,
      '00-all.yaml:2: kind',
    );
    expect(labScenario([], {}).plan.nodes).to.have.length(2);
    const messages = { name: 'messages.yaml', text: 'steps: []\n' };
    const files = [{ name: '00-a.yaml', text: POLICY }, messages];
    expect(() => labScenario(files, {})).to.throw(LabError, 'messages.yaml');
  });

  it('builds no pod that has the address of a node', () => {
    const { plan } = scenario(pod('host', 'a', '172.30.0.1') + pod('p', 'a', '10.65.0.1'));
    expect(plan.pods.map(({ name }) => name)).to.deep.equal(['ns/p']);
  });

  it('refuses a later pod on a node that the lab has not', () => {
    const { start, plan } = scenario(pod('p', 'a', '10.65.0.1'));
    const cluster = new Cluster();
    cluster.apply(start);
    cluster.apply({ name: 'more', files: [{ name: 'x.yaml', text: pod('q', 'z', '10.65.0.9') }] });
    expect(() => cluster.plan(plan.nodes)).to.throw(LabError, 'ns/q is on z');
  });

  it('has a scenario of its own whose steps can all be applied', () => {
    const files = readCalicoFiles('examples/lab/shop') ?? [];
    const { start, plan } = labScenario(files, {});
    const cluster = new Cluster();
    cluster.apply(start);
    const steps = scenarioSteps(files).slice(1);
    expect(steps.length).to.be.at.least(3);
    for (const step of steps) {
      cluster.apply(step);
      expect(cluster.plan(plan.nodes).pods.map(({ name }) => name)).to.deep.equal(
        plan.pods.map(({ name }) => name),
      );
    }
  });
});
