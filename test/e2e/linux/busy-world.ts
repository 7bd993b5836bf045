/**
 * A node whose policy never rests: one world after another, each a random small change of the one before. What `busyFlows`
 * says of its packets holds in every one of them.
 */
import type { Message } from '../../support/felix/wire.js';
import {
  ADDRESSES,
  session,
  type HostEndpointDraft,
  type PodDraft,
  type PolicyDraft,
  type RuleDraft,
  type World,
} from '../../support/felix/world.js';
import { changesBetween } from '../../support/update-safety/changes.js';
import type { Chance } from '../../support/chance.js';
import { MOVING_PORT } from './busy-flows.js';

/** Policies that say nothing of the flows. */
const FILLERS = 16;
const NOISE = 's:noise';
const NOISE_MEMBERS_MAX = 400;
const NEWCOMERS_MAX = 4;
const [A, A6] = ADDRESSES.a;
const [C, C6] = ADDRESSES.c;
const WIRE = `${ADDRESSES.wire[0]}/32`;

/** A tier that comes and goes: it hands on whatever a flow that may pass sends. */
const FIRST_TIER = { name: 'first', ingress: ['gate'], egress: ['gate'], default: 'Pass' };
const GATE: PolicyDraft = {
  tier: 'first',
  inbound: [deny('udp', 6000), { action: 'pass' }],
  outbound: [{ action: 'pass' }],
};

/** Draws and keeps the current world. */
export class BusyNode {
  readonly chance: Chance;
  private current: World;
  private serial = 0;

  constructor(chance: Chance) {
    this.chance = chance;
    this.current = this.firstWorld();
  }

  /** The session of a Felix that starts now. */
  session(): Message[] {
    return session(this.current);
  }

  /** One change and the messages that tell it. */
  change(): Message[] {
    const before = this.current;
    for (;;) {
      this.current = this.changed(before);
      const messages = changesBetween(before, this.current);
      if (messages.length > 0) return messages;
    }
  }

  /** Opens or closes the moving port, for good until it is called again. */
  movePort(isOpen: boolean): Message[] {
    const before = this.current;
    const rules = [isOpen ? allow('udp', MOVING_PORT) : deny('udp', MOVING_PORT)];
    this.current = this.withPolicies({ moving: { inbound: rules } });
    return changesBetween(before, this.current);
  }

  private firstWorld(): World {
    const fillers = Array.from({ length: FILLERS }, (_, index) => [
      `filler-${index}`,
      this.filler(),
    ]);
    const world: World = {
      config: { DefaultEndpointToHostAction: 'ACCEPT' },
      sets: {
        's:clients': { type: 'net', members: clients(false) },
        [NOISE]: { type: 'net', members: ['192.0.2.0/24'] },
      },
      policies: {
        ...(Object.fromEntries(fillers) as Record<string, PolicyDraft>),
        gate: GATE,
        web: this.web('s:clients'),
        out: this.out(),
        moving: { inbound: [deny('udp', MOVING_PORT)] },
        forward: this.forward(),
        node: this.node(),
      },
      profiles: { kns: { inbound: [{ action: 'allow' }], outbound: [{ action: 'allow' }] } },
      pods: {},
    };
    this.current = world;
    return { ...world, pods: this.pods(), hostEndpoints: this.hostEndpoints() };
  }

  private changed(world: World): World {
    const kinds = [
      () => this.noise(world),
      () => this.noise(world),
      () => this.clients(world),
      () => this.withPolicies({ [`filler-${this.chance.below(FILLERS)}`]: this.filler() }),
      () => this.withPolicies({ web: this.web(this.clientSet()) }),
      () => this.withPolicies({ out: this.out(), forward: this.forward(), node: this.node() }),
      () => ({ ...world, pods: { ...world.pods, ...this.pods() } }),
      () => ({ ...world, hostEndpoints: this.hostEndpoints() }),
      () => this.renamedSet(world),
      () => this.renamedPolicy(world),
      () => this.newcomers(world),
    ];
    return kinds[this.chance.below(kinds.length)]!();
  }

