/** Random rules with every field of the Rule message, within what Calico's API lets through. */
import fc from 'fast-check';
import type { ProtocolDraft, RuleDraft } from '../felix/world.js';
import { ICMP_TYPES, anyPrefix, defined, maybe, portRange } from './values.js';

/** Ids of the sets that rules may name; every random world has them. */
export const NET_SETS = ['s:1', 's:2', 's:3', 's:4'] as const;
/** Named-port sets. */
export const PORT_SETS = ['n:1', 'n:2'] as const;
/** Address and port sets of services. */
export const SERVICE_SETS = ['svc:1'] as const;

const action = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom('allow', 'Allow', '') },
  { weight: 6, arbitrary: fc.constant('deny') },
  { weight: 3, arbitrary: fc.constantFrom('pass', 'next-tier') },
  { weight: 2, arbitrary: fc.constant('log') },
);

const prefixes = fc.array(anyPrefix({ whole: true }), { minLength: 1, maxLength: 3 });
const netSets = fc.array(fc.constantFrom(...NET_SETS), { minLength: 1, maxLength: 2 });

function sideFields(side: 'src' | 'dst') {
  return fc
    .record({
      nets: maybe(prefixes, 15),
      notNets: maybe(prefixes, 10),
      sets: maybe(netSets, 18),
      notSets: maybe(netSets, 10),
    })
    .map(({ nets, notNets, sets, notSets }) =>
      defined({
        [`${side}_net`]: nets,
        [`not_${side}_net`]: notNets,
        [`${side}_ip_set_ids`]: sets,
        [`not_${side}_ip_set_ids`]: notSets,
      }),
    );
}

const ranges = fc.array(portRange, { minLength: 1, maxLength: 3 });
const namedPorts = fc.array(fc.constantFrom(...PORT_SETS), { minLength: 1, maxLength: 2 });

function portFields(side: 'src' | 'dst', often: number) {
  return fc
    .record({
      ports: maybe(ranges, often),
      named: maybe(namedPorts, often / 2),
      notPorts: maybe(ranges, often / 3),
      notNamed: maybe(namedPorts, often / 4),
    })
    .map(({ ports, named, notPorts, notNamed }) =>
      defined({
        [`${side}_ports`]: ports,
        [`${side}_named_port_ip_set_ids`]: named,
        [`not_${side}_ports`]: notPorts,
        [`not_${side}_named_port_ip_set_ids`]: notNamed,
      }),
    );
}

const portProtocol: fc.Arbitrary<ProtocolDraft> = fc.constantFrom(
  { name: 'tcp' },
  { number: 6 },
  { name: 'udp' },
  { number: 17 },
  { name: 'sctp' },
);

/** Rules of a protocol with ports. */
const portRule = fc
  .tuple(portProtocol, portFields('src', 10), portFields('dst', 50))
  .map(([protocol, source, destination]): RuleDraft => ({ protocol, ...source, ...destination }));

function icmpMatch(family: 4 | 6): fc.Arbitrary<RuleDraft> {
  const type = fc.constantFrom(...ICMP_TYPES[family]);
  const typeAndCode = fc.record({ type, code: fc.constantFrom(0, 1, 3) });
  return fc.oneof(
    fc.constant({}),
    type.map((icmp_type) => ({ icmp_type })),
    typeAndCode.map((icmp_type_code) => ({ icmp_type_code })),
    type.map((not_icmp_type) => ({ not_icmp_type })),
    typeAndCode.map((not_icmp_type_code) => ({ not_icmp_type_code })),
  );
}

/** Felix fills the IP version for the protocol names of ICMP, not for their numbers. */
const icmpRule = fc.oneof(
  icmpMatch(4).map((match): RuleDraft => ({ ip_version: 4, protocol: { name: 'icmp' }, ...match })),
  icmpMatch(6).map((match): RuleDraft => ({
    ip_version: 6,
    protocol: { name: 'icmpv6' },
    ...match,
  })),
  icmpMatch(4).map((match): RuleDraft => ({ protocol: { number: 1 }, ...match })),
  icmpMatch(6).map((match): RuleDraft => ({ protocol: { number: 58 }, ...match })),
);

const otherRule = fc.oneof(
  { weight: 6, arbitrary: fc.constant<RuleDraft>({}) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<RuleDraft>(
      { protocol: { number: 47 } },
      { protocol: { number: 4 } },
      { protocol: { name: 'udplite' } },
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom<ProtocolDraft>(
        { name: 'tcp' },
        { number: 17 },
        { name: 'icmp' },
        { number: 58 },
      )
      .map((not_protocol): RuleDraft => ({ not_protocol })),
  },
  { weight: 1, arbitrary: fc.constant<RuleDraft>({ not_icmp_type: 8 }) },
);

/** A service's rule has no other condition on the destination. */
const serviceRule = sideFields('src').map((source): RuleDraft => ({
  ...source,
  dst_ip_port_set_ids: [...SERVICE_SETS],
}));

const plainRule = fc
  .tuple(
    fc.oneof(
      { weight: 5, arbitrary: portRule },
      { weight: 2, arbitrary: icmpRule },
      { weight: 4, arbitrary: otherRule },
    ),
    sideFields('src'),
    sideFields('dst'),
    maybe(fc.constantFrom<4 | 6>(4, 6), 8),
  )
  .map(([transport, source, destination, version]): RuleDraft => ({
    ...(version === undefined ? {} : { ip_version: version }),
    ...transport,
    ...source,
    ...destination,
  }));

/** A rule. */
export const rule: fc.Arbitrary<RuleDraft> = fc
  .tuple(
    fc.oneof({ weight: 15, arbitrary: plainRule }, { weight: 1, arbitrary: serviceRule }),
    action,
  )
  .map(([match, what]) => ({ ...match, action: what }));

/** A list of rules, often short. */
export const rules = fc.array(rule, { maxLength: 4 });
