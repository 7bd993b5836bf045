/** Wrong about the conditions and the action of one rule. */
import type { Mutation } from '../mutation.js';

const NORMALISE = 'src/translators/policy/normalise.ts';
const PARTS = 'src/translators/policy/match-parts.ts';
const NATIVE = 'src/translators/policy/native/rules.ts';
const BOXES = 'src/translators/policy/plain/rule-boxes.ts';
const STAGES = 'src/translators/policy/plain/stage-lists.ts';
const WIRE = 'src/driver/convert/rule.ts';
const SETS = 'src/translators/policy/set-uses.ts';

/** Conditions. */
export const CONDITION_MUTATIONS: readonly Mutation[] = [
  {
    name: 'native: negated prefixes are dropped',
    why: '"all but 10.0.0.0/8" lets 10.0.0.0/8 in',
    file: NATIVE,
    find: 'notPrefixes: sideRule.notNets.map(formatCidr),',
    replace: 'notPrefixes: [],',
  },
  {
    name: 'plain: negated prefixes are dropped',
    why: '"all but 10.0.0.0/8" lets 10.0.0.0/8 in',
    file: BOXES,
    find: 'if (side.notNets.length > 0) addresses = addresses.minus(netsOf(side.notNets, reader.family));',
    replace: '',
  },
  {
    name: 'plain: a negated set is read as a positive one',
    why: 'exactly the addresses that are meant to be left out match',
    file: BOXES,
    find: 'if (members !== undefined) addresses = addresses.minus(members);',
    replace: 'if (members !== undefined) addresses = addresses.and(members);',
  },
  {
    name: 'negated ports are dropped',
    why: '"all ports but 22" opens port 22',
    file: NORMALISE,
    find: 'notPorts: this.read(`not_${name}_ports`, readPorts(side.notPorts)),',
    replace: 'notPorts: [],',
  },
  {
    name: 'native: of several sets only the first counts',
    why: 'sources in one set, but not in the other, match',
    file: NATIVE,
    find: 'groups: netGroups(sideRule.ipSets, names),',
    replace: 'groups: netGroups(sideRule.ipSets.slice(0, 1), names),',
  },
  {
    name: 'plain: several sets are joined by OR',
    why: 'sources in one set, but not in the other, match',
    file: BOXES,
    find: 'for (const id of side.ipSets) addresses = addresses.and(netMembers(id, reader) ?? addresses);',
    replace: `let any = addressDomain(reader.family).empty;
  for (const id of side.ipSets) any = any.or(netMembers(id, reader) ?? any);
  if (side.ipSets.length > 0) addresses = addresses.and(any);`,
  },
  {
    name: 'native: port ranges end one port later',
    why: 'a rule for ports 8000-8080 opens 8081',
    file: NATIVE,
    find: 'return { low: first, high: last };',
    replace: 'return { low: first, high: Math.min(last + 1, 65535) };',
  },
  {
    name: 'plain: port ranges begin one port earlier',
    why: 'a rule for ports 8000-8080 opens 7999',
    file: BOXES,
    find: '({ first, last }) => ({ low: first, high: last })',
    replace: '({ first, last }) => ({ low: Math.max(first - 1, 0), high: last })',
  },
  {
    name: 'native: a rule of one family is made for both',
    why: 'an allow for IPv4 alone lets IPv6 in',
    file: NATIVE,
    find: '...(family === undefined || families.length === FAMILIES.length ? {} : { family }),',
    replace: '...(family === undefined || families.length === FAMILIES.length ? {} : {}),',
  },
  {
    name: 'plain: a rule of one family is made for both',
    why: 'an allow for IPv4 alone lets IPv6 in',
    file: BOXES,
    find: 'if (!rule.families.includes(family)) return { boxes: [] };',
    replace: '',
  },
  {
    name: 'the family filter does not look at negated prefixes',
    why: 'not_src_net of IPv6 alone matches every IPv4 packet; Calico skips the rule there',
    file: PARTS,
    find: 'holdsFamily(notNets, candidate) &&',
    replace: '',
  },
  {
    name: 'ICMP type 0 is read as no type',
    why: 'an allow of echo replies allows all of ICMP',
    file: WIRE,
    find: "if (wire.icmp === 'icmp_type') return { type: wire.icmp_type };",
    replace:
      "if (wire.icmp === 'icmp_type') return wire.icmp_type === 0 ? undefined : { type: wire.icmp_type };",
  },
  {
    name: 'ICMP codes are ignored',
    why: '"type 3 code 4" matches every unreachable',
    file: NORMALISE,
    find: '(icmp.code === undefined || isByte(icmp.code))) return icmp;',
    replace: '(icmp.code === undefined || isByte(icmp.code))) return { type: icmp.type };',
  },
  {
    name: 'plain: a negated ICMP type matches packets that are no ICMP',
    why: 'an allow of "not ICMP type 8" lets TCP in',
    file: BOXES,
    find: 'if (rule.icmp === undefined && rule.notIcmp === undefined) return protocols;',
    replace: 'if (rule.icmp === undefined) return protocols;',
  },
  {
    name: 'plain: members of a named port match every protocol',
    why: 'a named TCP port opens the UDP port of that number',
    file: BOXES,
    find: 'return { protocols: protocolSet(group.protocol), ...at(name, group.addresses, group.ports) };',
    replace: 'return { protocols: PORT_PROTOCOLS, ...at(name, group.addresses, group.ports) };',
  },
  {
    name: 'members of a named port are all read as TCP',
    why: 'a named UDP port opens the TCP port of that number',
    file: 'src/translators/members.ts',
    find: 'return `${formatIp(ip)},${protocol}:${port}`;',
    replace: 'return `${formatIp(ip)},6:${port}`;',
  },
  {
    name: 'native: named ports do not count beside numeric ones',
    why: 'a port that the rule names is closed',
    file: NATIVE,
    find: 'namedPortGroups: portGroups(sideRule.namedPorts, names),',
    replace:
      'namedPortGroups: sideRule.ports.length > 0 ? [] : portGroups(sideRule.namedPorts, names),',
  },
  {
    name: 'plain: named ports do not count beside numeric ones',
    why: 'a port that the rule names is closed',
    file: BOXES,
    find: 'for (const id of side.namedPorts) {',
    replace: 'for (const id of side.ports.length > 0 ? [] : side.namedPorts) {',
  },
  {
    name: 'native: address and port sets of services are dropped',
    why: 'an allow to one service allows every destination',
    file: NATIVE,
    find: 'ipPortGroups: portGroups(rule.destinationIpPortSets, names),',
    replace: 'ipPortGroups: [],',
  },
  {
    name: 'a negated protocol is dropped',
    why: '"all but UDP" lets UDP in',
    file: NORMALISE,
    find: '...(notProtocol === undefined ? {} : { notProtocol }),',
    replace: '...(notProtocol === undefined ? {} : {}),',
  },
];

