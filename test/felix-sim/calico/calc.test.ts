/** What follows from resources, where recordings have no example: corner cases of sets, tiers, profiles and endpoints. */
import { expect } from 'chai';
import { global, networkPolicy, rulesOf, SHOP, stateOf, workload, type Json } from './world.js';

const POD = workload('p', '10.0.0.1/32', 'app: p');

describe('IP sets', () => {
  const uses = (selector: string): string =>
    global('GlobalNetworkPolicy', 'g', `{ ingress: [{ action: Allow, source: ${selector} }] }`);
  const membersOf = (text: string): unknown => {
    const sets = [...stateOf(text)].filter(([key]) => key.startsWith('ipset '));
    expect(sets).to.have.lengthOf(1);
    return sets[0]![1]['members'] ?? [];
  };

  it('take 0.0.0.0/0 and ::/0 as two halves each, and hide what they cover', () => {
    const set = global(
      'GlobalNetworkSet',
      's',
      "{ nets: [0.0.0.0/0, 10.1.0.0/16, '::/0'] }",
      '{ s: x }',
    );
    expect(membersOf(POD + set + uses('{ selector: has(s) }'))).to.deep.equal([
      '0.0.0.0/1',
      '128.0.0.0/1',
      '8000::/1',
      '::/1',
    ]);
  });

  it('show nested prefixes where nftables is switched off', () => {
    const set = global(
      'GlobalNetworkSet',
      's',
      '{ nets: [10.0.0.0/8, 10.1.0.0/16, 10.0.0.0/8] }',
      '{ s: x }',
    );
    const iptables = global('FelixConfiguration', 'default', '{ nftablesMode: Disabled }');
    const policy = uses('{ selector: has(s) }');
    expect(membersOf(POD + set + policy)).to.deep.equal(['10.0.0.0/8']);
    expect(membersOf(POD + set + policy + iptables)).to.deep.equal(['10.0.0.0/8', '10.1.0.0/16']);
  });

  it('hold a network set of a namespace by the labels of that namespace', () => {
    const set = `
apiVersion: projectcalico.org/v3
kind: NetworkSet
metadata: { name: s, namespace: shop, labels: { s: x } }
spec: { nets: [192.0.2.7] }
---`;
    const source = '{ selector: has(s), namespaceSelector: team == "red" }';
    expect(membersOf(SHOP + POD + set + uses(source))).to.deep.equal(['192.0.2.7/32']);
    expect(membersOf(POD + set + uses(source))).to.deep.equal([]);
    const everywhere = uses('{ selector: has(s), namespaceSelector: global() }');
    expect(membersOf(SHOP + POD + set + everywhere)).to.deep.equal([]);
  });

  it('do not believe a workload that claims labels of another namespace', () => {
    const liar = workload('liar', '10.0.0.2/32', 'pcns.team: red, pcsa.role: admin');
    expect(membersOf(POD + liar + uses('{ namespaceSelector: team == "red" }'))).to.deep.equal([]);
    expect(
      membersOf(POD + liar + uses('{ serviceAccounts: { selector: role == "admin" } }')),
    ).to.deep.equal([]);
  });

  it('know where a workload is, whatever its labels say', () => {
    const elsewhere = workload('e', '10.0.0.2/32', 'app: e').replace(
      'projectcalico.org/namespace: shop',
      'projectcalico.org/namespace: other',
    );
    const inShop = uses(`{ selector: projectcalico.org/namespace == "shop" && app == "e" }`);
    expect(membersOf(POD + elsewhere + inShop)).to.deep.equal(['10.0.0.2/32']);
  });

  it('let the own label win over an inherited one, and the first profile over the second', () => {
    const profiles =
      global('Profile', 'one', '{ labelsToApply: { a: one, b: one } }') +
      global('Profile', 'two', '{ labelsToApply: { a: two, b: two, c: two } }');
    const pod = (own: string) =>
      `${workload('p', '10.0.0.1/32', own).replace('[kns.shop]', '[one, two]')}${profiles}`;
    const all = '{ selector: a == "own" && b == "one" && c == "two" }';
    expect(membersOf(pod('a: own') + uses(all))).to.deep.equal(['10.0.0.1/32']);
    expect(membersOf(pod('x: y') + uses('{ selector: a == "one" }'))).to.have.lengthOf(1);
  });

  it('of named ports hold the ports of that name and the protocol of the rule', () => {
    const ports =
      'ports: [{ name: web, protocol: TCP, port: 80 }, { name: web, protocol: UDP, port: 81 }, { name: dns, protocol: 17, port: 53 }, { protocol: TCP, port: 9 }]';
    const pod = workload('p', "10.0.0.1/32, 'fd00::1/128'", 'app: p', ports);
    const policy = (protocol: string, port: string) =>
      networkPolicy(
        'np',
        `{ ingress: [{ action: Allow, protocol: ${protocol}, destination: { ports: [${port}] } }] }`,
      );
    expect(membersOf(pod + policy('TCP', 'web'))).to.deep.equal([
      '10.0.0.1,tcp:80',
      'fd00::1,tcp:80',
    ]);
    expect(membersOf(pod + policy('UDP', 'web'))).to.deep.equal([
      '10.0.0.1,udp:81',
      'fd00::1,udp:81',
    ]);
    expect(membersOf(pod + policy('17', 'dns'))).to.have.lengthOf(2);
    expect(membersOf(pod + policy('SCTP', 'web'))).to.deep.equal([]);
  });

  it('of services follow the slices of all names, ready or not', () => {
    const slice = (name: string, address: string, port: string) => `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}, namespace: shop, labels: { kubernetes.io/service-name: api } }
addressType: IPv4
ports: [${port}]
endpoints: [{ addresses: [${address}], conditions: { ready: false } }]
---`;
    const slices =
      slice('a', '10.0.0.8', '{ port: 80 }, { port: 53, protocol: UDP }') +
      slice('b', 'fd00::8', '{}');
    const to = networkPolicy(
      'np',
      '{ egress: [{ action: Allow, destination: { services: { name: api } } }] }',
    );
    const from = networkPolicy(
      'np',
      '{ ingress: [{ action: Allow, source: { services: { name: api } } }] }',
    );
    expect(membersOf(POD + slices + to)).to.deep.equal(['10.0.0.8,tcp:80', '10.0.0.8,udp:53']);
    expect(membersOf(POD + slices + from)).to.deep.equal(['10.0.0.8/32', 'fd00::8/128']);
  });
});

