/** Wrong about tiers, profiles and the stages of a port. */
import type { Mutation } from '../mutation.js';

const TIERS = 'src/translators/policy/tiers.ts';
const COMPILE = 'src/translators/policy/compile.ts';
const HOST = 'src/translators/policy/host-endpoints.ts';
const BINDING = 'src/translators/policy/native/binding.ts';
const CATALOG = 'src/translators/policy/catalog.ts';
const STAGES = 'src/translators/policy/plain/stage-lists.ts';
const COMPOSE = 'src/translators/policy/plain/compose.ts';

/** Order, staged policies, default actions, profiles. */
export const TIER_MUTATIONS: readonly Mutation[] = [
  {
    name: 'tiers are asked in reverse order',
    why: 'the application tier overrules the security tier',
    file: TIERS,
    find: 'return tiers.flatMap((tier) => {',
    replace: 'return [...tiers].reverse().flatMap((tier) => {',
  },
  {
    name: 'policies of a tier are asked in reverse order',
    why: 'a later allow overrules an earlier deny',
    file: TIERS,
    find: 'return [...unique.values()].map(',
    replace: 'return [...unique.values()].reverse().map(',
  },
  {
    name: 'staged policies are enforced',
    why: 'a policy on trial stops traffic',
    file: TIERS,
    find: 'tier[direction].filter(({ staged }) => !staged)',
    replace: 'tier[direction]',
  },
  {
    name: 'the default action of every tier is pass',
    why: 'what no policy of a tier allows goes on to the profile, and in',
    file: 'src/driver/convert/policy.ts',
    find: "=== 'pass' ? 'pass' : 'deny',",
    replace: "=== 'deny' ? 'deny' : 'pass',",
  },
  {
    name: 'native: default actions are swapped',
    why: 'what no policy of a tier allows goes on to the profile, and in',
    file: BINDING,
    find: "tier.defaultAction === 'pass' ? 'PASS' : 'DENY'",
    replace: "tier.defaultAction === 'pass' ? 'DENY' : 'PASS'",
  },
  {
    name: 'plain: the default action is always deny',
    why: 'a tier that passes by default stops what no policy of it matches',
    file: STAGES,
    find: 'otherwise: tier.defaultAction,',
    replace: "otherwise: 'deny' as const,",
  },
  {
    name: 'a tier without policies in a direction applies its default action',
    why: 'a tier for ingress stops egress',
    file: TIERS,
    find: 'return policies.length === 0 ? [] : [{ name, policies, defaultAction }];',
    replace: 'return [{ name, policies, defaultAction }];',
  },
  {
    name: 'profiles are asked before the tiers',
    why: 'the namespace profile lets in what a policy denies',
    file: COMPILE,
    find: 'tiers: tierPrograms(tiers, list, lists),',
    replace: `tiers: [
      ...(profiles.length === 0
        ? []
        : [
            {
              name: 'profiles',
              policies: profileLists(profiles, list, lists),
              defaultAction: 'pass' as const,
            },
          ]),
      ...tierPrograms(tiers, list, lists),
    ],`,
  },
  {
    name: 'only the first profile is asked',
    why: 'what a further profile allows is denied',
    file: TIERS,
    find: 'return [...new Set(profiles)].map((name)',
    replace: 'return [...new Set(profiles)].slice(0, 1).map((name)',
  },
  {
    name: 'plain: a profile without a match denies',
    why: 'the next profile is not asked',
    file: STAGES,
    find: "policies: [profile], defaultAction: 'pass' as const",
    replace: "policies: [profile], defaultAction: 'deny' as const",
  },
  {
    name: 'inbound and outbound rules change places',
    why: 'what a pod may receive is what it should be able to send',
    file: CATALOG,
    find: "ingress: readList(rules.inbound, source, 'ingress'),",
    replace: "ingress: readList(rules.outbound, source, 'ingress'),",
  },
  {
    name: 'a policy that is not there is empty',
    why: 'a pod is let in by its profile while its policy has not come',
    file: CATALOG,
    find: 'entry?.source[direction] ?? [denyEverything({ source, direction, index: 0 })];',
    replace: 'entry?.source[direction] ?? [];',
  },
];