/** Actions, and rules that cannot be read. */
export const ACTION_MUTATIONS: readonly Mutation[] = [
  {
    name: 'native: pass is taken for allow',
    why: 'what one tier leaves to the next is let in',
    file: NATIVE,
    find: "pass: 'PASS',",
    replace: "pass: 'ALLOW',",
  },
  {
    name: 'plain: pass is taken for allow',
    why: 'what one tier leaves to the next is let in',
    file: STAGES,
    find: "const outcome = problem === undefined ? rule.action : 'deny';",
    replace:
      "const outcome = problem !== undefined ? 'deny' : rule.action === 'deny' ? 'deny' : 'allow';",
  },
  {
    name: 'pass is ignored',
    why: 'later rules of the same tier decide what was meant for the next tier',
    file: WIRE,
    find: "['next-tier', 'pass'],",
    replace: "['next-tier', 'log'],",
  },
  {
    name: 'an empty action denies',
    why: 'rules of a Felix that leaves the default action out stop what they allow',
    file: WIRE,
    find: "['', 'allow'],",
    replace: "['', 'deny'],",
  },
  {
    name: 'an unknown action allows',
    why: 'a rule that we cannot read lets packets in',
    file: NORMALISE,
    find: `rule: this.origin, reason });
    return 'deny';`,
    replace: `rule: this.origin, reason });
    return 'allow';`,
  },
  {
    name: 'native: a log rule ends the evaluation',
    why: 'what later rules allow is denied',
    file: NATIVE,
    find: "log: 'LOG',",
    replace: "log: 'DENY',",
  },
  {
    name: 'plain: a log rule allows',
    why: 'what is only to be noted is let in',
    file: STAGES,
    find: "if (rule.action === 'log') continue;",
    replace: '',
  },
  {
    name: 'an unknown protocol is no condition, and the rule stays',
    why: 'an allow of a protocol that we do not know allows all of them',
    file: NORMALISE,
    find: 'this.unreadable = true;',
    replace: '',
  },
  {
    name: 'a set that is not there is ignored',
    why: 'the rule list goes on behind a rule that cannot be asked',
    file: SETS,
    find: "return [{ blocks: true, problem: { code: 'missing-referent', rule: origin, reason } }];",
    replace:
      "return [{ blocks: false, problem: { code: 'missing-referent', rule: origin, reason } }];",
  },
  {
    name: 'malformed members of a set are ignored in a deny',
    why: 'an address that should be stopped is let through, for its text could not be read',
    file: SETS,
    find: 'return [{ blocks: !narrows, problem:',
    replace: 'return [{ blocks: false, problem:',
  },
];