describe('rules', () => {
  const rule = (text: string): Json => {
    const spec = `{ ingress: [${text}] }`;
    return rulesOf(POD + networkPolicy('np', spec), ['NetworkPolicy', 'shop', 'np']).inbound[0]!;
  };

  it('keep 0.0.0.0/0, clear host bits and make addresses prefixes', () => {
    expect(
      rule("{ action: Allow, source: { nets: [0.0.0.0/0, 10.1.2.3/8, 'fd00::1'] } }"),
    ).to.deep.equal({
      action: 'allow',
      src_net: ['0.0.0.0/0', '10.0.0.0/8', 'fd00::1/128'],
    });
  });

  it('fill the family from the name of a protocol, not from its number, and never over what is said', () => {
    expect(rule('{ action: Deny, protocol: ICMP }')['ip_version']).to.equal('IPV4');
    expect(rule('{ action: Deny, protocol: ICMPv6 }')['ip_version']).to.equal('IPV6');
    expect(rule('{ action: Deny, protocol: 1 }')).to.not.have.property('ip_version');
    expect(rule('{ action: Deny, protocol: ICMP, ipVersion: 6 }')['ip_version']).to.equal('IPV6');
  });

  it('tell an ICMP type from a type with code, zero from nothing', () => {
    expect(rule('{ action: Allow, protocol: ICMP, icmp: { type: 0 } }')['icmp_type']).to.equal(0);
    const both = rule(
      '{ action: Allow, protocol: ICMP, icmp: { type: 0, code: 0 }, notICMP: { type: 3, code: 1 } }',
    );
    expect([both['icmp_type_code'], both['not_icmp_type_code']]).to.deep.equal([
      {},
      { type: 3, code: 1 },
    ]);
  });

  it('limit themselves to the namespace only when they select', () => {
    expect(rule('{ action: Allow, source: {} }')).to.deep.equal({ action: 'allow' });
    expect(rule('{ action: Allow, source: { notSelector: has(x) } }')).to.include.keys(
      'src_ip_set_ids',
    );
    const spec = '{ ingress: [{ action: Allow, source: { notSelector: has(x) } }] }';
    const globalRule = rulesOf(POD + global('GlobalNetworkPolicy', 'g', spec), [
      'GlobalNetworkPolicy',
      '',
      'g',
    ]).inbound[0]!;
    expect(globalRule).to.include.keys('not_src_ip_set_ids');
    expect(globalRule).to.not.include.keys('src_ip_set_ids');
  });

  it('need no set of addresses beside named ports alone', () => {
    const destination = (ports: string) =>
      rule(
        `{ action: Allow, protocol: TCP, destination: { selector: has(app), ports: [${ports}] } }`,
      );
    expect(destination('web')).to.not.include.keys('dst_ip_set_ids');
    expect(destination('web, 80')).to.include.keys('dst_ip_set_ids', 'dst_named_port_ip_set_ids');
  });
});

