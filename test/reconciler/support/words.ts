/**
 * Plans in a line of words per object, for stories and random plans:
 *
 *     acl deny 4 port=80            SecurityPolicy        vpc v               Vpc
 *     subnet s vpc=v mac=..         Subnet                iface a [down]      Interface
 *     vnic a acl=deny [guard]       Vnic (subnet s, interface a)
 *     map 10.0.0.1 vnic=a           Mapping (VPC v, subnet s)
 *     group g PREFIX|IP_PORT m m    AddressGroup          policy p groups=g,h rule=2
 *     bind a policies=p,q           binding of vNIC a; `bind uplink` and `bind tunnel` are those ports
 *
 * `for=x,y` names origins; `closed` gives a binding or vNIC a closed form.
 */
import {
  ObjectNamer,
  keyText,
  type ObjectKey,
  type ObjectKind,
} from '../../../src/opi/objects/key.js';
import { ANY_ENDPOINT, MATCH_ALL } from '../../../src/opi/objects/match.js';
import { specText, type PlanEntry } from '../../../src/opi/objects/plan.js';
import type {
  AnyObject,
  PolicyBindingSpec,
  PortRefSpec,
  SecurityPolicySpec,
  SpecByKind,
} from '../../../src/opi/objects/specs.js';

const KIND_OF_WORD: Readonly<Record<string, ObjectKind>> = {
  acl: 'securityPolicy',
  vpc: 'vpc',
  subnet: 'subnet',
  iface: 'interface',
  vnic: 'vnic',
  map: 'mapping',
  group: 'addressGroup',
  policy: 'networkPolicy',
  bind: 'policyBinding',
};

/** Words of one line, split into positional ones and `name=value` ones. */
interface Words {
  readonly plain: readonly string[];
  readonly named: ReadonlyMap<string, string>;
}

/** Reads lines of words into plan entries, and tells keys and specs back in words. */
export class Vocabulary {
  readonly namer: ObjectNamer;
  private readonly names = new Map<string, string>();
  private readonly specs = new Map<string, string>();

  constructor(owner = 'node-1') {
    this.namer = new ObjectNamer(owner);
  }

  /** The plan entry of a line. */
  entry(line: string): PlanEntry {
    const words = wordsOf(line);
    const [word = '', name = ''] = words.plain;
    const key = this.key(word, name);
    const object = { key, spec: this.specOf(word, words) } as AnyObject;
    this.remember(object, line);
    const members = word === 'group' ? { members: new Set(words.plain.slice(3)) } : {};
    const closed = words.plain.includes('closed') ? { closed: this.closedForm(object) } : {};
    return { object, origins: list(words, 'for'), ...members, ...closed };
  }

  /** Entries of all lines that are no blank or comment. */
  entries(text: string): PlanEntry[] {
    return linesOf(text).map((line) => this.entry(line));
  }

  /** Key of a word and a name. */
  key(word: string, name: string): ObjectKey {
    const kind = KIND_OF_WORD[word];
    if (kind === undefined) throw new Error(`"${word} ${name}": no such word`);
    const key = this.namer.key(kind, name);
    this.names.set(keyText(key), `${word} ${name}`);
    return key;
  }

  /** Puts words in place of keys in the text of a call. */
  inWords(text: string): string {
    return text.replace(/[a-zA-Z]+\/[\w.-]+/g, (key) => this.names.get(key) ?? key);
  }

  /** An object in the words it was made from, and its members. */
  describe({ object, members }: PlanEntry): string {
    const text = keyText(object.key);
    const known = this.specs.get(`${text} ${specText(object)}`) ?? `${text} ${specText(object)}`;
    return members === undefined ? known : [known, ...[...members].sort()].join(' ');
  }

  private remember(object: AnyObject, line: string): void {
    const { plain, named } = wordsOf(line);
    const shown = plain
      .slice(0, plain[0] === 'group' ? 3 : undefined)
      .filter((word) => word !== 'closed');
    const values = [...named]
      .filter(([name]) => name !== 'for')
      .map(([name, value]) => `${name}=${value}`);
    this.specs.set(`${keyText(object.key)} ${specText(object)}`, [...shown, ...values].join(' '));
  }

  private closedForm(object: AnyObject): AnyObject {
    const closed =
      object.key.kind === 'policyBinding'
        ? { ...(object.spec as PolicyBindingSpec), stages: [], disabled: true }
        : { ...(object.spec as SpecByKind['vnic']), ingressV4: [], egressV4: [] };
    const result = { key: object.key, spec: closed } as AnyObject;
    this.specs.set(
      `${keyText(object.key)} ${specText(result)}`,
      `${this.names.get(keyText(object.key))} CLOSED`,
    );
    return result;
  }