/** Pods: what holds for each of them beside its policy. */
export const POD_MUTATIONS: readonly Mutation[] = [
  {
    name: 'an endpoint that is not active is treated as active',
    why: 'a pod that Felix has switched off sends and receives',
    file: COMPILE,
    find: 'if (endpoint.state !== ACTIVE) {',
    replace: "if (endpoint.state === 'never') {",
  },
  {
    name: 'native: every source address is allowed',
    why: 'a pod sends in the name of another',
    file: BINDING,
    find: 'allowedSources: program.allowedSources.map(formatCidr),',
    replace: "allowedSources: ['0.0.0.0/0', '::/0'],",
  },
  {
    name: 'plain: Vnics do not check source addresses',
    why: 'a pod sends in the name of another',
    file: 'src/translators/translator.ts',
    find: 'sourceGuard: !this.native',
    replace: 'sourceGuard: false',
  },
  {
    name: 'spoof prefixes count without the setting that allows them',
    why: 'a pod sends from a prefix that the cluster does not allow it',
    file: 'src/translators/endpoint-layout.ts',
    find: "if (this.config.workloadSourceSpoofing !== 'Any') return [];",
    replace: '',
  },
  {
    name: 'DefaultEndpointToHostAction is ignored',
    why: 'a pod reaches services of the host',
    file: COMPILE,
    find: 'toHostAction: config.endpointToHostAction,',
    replace: "toHostAction: 'ACCEPT',",
  },
  {
    name: 'plain: the action towards the host is not asked',
    why: 'a pod reaches services of the host',
    file: COMPOSE,
    find: "...stepsOf([refused], 'deny', 'to-host-action|DROP'),",
    replace: '',
  },
  {
    name: 'pods may send VXLAN',
    why: 'a pod injects packets into other nodes, around every policy',
    file: COMPILE,
    find: '...(config.vxlanFromWorkloadsAllowed ? {} : { vxlanPort: config.vxlanPort }),',
    replace: '',
  },
  {
    name: 'pods may send IP-in-IP',
    why: 'a pod injects packets into other nodes, around every policy',
    file: COMPILE,
    find: 'ipip: !config.ipipFromWorkloadsAllowed,',
    replace: 'ipip: false,',
  },
  {
    name: 'plain: every source passes as if it were the host',
    why: "no pod's ingress policy is asked any more",
    file: COMPOSE,
    find: 'const box = narrow(everything(facts.family), { source: facts.host });',
    replace:
      'const box = narrow(everything(facts.family), { source: facts.host.or(facts.foreign) });',
  },
  {
    name: 'what the host sends to its own pods is policed',
    why: 'probes of the kubelet fail',
    file: COMPILE,
    find: 'fromHostBypass: true,',
    replace: 'fromHostBypass: false,',
  },
  {
    name: 'plain: router advertisements count as neighbour discovery',
    why: 'a pod tells the host who its router is',
    file: COMPOSE,
    find: 'const NEIGHBOUR_TYPES = [130, 131, 132, 133, 135, 136];',
    replace: 'const NEIGHBOUR_TYPES = [130, 131, 132, 133, 134, 135, 136];',
  },
  {
    name: 'a pod gets an address of the host',
    why: 'what is meant for the host goes to a pod',
    file: 'src/translators/endpoint-layout.ts',
    find: 'const owner = isHost(address)',
    replace: 'const owner = isHost(address) && false',
  },
];

