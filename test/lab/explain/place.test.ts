/** The ends of a question: what names a place, which family is asked about, and what cannot be resolved. */
import { expect } from 'chai';
import { findEnds, type Ends } from '../../../src/lab/explain/place.js';
import type { ExplainError } from '../../../src/lab/explain/errors.js';
import { worldSource } from './support.js';

const SOURCE = worldSource({
  pods: {
    a: {},
    b: { fields: { ipv6_nets: [] } },
    c: { fields: { name: 'calia', endpoint_id: 'eth1' } },
  },
  routes: [
    {
      types: 1,
      ip_pool_type: 2,
      dst: '10.65.9.0/26',
      dst_node_name: 'node-b',
      dst_node_ip: '172.30.0.2',
    },
  ],
});

function ends(from: string, to: string, family?: 4 | 6): Ends {
  return findEnds({ from, to, family }, SOURCE);
}

function refusal(from: string, to: string, family?: 4 | 6): { code: string; message: string } {
  try {
    return { code: 'none', message: JSON.stringify(ends(from, to, family)) };
  } catch (error) {
    const { code, message } = error as ExplainError;
    return { code, message };
  }
}

describe('places of a question', () => {
  it('pods by namespace and name, by name where that is enough, by endpoint key, by address', () => {
    for (const text of ['default/a', 'a', 'k8s/default%2Fa/eth0', '10.65.0.1', 'fd65:0::1']) {
      expect(ends(text, 'host').from, text).to.include({ kind: 'pod', name: 'default/a' });
    }
  });

  it('the node, by name, as "host" and by its addresses', () => {
    for (const text of ['host', 'node-a', '172.30.0.1', 'fd30::1']) {
      expect(ends('a', text).to, text).to.include({ kind: 'host', name: 'node-a' });
    }
  });

  it('what is outside: addresses, other nodes, and pods of theirs behind a tunnel', () => {
    expect(ends('a', 'node-b').to).to.deep.equal({
      kind: 'outside',
      name: 'node-b',
      address: '172.30.0.2',
      tunnelled: false,
      known: true,
    });
    expect(ends('a', '10.65.9.3').to).to.include({ tunnelled: true, known: true });
    expect(ends('a', '203.0.113.9').to).to.include({ tunnelled: false, known: false });
  });

  it('an address decides the family, then the caller, then what both ends have', () => {
    expect(ends('a', '2001:db8::1').family).to.equal(6);
    expect(ends('a', 'host', 6)).to.deep.include({ family: 6 });
    expect(ends('a', 'host').family).to.equal(4);
    expect(refusal('b', '2001:db8::1').code).to.equal('no-address');
    expect(refusal('a', 'b', 6).message).to.include('no addresses of IPv6');
    expect(refusal('10.65.0.1', 'fd30::1').code).to.equal('no-address');
  });

  it('says what it cannot resolve: services, pods elsewhere, pods that lost their interface', () => {
    const { code, message } = refusal('a', 'shop/web');
    expect(code).to.equal('unknown-place');
    expect(message).to.include('"shop/web" is no pod of this node');
    expect(message).to.include("A service's name is not resolved: ask for one of its pods");
    expect(refusal('c', 'a').code).to.equal('unknown-place');
  });

  it('asks for the namespace where a name is not enough', () => {
    const twin = worldSource({ pods: { a: {} } });
    const workloads = new Map(twin.state.workloads);
    const [pod] = workloads.values();
    const id = { ...pod!.id, workload: 'other/a' };
    const other = { ...pod!, id, key: 'k8s/other%2Fa/eth0', interfaceName: 'calix' } as typeof pod;
    workloads.set(other!.key, other!);
    const state = { ...twin.state, workloads };
    expect(() => findEnds({ from: 'a', to: 'host' }, { ...twin, state })).to.throw(
      '"a" is default/a and other/a: name its namespace',
    );
  });
});
