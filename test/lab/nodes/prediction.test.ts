/** What is expected of packets between nodes: every node on the way is asked, and the answer has to come back. */
import { expect } from 'chai';
import { Cluster } from '../../../src/lab/nodes/cluster.js';
import { nodeStates } from '../../../src/lab/nodes/node-states.js';
import { findPlace, placesOf } from '../../../src/lab/nodes/places.js';
import { Predictor, type Prediction } from '../../../src/lab/nodes/prediction.js';
import { labScenario } from '../../../src/lab/nodes/scenario-files.js';
import { parseServices, transportOf } from '../../../src/lab/nodes/services.js';
import { readCalicoFiles } from '../../../src/lab/replay/calico-files.js';

/** `shop/db-1 > node-b 80/tcp IPv6`. */
type Ask = (text: string) => Prediction;

function predictor(folder: string): Ask {
  const { start, plan } = labScenario(readCalicoFiles(folder) ?? [], {});
  const cluster = new Cluster();
  cluster.apply(start);
  const places = placesOf('lab', plan);
  const asked = new Predictor(nodeStates(cluster, plan.nodes));
  return (text) => {
    const [from = '', , to = '', label = '', version = 'IPv4'] = text.split(' ');
    const family = version === 'IPv6' ? 6 : 4;
    const [service] = parseServices(label);
    const transport = transportOf(service!, family);
    return asked.predict(findPlace(places, from), findPlace(places, to), { family, transport });
  };
}

describe('lab: what is expected of packets between nodes', () => {
  it('asks the policy of both ends, wherever they are', () => {
    const ask = predictor('examples/lab/shop');
    const cases: [question: string, passes: boolean, by: RegExp][] = [
      [
        'guest-1 > frontend-1 80/tcp',
        true,
        /^shop\/frontend-1 receives: .*shop\/frontend rule 0: allow$/,
      ],
      ['guest-1 > frontend-2 80/tcp', true, /^shop\/frontend-2 receives/],
      [
        'guest-1 > frontend-2 8443/tcp',
        false,
        /^shop\/frontend-2 receives: tier default, tier-default: deny$/,
      ],
      ['guest-1 > frontend-2 8443/tcp IPv6', true, /rule 1: allow$/],
      [
        'backend-1 > frontend-2 80/tcp',
        false,
        /^shop\/backend-1 sends: tier default, tier-default: deny$/,
      ],
      ['backend-1 > db-2 5432/tcp', true, /KubernetesNetworkPolicy shop\/db/],
      ['frontend-1 > backend-2 9090/udp IPv6', true, /rule 1: allow$/],
      ['guest-1 > node-a icmp', false, /DefaultEndpointToHostAction/],
      ['node-a > db-1 22/tcp', true, /./],
      ['node-a > db-2 22/tcp', false, /^shop\/db-2 receives/],
    ];
    for (const [question, passes, by] of cases) {
      const prediction = ask(question);
      expect(prediction.passes, `${question}: ${prediction.by}`).to.equal(passes);
      expect(prediction.by, question).to.match(by);
    }
    expect(ask('guest-1 > frontend-2 80/tcp').explanations).to.have.length(2);
    expect(ask('backend-1 > frontend-2 80/tcp').explanations).to.have.length(1);
    expect(ask('guest-1 > frontend-1 80/tcp').explanations).to.have.length(1);
  });

  it('knows whether a packet arrives by the tunnel or by the uplink, whose host endpoint stops it', () => {
    const ask = predictor('test/recordings/head/vxlan-hep/sources');
    // Pods and nodes reach pods of another node through the tunnel, and a node itself without.
    expect(ask('r1 > l1 23/tcp').passes).to.equal(true);
    expect(ask('node-b > l1 23/tcp').passes).to.equal(true);
    expect(ask('r1 > node-a 23/tcp').passes).to.equal(false);
    expect(ask('r1 > node-a 23/tcp').by).to.contain('fwd-eth0 rule 0: deny');
    expect(ask('r1 > node-a 24/tcp').passes).to.equal(true);
    expect(ask('node-a > node-b 24/tcp').by).to.match(/uplink receives: .*fwd-eth0 rule 0: deny/);
  });

  it('means the node by its name where a pod claims its address', () => {
    const ask = predictor('test/recordings/head/kubernetes/sources');
    expect(ask('node-a > dev-1 22/tcp').passes).to.equal(true);
    expect(ask('dev-1 > node-a 22/tcp').by).to.contain('DefaultEndpointToHostAction');
  });

  it('knows that the wire leads to blocks of the cluster, and to no other address', () => {
    const ask = predictor('test/recordings/head/kubernetes/sources');
    // The pool of this cluster is IPv4: its pods' IPv6 addresses are of no block.
    const lost = 'no block of the cluster has the address, so the wire does not lead there';
    expect(ask('dev-1 > node-b 22/tcp').passes).to.equal(true);
    expect(ask('node-b > shop/web-1 8080/tcp IPv6')).to.include({ passes: false, by: lost });
    expect(ask('node-a > shop/web-1 8080/tcp IPv6').passes).to.equal(true);
  });

  it('expects nothing of a flow whose answer is dropped', () => {
    const ask = predictor('test/recordings/head/host-endpoints/sources');
    const prediction = ask('node-c > node-a 22/tcp');
    // An untracked failsafe lets the request in; its answer belongs to no connection.
    expect(prediction.explanations.every(({ allow }) => allow)).to.equal(true);
    expect([prediction.passes, prediction.by]).to.deep.equal([
      false,
      'the answer is dropped: the packet belongs to no connection and begins none',
    ]);
  });
});