  /** A member more or less of a set that no flow is in. */
  private noise(world: World): World {
    const members = new Set(world.sets?.[NOISE]?.members);
    const length = [24, 28, 32][this.chance.below(3)];
    const member = `203.0.113.${this.chance.below(16) * 16}/${length ?? 32}`;
    const single = `198.51.100.${this.chance.below(256)}/32`;
    const chosen = length === 24 ? single : member;
    if (!members.delete(chosen) && members.size < NOISE_MEMBERS_MAX) members.add(chosen);
    return this.withSet(world, NOISE, [...members]);
  }

  /** Pod a stays a client: by its own address, or by a prefix around it. */
  private clients(world: World): World {
    const name = this.clientSet();
    const isWide = world.sets?.[name]?.members.includes(`${A}/32`) === true;
    return this.withSet(world, name, clients(isWide));
  }

  /** The clients are another set, and the old one goes. */
  private renamedSet(world: World): World {
    const old = this.clientSet();
    const name = `s:clients-${++this.serial}`;
    const { [old]: set, ...sets } = world.sets ?? {};
    const next = { ...world, sets: { ...sets, [name]: set! } };
    return { ...next, policies: { ...world.policies, web: this.web(name) } };
  }

  /** A policy of every pod is another one, and the old one goes. */
  private renamedPolicy(world: World): World {
    const old = Object.keys(world.policies ?? {}).find((name) => name.startsWith('extra'));
    const { [old ?? '']: _, ...policies } = world.policies ?? {};
    const extra = `extra-${++this.serial}`;
    this.current = { ...world, policies: { ...policies, [extra]: this.filler() } };
    return {
      ...this.current,
      pods: { ...world.pods, ...this.pods() },
      hostEndpoints: this.hostEndpoints(),
    };
  }

  /** A pod that no flow concerns comes, or the oldest one goes. */
  private newcomers(world: World): World {
    const names = Object.keys(world.pods ?? {}).filter((name) => name.startsWith('new'));
    if (names.length < NEWCOMERS_MAX) {
      const number = ++this.serial;
      return { ...world, pods: { ...world.pods, [`new${number}`]: this.newcomer(number) } };
    }
    const { [names[0] ?? '']: _, ...pods } = world.pods ?? {};
    return { ...world, pods };
  }

  private newcomer(number: number): PodDraft {
    const last = 10 + (number % 40);
    const fields = {
      ipv4_nets: [`10.65.0.${last}/32`],
      ipv6_nets: [`fd65::${last.toString(16)}/128`],
    };
    return { fields, tiers: [{ ingress: this.extras(), egress: this.extras() }] };
  }

  private pods(): Record<string, PodDraft> {
    const pod = (number: number, ingress: string[], egress: string[]): PodDraft => {
      const tier = { ingress: this.mixed(ingress), egress: this.mixed(egress), default: 'Deny' };
      const first = this.chance.below(2) === 0 ? [FIRST_TIER] : [];
      // The XPU asks for no address that it knows.
      const fields = { mac: `02:00:00:00:00:0${number}` };
      return { tiers: [...first, tier], profiles: ['kns'], fields };
    };
    return {
      a: pod(1, [], ['out']),
      b: pod(2, ['web', 'moving'], ['out']),
      c: pod(3, [], ['out']),
    };
  }

  private hostEndpoints(): Record<string, HostEndpointDraft> {
    const both = (name: string) => [
      { ingress: this.mixed([name]), egress: this.mixed([name]), default: 'Deny' },
    ];
    return { eth0: { name: 'eth0', tiers: both('node'), forward: both('forward') } };
  }

  /** Policies in any order among fillers: whichever there are, some say something. */
  private mixed(names: readonly string[]): string[] {
    return this.chance.shuffled([...names, ...this.extras()]);
  }

  private extras(): string[] {
    const names = Object.keys(this.current.policies ?? {});
    const extra = names.filter((name) => name.startsWith('extra'));
    const fillers = names.filter((name) => name.startsWith('filler'));
    return [...extra, ...this.chance.shuffled(fillers).slice(0, 1 + this.chance.below(5))];
  }