/** Host endpoints. */
export const HOST_MUTATIONS: readonly Mutation[] = [
  {
    name: 'plain: failsafes allow in FORWARD too',
    why: 'forwarded packets to port 22 pass around forward policy',
    file: STAGES,
    find: "stage.kind !== 'PRE_DNAT' && stage.kind !== 'HOST') return [];",
    replace:
      "stage.kind !== 'PRE_DNAT' && stage.kind !== 'HOST' && stage.kind !== 'FORWARD') return [];",
  },
  {
    name: 'inbound and outbound failsafes change places',
    why: 'the node is locked out of its own SSH',
    file: COMPILE,
    find: "direction: direction === 'inbound' ? 'INBOUND' : 'OUTBOUND',",
    replace: "direction: direction === 'inbound' ? 'OUTBOUND' : 'INBOUND',",
  },
  {
    name: 'prefixes of failsafes are ignored',
    why: 'a failsafe for one network is one for all',
    file: COMPILE,
    find: '...(prefix === undefined ? {} : { prefix: formatCidr(prefix) }),',
    replace: '',
  },
  {
    name: "plain: an allow of a host endpoint skips the pod's own policy",
    why: 'an allow before DNAT or in forward tiers opens every pod',
    file: COMPOSE,
    find: `const limited = { ...guard, list: onlyFor(guard.list, inside) };
    return both(limited, next, composer.productMax);`,
    replace: `const limited = { ...guard, list: onlyFor(guard.list, inside) };
    return bind(limited, 'pass', next, composer.productMax);`,
  },
  {
    name: 'a specific host endpoint hides the preDNAT tiers of `*`',
    why: 'a deny for all interfaces does not hold on the one that matters',
    file: COMPILE,
    find: 'return [specific, star].find((endpoint) => (endpoint?.preDnatTiers.length ?? 0) > 0);',
    replace: 'return specific ?? star;',
  },
  {
    name: '`*` does not cover vNICs',
    why: 'pods reach what forward tiers of all interfaces deny',
    file: COMPILE,
    find: 'const stages = [...star.from, egress, ...star.to, ingress];',
    replace: 'const stages = [egress, ingress];',
  },
  {
    name: '`*` overrules the specific host endpoint',
    why: 'the interface gets the policy of another endpoint',
    file: COMPILE,
    find: 'const main = host.specific ?? host.star;',
    replace: 'const main = host.star ?? host.specific;',
  },
  {
    name: 'untracked and preDNAT tiers end in their default action',
    why: 'under a Felix before v3.29 everything they do not name is denied',
    file: COMPILE,
    find: "const ending = kind === 'FORWARD' ? {} : ({ defaultAction: 'pass' } as const);",
    replace: 'const ending = {};',
  },
  {
    name: 'the greatest id wins an interface',
    why: 'of two host endpoints the wrong one is in force',
    file: HOST,
    find: 'sort((a, b) => compareText(a.id, b.id));',
    replace: 'sort((a, b) => compareText(b.id, a.id));',
  },
  {
    name: 'a host endpoint of another interface falls back to its addresses',
    why: 'policy of an interface that is not there is put on the uplink',
    file: HOST,
    find: "endpoint.interfaceName === ''\n",
    replace: 'endpoint.interfaceName !== name\n',
  },
  {
    name: 'ingress and egress of host endpoints change places',
    why: 'what the host may send is what it receives',
    file: COMPILE,
    find: "return direction === 'FROM_PORT' ? 'ingress' : 'egress';",
    replace: "return direction === 'FROM_PORT' ? 'egress' : 'ingress';",
  },
  {
    name: 'untracked tiers are not asked',
    why: 'what a host endpoint drops before tracking is let in',
    file: COMPILE,
    find: 'const untracked = host.specific?.untrackedTiers ?? [];',
    replace: 'const untracked: readonly Tier[] = [];',
  },
  {
    name: "plain: host policy decides about local pods' packets",
    why: 'a pod that its own policy lets reach the host is stopped',
    file: COMPOSE,
    find: 'source: facts.pods.or(facts.host) });',
    replace: 'source: facts.host });',
  },
];
