/**
 * Random clusters, changed at random: whatever way leads to a state, a driver ends with what a Felix that starts in that state
 * would say; on the way nothing breaks the order that Felix guarantees (each session is held against it as it is made).
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { readCalicoScenario } from '../../../src/felix-sim/calico/scenario.js';
import { SessionReader } from './states.js';
import { global, networkPolicy, workload } from './world.js';

const SELECTORS = ['all()', 'a == "1"', 'a != "1" && !has(b)', 'b in {"1","2"}', 'pcns.t == "x"'];
const NETS = [
  '10.0.0.0/8',
  '10.1.0.0/16',
  '10.1.2.0/24',
  '0.0.0.0/0',
  '::/0',
  'fd00::/8',
  '10.1.2.3',
];

const selector = fc.constantFrom(...SELECTORS).map((text) => `'${text}'`);
const labels = fc
  .tuple(fc.constantFrom('', 'a: "1"', 'a: "2"'), fc.constantFrom('', 'b: "1"', 'b: "3"'))
  .map((parts) => ['w: x', ...parts.filter((part) => part !== '')].join(', '));
const entity = fc
  .record({
    select: fc.option(selector),
    spaces: fc.option(fc.constantFrom("'all()'", "'global()'", 't == "x"')),
    negated: fc.option(selector),
    ports: fc.constantFrom('', 'ports: [80, web]', 'ports: [web]'),
  })
  .map(({ select, spaces, negated, ports }) =>
    [
      select !== null && `selector: ${select}`,
      spaces !== null && `namespaceSelector: ${spaces}`,
      negated !== null && `notSelector: ${negated}`,
      ports,
    ]
      .filter(Boolean)
      .join(', '),
  );
const rules = fc
  .array(
    fc
      .tuple(fc.constantFrom('Allow', 'Deny', 'Pass'), entity, entity)
      .map(
        ([action, from, to]) =>
          `{ action: ${action}, protocol: TCP, source: { ${from} }, destination: { ${to} } }`,
      ),
    { maxLength: 2 },
  )
  .map((list) => `[${list.join(', ')}]`);

const policySpec = fc
  .record({
    select: selector,
    order: fc.integer({ min: 1, max: 3 }),
    ingress: rules,
    egress: rules,
    tier: fc.constantFrom('default', 'top', 'gone'),
  })
  .map(
    ({ select, order, ingress, egress, tier }) =>
      `{ selector: ${select}, order: ${order}, tier: ${tier}, ingress: ${ingress}, egress: ${egress} }`,
  );

const index = fc.integer({ min: 0, max: 2 });

/** One resource; those of equal kind and index are the same one. */
const resource: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(index, labels, fc.constantFrom('node-a', 'node-b'))
      .map(([at, own, node]) =>
        workload(
          `p${at}`,
          `10.1.2.${at + 3}/32, 'fd00::${at + 3}/128'`,
          own,
          `ports: [{ name: web, protocol: TCP, port: ${80 + at} }]`,
          node,
        ),
      ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(index, policySpec).map(([at, spec]) => networkPolicy(`np${at}`, spec)),
  },
  fc
    .tuple(index, policySpec, fc.constantFrom('', ', applyOnForward: true, doNotTrack: true'))
    .map(([at, spec, more]) =>
      global('GlobalNetworkPolicy', `gp${at}`, spec.replace(/ }$/, `${more} }`)),
    ),
  fc
    .tuple(index, fc.subarray(NETS), labels)
    .map(([at, nets, own]) =>
      global(
        'GlobalNetworkSet',
        `s${at}`,
        `{ nets: [${nets.map((net) => `'${net}'`).join(', ')}] }`,
        `{ ${own} }`,
      ),
    ),
  fc
    .tuple(index, labels)
    .map(([at, own]) =>
      global(
        'HostEndpoint',
        `h${at}`,
        `{ node: node-a, interfaceName: eth${at}, expectedIPs: [10.9.0.${at}] }`,
        `{ ${own} }`,
      ),
    ),
  fc
    .constantFrom('x', 'y')
    .map((team) =>
      global(
        'Profile',
        'kns.shop',
        `{ ingress: [{ action: Allow, source: { selector: has(w) } }], labelsToApply: { pcns.t: ${team} } }`,
      ),
    ),
  fc.integer({ min: 1, max: 9 }).map((order) => global('Tier', 'top', `{ order: ${order} }`)),
  fc
    .constantFrom('Disabled', 'Auto')
    .map((mode) => global('FelixConfiguration', 'default', `{ nftablesMode: ${mode} }`)),
);

/** A step: resources to apply, or to delete. */
const step = fc.record({
  documents: fc.array(resource, { minLength: 1, maxLength: 5 }),
  deletes: fc.boolean(),
});

describe('random clusters', () => {
  it('end in the same view by whatever way', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), (steps) => {
        const files = steps.map(({ documents, deletes }, at) => ({
          name: `${10 + at}${deletes ? '.delete' : ''}.yaml`,
          text: documents.join(''),
        }));
        const slow = readCalicoScenario([{ name: '00.yaml', text: '' }, ...files], {
          node: 'node-a',
        });
        // All at once: the same files, before Felix starts.
        const early = files.map(({ name, text }) => ({ name: `00-${name}`, text }));
        const atOnce = readCalicoScenario(early, { node: 'node-a' });
        const endOf = ({ streams }: typeof slow) => {
          const frames = streams.at(-1)!;
          return new SessionReader(frames).after(frames.length);
        };
        expect(endOf(slow)).to.deep.equal(endOf(atOnce));
      }),
      { interruptAfterTimeLimit: 6_000, numRuns: 400 },
    );
  });
});
