/**
 * Which endpoint holds which interface and which address. The smaller (orchestrator, workload, endpoint) wins either;
 * addresses of the node belong to the host port alone.
 */
import {
  addressBits,
  type Cidr,
  compareCidr,
  formatCidr,
  formatIp,
  hostCidr,
  type IpAddress,
  parseCidr,
} from '../base/ip.js';
import type { FelixConfig } from '../model/config.js';
import type { WorkloadEndpoint } from '../model/endpoint.js';
import type { Degradation } from './degradation.js';

/** What an endpoint asks for, read from its texts; conflicts are not looked at. */
export interface EndpointClaim {
  readonly endpoint: WorkloadEndpoint;
  /** Addresses of its own; sorted, without repeats. */
  readonly addresses: readonly IpAddress[];
  /** Further prefixes it may send from. */
  readonly otherSources: readonly Cidr[];
  readonly mac?: string;
  /** Why nothing at all can be programmed for it. */
  readonly error?: string;
  readonly degradations: readonly Degradation[];
}

/** What an endpoint gets. */
export interface EndpointLayout {
  readonly endpoint: WorkloadEndpoint;
  readonly mac?: string;
  /** Addresses that lead to it. */
  readonly addresses: readonly IpAddress[];
  /** Prefixes it may send from; sorted, without repeats. */
  readonly allowedSources: readonly Cidr[];
  readonly degradations: readonly Degradation[];
}

/** Configuration that decides about claims. */
export type ClaimConfig = Pick<
  FelixConfig,
  'ipv6Support' | 'workloadSourceSpoofing' | 'floatingIpsEnabled'
>;

/** Reads an endpoint. Malformed texts are left out and told. */
export function readClaim(
  endpoint: WorkloadEndpoint,
  config: ClaimConfig,
  hostPort: string,
): EndpointClaim {
  const reader = new ClaimReader(endpoint, config);
  const addresses = reader.addresses();
  const otherSources = [...reader.spoofPrefixes(), ...reader.floatingIps()];
  const mac = reader.mac();
  const error = interfaceError(endpoint.interfaceName, hostPort);
  return {
    endpoint,
    addresses,
    otherSources,
    ...(mac === undefined ? {} : { mac }),
    ...(error === undefined ? {} : { error }),
    degradations: reader.degradations,
  };
}

/** Address claims settled: `holder` tells who holds an address, `isHost` whether it is the node's. */
export function settleClaim(
  claim: EndpointClaim,
  holder: (address: IpAddress) => WorkloadEndpoint | undefined,
  isHost: (address: IpAddress) => boolean,
): EndpointLayout {
  const { endpoint, mac, otherSources } = claim;
  const conflicts: Degradation[] = [];
  const addresses = claim.addresses.filter((address) => {
    const other = holder(address);
    const owner = isHost(address)
      ? 'the host'
      : other?.key === endpoint.key
        ? undefined
        : other?.key;
    if (owner === undefined) return true;
    const reason = `address ${formatIp(address)} is held by ${owner}`;
    conflicts.push({ code: 'address-conflict', subject: endpoint.key, reason });
    return false;
  });
  return {
    endpoint,
    ...(mac === undefined ? {} : { mac }),
    addresses,
    allowedSources: uniquePrefixes([...addresses.map(hostCidr), ...otherSources]),
    degradations: [...claim.degradations, ...conflicts],
  };
}

class ClaimReader {
  readonly degradations: Degradation[] = [];
  private readonly endpoint: WorkloadEndpoint;
  private readonly config: ClaimConfig;

  constructor(endpoint: WorkloadEndpoint, config: ClaimConfig) {
    this.endpoint = endpoint;
    this.config = config;
  }

  addresses(): IpAddress[] {
    const { ipv4Nets, ipv6Nets } = this.endpoint;
    const prefixes = this.prefixes('net', [...ipv4Nets, ...ipv6Nets]);
    return prefixes.flatMap((cidr) => {
      if (cidr.length === addressBits(cidr.family))
        return [{ family: cidr.family, value: cidr.value }];
      this.degrade('not-expressible', `net ${formatCidr(cidr)} is not a single address`);
      return [];
    });
  }

  spoofPrefixes(): Cidr[] {
    if (this.config.workloadSourceSpoofing !== 'Any') return [];
    return this.prefixes('allow_spoofed_source_prefixes', this.endpoint.spoofPrefixes);
  }

  /** A floating IP may be sent from; it is not translated, so nothing leads to it. */
  floatingIps(): Cidr[] {
    if (!this.config.floatingIpsEnabled) return [];
    const { ipv4Nat, ipv6Nat } = this.endpoint;
    const external = [...ipv4Nat, ...ipv6Nat].map((nat) => nat.external);
    const prefixes = this.prefixes('nat ext_ip', external);
    if (prefixes.length > 0) {
      const texts = prefixes.map(formatCidr).join(', ');
      this.degrade('not-expressible', `floating IP ${texts} is not translated: nothing reaches it`);
    }
    return prefixes;
  }

  mac(): string | undefined {
    const text = this.endpoint.mac.toLowerCase();
    if (text === '' || /^([\da-f]{2}:){5}[\da-f]{2}$/.test(text))
      return text === '' ? undefined : text;
    this.degrade('invalid', `mac ${JSON.stringify(this.endpoint.mac)} is malformed`);
    return undefined;
  }

  private prefixes(field: string, texts: readonly string[]): Cidr[] {
    const read = texts.flatMap((text) => {
      const cidr = parseCidr(text);
      if (cidr === undefined)
        this.degrade('invalid', `${field} ${JSON.stringify(text)} is malformed`);
      return cidr === undefined || (cidr.family === 6 && !this.config.ipv6Support) ? [] : [cidr];
    });
    return uniquePrefixes(read);
  }

  private degrade(code: Degradation['code'], reason: string): void {
    this.degradations.push({ code, subject: this.endpoint.key, reason });
  }
}

function interfaceError(name: string, hostPort: string): string | undefined {
  if (name === '') return 'the endpoint names no interface';
  return name === hostPort ? `interface ${name} is the host port` : undefined;
}

function uniquePrefixes(prefixes: readonly Cidr[]): Cidr[] {
  const sorted = [...prefixes].sort(compareCidr);
  return sorted.filter((cidr, index) => {
    const previous = sorted[index - 1];
    return previous === undefined || compareCidr(previous, cidr) !== 0;
  });
}