  private specOf(word: string, words: Words): SpecByKind[ObjectKind] {
    const [, name = '', third = ''] = words.plain;
    switch (word) {
      case 'acl':
        return aclSpec(third === '6' ? 6 : 4, Number(words.named.get('port') ?? 80));
      case 'vpc':
        return words.named.has('vni') ? { vni: Number(words.named.get('vni')) } : {};
      case 'subnet':
        return {
          vpc: this.ref('vpc', words.named.get('vpc') ?? 'v'),
          ...(words.named.has('mac') ? { routerMac: words.named.get('mac')! } : {}),
        };
      case 'iface':
        return { ifname: words.named.get('ifname') ?? name, vf: true, adminUp: third !== 'down' };
      case 'vnic':
        return this.vnicSpec(name, words);
      case 'map':
        return {
          vpc: this.ref('vpc', 'v'),
          ip: words.named.get('ip') ?? name,
          subnet: this.ref('subnet', 's'),
          destination: this.ref('vnic', words.named.get('vnic') ?? ''),
        };
      case 'group':
        return { memberType: third === 'IP_PORT' ? 'IP_PORT' : 'PREFIX' };
      case 'policy':
        return this.policySpec(words);
      default:
        return this.bindingSpec(name, words);
    }
  }

  private vnicSpec(name: string, words: Words): SpecByKind['vnic'] {
    const acls = list(words, 'acl').map((acl) => this.ref<'securityPolicy'>('acl', acl));
    return {
      subnet: this.ref('subnet', words.named.get('subnet') ?? 's'),
      hostInterface: this.ref('iface', words.named.get('iface') ?? name),
      sourceGuard: words.plain.includes('guard'),
      ingressV4: acls,
      ingressV6: [],
      egressV4: acls,
      egressV6: [],
    };
  }

  private policySpec(words: Words): SpecByKind['networkPolicy'] {
    const groups = list(words, 'groups').map((group) => this.ref<'addressGroup'>('group', group));
    const match = { ...MATCH_ALL, source: { ...ANY_ENDPOINT, groups } };
    const ruleId = `rule-${words.named.get('rule') ?? '1'}`;
    return { ingressRules: [{ ruleId, action: 'ALLOW', match }], egressRules: [] };
  }

  private bindingSpec(name: string, words: Words): PolicyBindingSpec {
    const policies = list(words, 'policies').map((policy) =>
      this.ref<'networkPolicy'>('policy', policy),
    );
    return {
      port: this.portOf(name, words),
      stages: [
        {
          kind: name === 'uplink' ? 'HOST' : name === 'tunnel' ? 'FORWARD' : 'WORKLOAD',
          direction: 'TO_PORT',
          ruleList: 'INGRESS',
          tiers: [{ tierId: 'default', policies, defaultAction: 'DENY' }],
          profiles: [],
        },
      ],
      failsafes: [],
      allowedSources: [],
      toHostAction: 'RETURN',
      fromHostBypass: true,
      invalidAction: 'DROP',
      establishedPolicy: 'KEEP',
      disabled: false,
      deniedEncapsulation: { ipip: false },
    };
  }

  private portOf(name: string, words: Words): PortRefSpec {
    if (name === 'uplink') return { port: 'UPLINK' };
    if (name === 'tunnel') return { port: 'TUNNEL' };
    return { vnic: this.ref('vnic', words.named.get('vnic') ?? name) };
  }

  private ref<K extends ObjectKind>(word: string, name: string): ObjectKey<K> {
    return this.key(word, name) as ObjectKey<K>;
  }
}

/** Lines of a text without blank ones and comments. */
export function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '');
}

function wordsOf(line: string): Words {
  const words = line.split(/\s+/);
  const named = words
    .filter((word) => word.includes('='))
    .map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)] as const);
  return { plain: words.filter((word) => !word.includes('=')), named: new Map(named) };
}

function list({ named }: Words, name: string): string[] {
  return (named.get(name) ?? '').split(',').filter((item) => item !== '');
}

function aclSpec(family: 4 | 6, port: number): SecurityPolicySpec {
  return {
    family,
    defaultAction: 'DENY',
    format: 'FLATTENED',
    rules: [
      {
        ruleName: 'only',
        priority: 1,
        action: 'ALLOW',
        terminating: true,
        protocol: 6,
        source: [],
        destination: [],
        sourcePorts: [],
        destinationPorts: [{ low: port, high: port }],
        icmp: [],
      },
    ],
  };
}
