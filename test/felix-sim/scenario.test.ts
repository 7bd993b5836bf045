import { expect } from 'chai';
import { decodeToDataplane } from '../../src/driver/message.js';
import { SimError } from '../../src/felix-sim/errors.js';
import { readScenario } from '../../src/felix-sim/scenario.js';

const SCENARIO = `
calico: v3.32.1
node: node-a
steps:
  - step: start
    messages:
      - config_update: { config: { FelixHostname: node-a } }
      - active_policy_update:
          id: { kind: NetworkPolicy, namespace: shop, name: db }
          policy: { tier: default, inbound_rules: [{ action: deny, icmp_type_code: { type: 3 } }] }
      - workload_endpoint_update:
          id: { orchestrator_id: k8s, workload_id: shop/db-1, endpoint_id: eth0 }
          endpoint:
            state: active
            tiers:
              - name: default
                default_action: Pass
                ingress_policies: [{ kind: NetworkPolicy, namespace: shop, name: db }]
      - in_sync: {}
  - step: later
    messages:
      - ipset_update: { id: 's:x', members: [10.0.0.0/8], type: NET }
`;

describe('scenario', () => {
  it('becomes numbered frames of one session, with the Calico version told', () => {
    const { streams, steps, node } = readScenario(SCENARIO);
    expect(node).to.equal('node-a');
    expect(steps).to.deep.equal([
      { name: 'start', stream: 0, frames: 4 },
      { name: 'later', stream: 0, frames: 5 },
    ]);
    const messages = (streams[0] ?? []).map((body) => decodeToDataplane(body).message);
    expect(messages.map(({ sequence_number: number }) => Number(number))).to.deep.equal([
      0, 1, 2, 3, 4,
    ]);
    const [config, , endpoint, , set] = messages;
    expect(config?.payload === 'config_update' && config.config_update.config).to.deep.equal({
      CalicoVersion: 'v3.32.1',
      FelixHostname: 'node-a',
    });
    // PolicyID {name: db, namespace: shop, kind: NetworkPolicy}: fields 2, 3 and 4.
    const entry =
      endpoint?.payload === 'workload_endpoint_update' &&
      endpoint.workload_endpoint_update.endpoint?.tiers[0]?.ingress_policies[0];
    expect(Buffer.from(entry || []).toString('latin1')).to.equal(
      '\x12\x02db\x1a\x04shop\x22\rNetworkPolicy',
    );
    expect(set?.payload === 'ipset_update' && set.ipset_update.type).to.equal(2);
  });

  it('has several sessions: Felix restarts between them', () => {
    const text = `
sessions:
  - steps: [{ step: a, messages: [{ config_update: {} }, { in_sync: {} }] }]
  - steps: [{ step: b, messages: [{ config_update: {} }, { in_sync: {} }] }]
`;
    const { streams, steps } = readScenario(text);
    expect(streams.map((frames) => frames.length)).to.deep.equal([2, 2]);
    expect(steps.map(({ stream }) => stream)).to.deep.equal([0, 1]);
  });

  it('keeps names of policies as Calico up to v3.31 sends them', () => {
    const text = `
calico: v3.28.5
steps:
  - step: s
    messages:
      - config_update: {}
      - active_policy_update: { id: { tier: default, name: default.x }, policy: {} }
      - host_endpoint_update:
          id: { endpoint_id: h }
          endpoint: { name: eth0, tiers: [{ name: default, ingress_policies: [default.x] }] }
`;
    const message = decodeToDataplane(
      readScenario(text).streams[0]?.[2] ?? new Uint8Array(),
    ).message;
    const tier =
      message.payload === 'host_endpoint_update' && message.host_endpoint_update.endpoint?.tiers[0];
    expect(Buffer.from((tier || undefined)?.ingress_policies[0] ?? []).toString()).to.equal(
      'default.x',
    );
  });

  const refused: [string, string, RegExp][] = [
    ['what is no YAML', 'steps: [', /YAML/],
    ['an unknown key', 'stepz: []', /stepz: unknown key/],
    ['a step without a name', 'steps: [{ messages: [] }]', /steps\[0\]: needs a name/],
    [
      'an unknown payload',
      step('{ ipsets: {} }'),
      /messages\[0\]\.ipsets: no field of ToDataplane/,
    ],
    ['two payloads', step('{ in_sync: {}, config_update: {} }'), /exactly one payload/],
    [
      'an unknown field',
      step('{ ipset_update: { ids: x } }'),
      /ipset_update\.ids: no field of IPSetUpdate/,
    ],
    [
      'an unknown enum name',
      step('{ ipset_update: { id: x, type: NETS } }'),
      /"NETS" is no IPSetType/,
    ],
    [
      'a list where none belongs',
      step('{ ipset_update: { id: [x] } }'),
      /ipset_update\.id: unexpected/,
    ],
    ['what Felix never does', step('{ in_sync: {} }'), /messages\[0\].*begins with ConfigUpdate/],
  ];
  for (const [what, text, reason] of refused) {
    it(`refuses ${what}, naming the place`, () => {
      expect(() => readScenario(text)).to.throw(SimError, reason);
    });
  }
});

function step(message: string): string {
  return `steps: [{ step: s, messages: [${message}] }]`;
}