describe('policies and tiers', () => {
  const tiersOf = (text: string): unknown => {
    const [endpoint] = [...stateOf(text)].filter(([key]) => key.startsWith('workload '));
    return (endpoint![1]['endpoint'] as { tiers?: unknown }).tiers ?? [];
  };
  const names = (list: unknown): string[] =>
    ((list ?? []) as { kind: string; namespace?: string; name: string }[]).map(
      ({ kind, namespace, name }) => [kind, namespace, name].filter(Boolean).join('/'),
    );

  it('take directions from the rules where types are absent; without rules it is ingress', () => {
    const allow = '[{ action: Allow }]';
    const text =
      POD +
      networkPolicy('none', '{}') +
      networkPolicy('in', `{ ingress: ${allow} }`) +
      networkPolicy('out', `{ egress: ${allow} }`) +
      networkPolicy('two', `{ ingress: ${allow}, egress: ${allow} }`);
    const [tier] = tiersOf(text) as Json[];
    expect(names(tier!['ingress_policies'])).to.deep.equal(
      ['in', 'none', 'two'].map((name) => `NetworkPolicy/shop/${name}`),
    );
    expect(names(tier!['egress_policies'])).to.deep.equal(
      ['out', 'two'].map((name) => `NetworkPolicy/shop/${name}`),
    );
  });

  it('come by order, then name, namespace and kind; without order last', () => {
    const kube = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: a, namespace: shop }
spec: { podSelector: {} }
---`;
    const pod = workload('p', '10.0.0.1/32', 'projectcalico.org/orchestrator: k8s');
    const text =
      pod +
      global('GlobalNetworkPolicy', 'z', '{ order: -1.5 }') +
      global('GlobalNetworkPolicy', 'a', '{ order: 1000 }') +
      networkPolicy('a', '{ order: 1000 }') +
      networkPolicy('b', '{ order: 1000 }') +
      networkPolicy('0', '{}') +
      kube;
    const [tier] = tiersOf(text) as Json[];
    expect(names(tier!['ingress_policies'])).to.deep.equal([
      'GlobalNetworkPolicy/z',
      'GlobalNetworkPolicy/a',
      'KubernetesNetworkPolicy/shop/a',
      'NetworkPolicy/shop/a',
      'NetworkPolicy/shop/b',
      'NetworkPolicy/shop/0',
    ]);
  });

  it('sort tiers by order and name, those without order behind the default tier', () => {
    const tier = (name: string, spec: string) =>
      global('Tier', name, spec) + networkPolicy(`${name}.n`, `{ tier: ${name} }`);
    const text =
      POD +
      tier('none', '{}') +
      tier('b', '{ order: 5, defaultAction: Pass }') +
      tier('a', '{ order: 5 }') +
      networkPolicy('np', '{}');
    expect(
      (tiersOf(text) as Json[]).map(({ name, default_action: action }) => [name, action]),
    ).to.deep.equal([
      ['a', 'Deny'],
      ['b', 'Pass'],
      ['default', 'Deny'],
      ['none', 'Deny'],
    ]);
  });

  it('leave out of the lists what names a tier that is not there, but tell it', () => {
    const text = POD + networkPolicy('lost.n', '{ tier: lost }');
    expect(tiersOf(text)).to.deep.equal([]);
    expect([...stateOf(text).keys()]).to.include('policy ["","NetworkPolicy","shop","lost.n"]');
  });

  it('are told without an endpoint only where they hint that every node needs them', () => {
    const hint = '{ selector: has(nobody), performanceHints: [AssumeNeededOnEveryNode] }';
    const keys = [
      ...stateOf(
        global('GlobalNetworkPolicy', 'hinted', hint) +
          global('GlobalNetworkPolicy', 'other', '{ selector: has(nobody) }'),
      ).keys(),
    ];
    expect(keys.filter((key) => key.startsWith('policy '))).to.deep.equal([
      'policy ["","GlobalNetworkPolicy","","hinted"]',
    ]);
  });

  it('do not stage a deletion', () => {
    const staged = (kind: string, action: string) =>
      networkPolicy('s', `{ stagedAction: ${action} }`).replace('NetworkPolicy', kind);
    const keys = (text: string) =>
      [...stateOf(POD + text).keys()].filter((key) => key.startsWith('policy '));
    expect(keys(staged('StagedNetworkPolicy', 'Set'))).to.have.lengthOf(1);
    expect(keys(staged('StagedNetworkPolicy', 'Delete'))).to.deep.equal([]);
    const kube = staged('StagedKubernetesNetworkPolicy', 'Delete');
    expect(keys(kube)).to.deep.equal([]);
  });

  it('select by namespace and account; all() there means "in one"', () => {
    const selectorOf = (spec: string): unknown => {
      const hint = `performanceHints: [AssumeNeededOnEveryNode]`;
      const state = stateOf(global('GlobalNetworkPolicy', 'g', `{ ${spec}, ${hint} }`));
      const policy = state.get('policy ["","GlobalNetworkPolicy","","g"]')!['policy'];
      return (policy as Json)['original_selector'];
    };
    expect(selectorOf('namespaceSelector: all()')).to.equal('has(projectcalico.org/namespace)');
    expect(selectorOf('selector: all(), namespaceSelector: team == "x"')).to.equal(
      '(has(projectcalico.org/namespace) && pcns.team == "x")',
    );
    expect(selectorOf('serviceAccountSelector: all()')).to.equal(
      'has(projectcalico.org/serviceaccount)',
    );
    expect(selectorOf('serviceAccountSelector: role == "x"')).to.equal('pcsa.role == "x"');
  });
});

describe('profiles and endpoints', () => {
  it('stand for what nobody wrote as deny both ways', () => {
    const { inbound_rules: inbound, outbound_rules: outbound } = stateOf(POD).get(
      'profile kns.shop',
    )!['profile'] as Record<string, Json[]>;
    expect([inbound, outbound].map((rules) => rules!.map(({ action }) => action))).to.deep.equal([
      ['deny'],
      ['deny'],
    ]);
  });

  it('know the profile that Calico always has', () => {
    const host = global(
      'HostEndpoint',
      'h',
      "{ node: node-a, interfaceName: '*', profiles: [projectcalico-default-allow] }",
    );
    const profile = stateOf(host).get('profile projectcalico-default-allow')!['profile'];
    expect((profile as Record<string, Json[]>)['inbound_rules']![0]!['action']).to.equal('allow');
  });

  it('drop a workload that wants to spoof, everywhere, unless spoofing is allowed', () => {
    const spoofer = workload(
      's',
      '10.0.0.2/32',
      'app: s',
      'allowSpoofedSourcePrefixes: [192.0.2.1/24]',
    );
    const set = networkPolicy(
      'np',
      '{ ingress: [{ action: Allow, source: { selector: app == "s" } }] }',
    );
    const text = POD + spoofer + set;
    const endpoints = (state: Map<string, Json>) =>
      [...state]
        .filter(([key]) => key.startsWith('workload '))
        .map(([, { endpoint }]) => endpoint as Json);
    expect(endpoints(stateOf(text)).map(({ name }) => name)).to.deep.equal(['calip']);
    const any = stateOf(
      text + global('FelixConfiguration', 'default', '{ workloadSourceSpoofing: any }'),
    );
    expect(endpoints(any).at(1)!['allow_spoofed_source_prefixes']).to.deep.equal(['192.0.2.0/24']);
    const off = global('FelixConfiguration', 'node.node-a', '{ workloadSourceSpoofing: Disabled }');
    expect(endpoints(stateOf(text + off))).to.have.lengthOf(1);
  });
});
