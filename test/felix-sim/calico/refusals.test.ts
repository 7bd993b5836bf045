/** What is refused, and how exactly its place is named: a rule that is read wrongly is a hole. */
import { expect } from 'chai';
import { SimError } from '../../../src/felix-sim/errors.js';
import { readCalicoScenario } from '../../../src/felix-sim/calico/scenario.js';

const HEAD = 'apiVersion: projectcalico.org/v3\nkind: ';
const rule = (text: string): string =>
  `${HEAD}NetworkPolicy\nmetadata: { name: np }\nspec:\n  ingress:\n  - { action: Allow }\n  - ${text}\n`;
const global = (spec: string): string =>
  `${HEAD}GlobalNetworkPolicy\nmetadata: { name: gp }\nspec: ${spec}\n`;
const kube = (spec: string): string =>
  `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { name: np }\nspec: ${spec}\n`;
const hep = (spec: string): string => `${HEAD}HostEndpoint\nmetadata: { name: h }\nspec: ${spec}\n`;

const REFUSED: readonly [string, string, string][] = [
  ['text that is no YAML', 'kind: [', '00.yaml:1: '],
  ['a document that is no mapping', 'just words', '00.yaml:1: '],
  [
    'an unknown kind',
    `${HEAD}Teapot\n`,
    '00.yaml:2: kind ("Teapot"): is no kind of projectcalico.org/v3',
  ],
  [
    'an unknown API',
    'apiVersion: apps/v1\nkind: Deployment\n',
    '00.yaml:1: apiVersion ("apps/v1"): is no API',
  ],
  [
    'a resource without a name',
    `${HEAD}Tier\nspec: {}\n`,
    'metadata.name: is missing, or is no text',
  ],
  [
    'a namespace where none belongs',
    `${HEAD}Tier\nmetadata: { name: t, namespace: x }\n`,
    '00.yaml:3: metadata.namespace ("x"): this kind is in no namespace',
  ],
  [
    'the second document by its own line',
    `${HEAD}Tier\nmetadata: { name: t }\n---\n${HEAD}Teapot\n`,
    '00.yaml:6: kind',
  ],
  [
    'a rule without an action',
    rule('{ protocol: TCP }'),
    '00.yaml:7: spec.ingress[1].action: is missing',
  ],
  [
    'an action of other spelling',
    rule('{ action: allow }'),
    'spec.ingress[1].action ("allow"): is none of Allow, Deny, Log, Pass',
  ],
  [
    'a misspelt match',
    rule('{ action: Allow, source: { notSelectr: all() } }'),
    'spec.ingress[1].source.notSelectr ("all()"): no such field',
  ],
  [
    'a misspelt field of a policy',
    global('{ preDnat: true }'),
    'spec.preDnat (true): no such field',
  ],
  [
    'a selector',
    rule("{ action: Allow, source: { selector: 'a =' } }"),
    'spec.ingress[1].source.selector ("a ="): is no selector: expected an operator',
  ],
  [
    'a CIDR',
    rule('{ action: Allow, source: { nets: [10.0.0.0/8, 10.0.0/8] } }'),
    'spec.ingress[1].source.nets[1] ("10.0.0/8"): is no CIDR',
  ],
  ['a protocol', rule('{ action: Allow, protocol: TCPP }'), 'protocol ("TCPP"): is none of tcp'],
  [
    'a protocol number',
    rule('{ action: Allow, protocol: 256 }'),
    'protocol (256): is no whole number from 1 to 255',
  ],
  [
    'ports without their protocol',
    rule('{ action: Allow, destination: { ports: [80] } }'),
    'protocol: is missing, or ports need the protocol',
  ],
  [
    'a port',
    rule('{ action: Allow, protocol: TCP, destination: { ports: [65536] } }'),
    'ports[0] (65536): is no whole number',
  ],
  [
    'a range that falls',
    rule("{ action: Allow, protocol: TCP, destination: { ports: ['9:8'] } }"),
    'ports[0] ("9:8"): is no port range',
  ],
  [
    'a port of strange name',
    rule("{ action: Allow, protocol: TCP, destination: { ports: ['a b'] } }"),
    'is no port, range or port name',
  ],
  [
    'ICMP types without ICMP',
    rule('{ action: Allow, protocol: TCP, icmp: { type: 8 } }'),
    'protocol ("TCP"): icmp needs the protocol',
  ],
  [
    'an ICMP code alone',
    rule('{ action: Allow, protocol: ICMP, icmp: { code: 0 } }'),
    'icmp ({"code":0}): has a code without a type',
  ],
  ['an IP version', rule('{ action: Allow, ipVersion: 5 }'), 'ipVersion (5): is neither 4 nor 6'],
  [
    'a service beside other matches',
    rule('{ action: Allow, destination: { services: { name: a }, nets: [10.0.0.0/8] } }'),
    'goes with no other condition',
  ],
  [
    'a service without a namespace',
    global('{ egress: [{ action: Allow, destination: { services: { name: a } } }] }'),
    'services.namespace: is missing',
  ],
  [
    'a path that is both',
    rule('{ action: Allow, http: { paths: [{ exact: /a, prefix: /b }] } }'),
    'needs exact or prefix',
  ],
  [
    'doNotTrack without applyOnForward',
    global('{ doNotTrack: true }'),
    'spec.applyOnForward: is missing, or must be true',
  ],
  [
    'preDNAT with egress',
    global('{ preDNAT: true, applyOnForward: true, types: [Egress] }'),
    'has no egress',
  ],
  [
    'preDNAT with doNotTrack',
    global('{ preDNAT: true, doNotTrack: true, applyOnForward: true }'),
    'goes not with doNotTrack',
  ],
  [
    'an order that is no number',
    global("{ order: 'first' }"),
    'spec.order ("first"): is no number',
  ],
  [
    'a list that is none',
    global('{ ingress: { action: Allow } }'),
    'spec.ingress ({"action":"Allow"}): is no list',
  ],
  [
    'a host endpoint without a place',
    hep('{ node: node-a }'),
    'spec.interfaceName: is missing, or needed where there are no expectedIPs',
  ],
  [
    'an expected address with a length',
    hep('{ node: node-a, expectedIPs: [10.0.0.1/32] }'),
    'expectedIPs[0] ("10.0.0.1/32"): is no IP address',
  ],
  [
    'a misspelt field of a Kubernetes policy',
    kube('{ podSelectors: {} }'),
    'spec.podSelectors ({}): no such field',
  ],
  [
    'an empty peer',
    kube('{ podSelector: {}, ingress: [{ from: [{}] }] }'),
    'needs ipBlock, podSelector or namespaceSelector',
  ],
  [
    'a block beside a selector',
    kube(
      '{ podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: 10.0.0.0/8 }, podSelector: {} }] }] }',
    ),
    'has ipBlock beside a selector',
  ],
  [
    'an operator without its values',
    kube('{ podSelector: { matchExpressions: [{ key: a, operator: In }] } }'),
    'values: is missing, or needs a value',
  ],
  [
    'a value that would end the quotes',
    kube(`{ podSelector: { matchLabels: { a: "x' || all() || a == 'x" } } }`),
    'is no value of a label',
  ],
  [
    'a last port without a first',
    kube('{ podSelector: {}, ingress: [{ ports: [{ endPort: 9 }] }] }'),
    'endPort (9): needs a port',
  ],
];