  private filler(): PolicyDraft {
    const rules = (): RuleDraft[] =>
      Array.from({ length: 1 + this.chance.below(6) }, () => this.fillerRule());
    return { inbound: rules(), outbound: rules() };
  }

  /** Of ports that no flow has. */
  private fillerRule(): RuleDraft {
    const protocol = this.chance.below(2) === 0 ? 'tcp' : 'udp';
    const port = 20_000 + this.chance.below(5_000);
    const rule = this.chance.below(2) === 0 ? allow(protocol, port) : deny(protocol, port);
    return this.chance.below(3) === 0 ? rule : { ...rule, src_ip_set_ids: [NOISE] };
  }

  /** Always the same to the flows, in one of several wordings. */
  private web(set: string): PolicyDraft {
    const member = this.chance.below(2) === 0;
    const from = member
      ? [{ src_ip_set_ids: [set] }]
      : [{ src_net: [`${A}/32`] }, { src_net: [`${A6}/128`] }];
    const allows = from.flatMap((source): RuleDraft[] => [
      { ...allow('udp', 5000), ...source },
      { ...allow('tcp', 5001), ...source },
      { action: 'allow', protocol: { name: 'icmp' }, ...source },
    ]);
    const strangers = [{ src_net: [`${C}/32`] }, { src_net: [`${C6}/128`] }];
    const denies = strangers.map((source): RuleDraft => ({ action: 'deny', ...source }));
    const wire = {
      ...allow('tcp', 5003),
      src_net: [this.chance.below(2) === 0 ? WIRE : '198.18.0.0/16'],
    };
    const inbound = this.chance.shuffled([
      ...allows,
      wire,
      ...(this.chance.below(2) === 0 ? denies : []),
      this.fillerRule(),
    ]);
    return { inbound };
  }

  private out(): PolicyDraft {
    const denies: RuleDraft[] = [
      deny('udp', 53),
      { ...deny('udp', 5005), src_net: [`${A}/32`] },
      { ...deny('tcp', 6666) },
    ];
    return {
      outbound: [...this.chance.shuffled([...denies, this.fillerRule()]), { action: 'allow' }],
    };
  }

  private forward(): PolicyDraft {
    const allows = [allow('udp', 4000), allow('tcp', 5003)];
    const last = this.chance.below(2) === 0 ? [deny('udp', 4001)] : [];
    return {
      inbound: this.chance.shuffled([...allows, allow('udp', 5000), this.fillerRule(), ...last]),
      outbound: this.chance.shuffled([...allows, allow('udp', 53), this.fillerRule(), ...last]),
    };
  }

  private node(): PolicyDraft {
    const last = this.chance.below(2) === 0 ? [deny('udp', 8001)] : [];
    return { inbound: this.chance.shuffled([allow('udp', 8000), this.fillerRule(), ...last]) };
  }

  private clientSet(): string {
    return Object.keys(this.current.sets ?? {}).find((name) => name.startsWith('s:clients')) ?? '';
  }

  private withSet(world: World, name: string, members: readonly string[]): World {
    return { ...world, sets: { ...world.sets, [name]: { type: 'net', members } } };
  }

  private withPolicies(policies: Readonly<Record<string, PolicyDraft>>): World {
    return { ...this.current, policies: { ...this.current.policies, ...policies } };
  }
}

/** Both forms hold pod a, neither c. */
function clients(isWide: boolean): string[] {
  return isWide ? ['10.65.0.0/31', 'fd65::/127'] : [`${A}/32`, `${A6}/128`];
}

function allow(protocol: string, port: number): RuleDraft {
  return rule('allow', protocol, port);
}

function deny(protocol: string, port: number): RuleDraft {
  return rule('deny', protocol, port);
}

function rule(action: string, protocol: string, port: number): RuleDraft {
  return { action, protocol: { name: protocol }, dst_ports: [{ first: port, last: port }] };
}