describe('refusals', () => {
  for (const [what, text, problem] of REFUSED) {
    it(what, () => {
      expect(() => readCalicoScenario([{ name: '00.yaml', text }]))
        .to.throw(SimError, problem)
        .with.property('code', 'scenario');
    });
  }

  const messages: readonly [string, string, string][] = [
    [
      'a step that is none',
      'steps: [{ step: nine, messages: [] }]',
      'messages.yaml:1: steps[0].step ("nine"): is none of start',
    ],
    [
      'InSync by hand',
      'steps: [{ step: start, messages: [{ in_sync: {} }] }]',
      'steps[0].messages[0]',
    ],
    [
      'an unknown payload',
      'steps:\n- step: start\n  messages:\n  - { teapot: {} }',
      'messages.yaml:4: steps[0].messages[0].teapot: no field',
    ],
    [
      'what Felix never does',
      'steps: [{ step: start, messages: [{ ipset_remove: { id: x } }, { ipset_delta_update: { id: x } }] }]',
      'step start: ',
    ],
  ];
  for (const [what, text, problem] of messages) {
    it(`messages: ${what}`, () => {
      const files = [
        { name: '00.yaml', text: '' },
        { name: 'messages.yaml', text },
      ];
      expect(() => readCalicoScenario(files)).to.throw(SimError, problem);
    });
  }
});
