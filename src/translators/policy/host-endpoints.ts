/**
 * Which host endpoints bind to the uplink port, and why others bind to nothing (felix-protocol: host endpoints). Felix
 * sends them unresolved.
 */
import { formatIp, parseIp, type IpAddress } from '../../base/ip.js';
import type { HostEndpoint } from '../../model/endpoint.js';
import { compareText, type HostEndpointKey } from '../../model/ids.js';
import type { HostInterface, TranslatorSettings } from '../settings.js';

/** Name that stands for every interface. */
export const ALL_INTERFACES = '*';

/** The endpoints in force. */
export interface HostPolicy {
  /** The one of the uplink's interface: by its name, or by an expected address. */
  readonly specific: HostEndpoint | undefined;
  /** The one named `*`. */
  readonly star: HostEndpoint | undefined;
  /** Why an endpoint is resolved to nothing, by key; endpoints in force are not in it. */
  readonly errors: ReadonlyMap<HostEndpointKey, string>;
}

/** Host policy of a node without host endpoints. */
export const NO_HOST_POLICY: HostPolicy = {
  specific: undefined,
  star: undefined,
  errors: new Map(),
};

/** Resolves every endpoint; the smallest id wins an interface, and `*` is asked where no specific one matches. */
export function resolveHostEndpoints(
  endpoints: Iterable<HostEndpoint>,
  settings: Pick<TranslatorSettings, 'uplink' | 'otherInterfaces'>,
  hostAddresses: readonly IpAddress[],
): HostPolicy {
  const sorted = [...endpoints].sort((a, b) => compareText(a.id, b.id));
  const uplink = matcher(settings.uplink, hostAddresses.map(formatIp));
  const others = settings.otherInterfaces.map((other) => matcher(other, []));
  const star = sorted.find(isStar);
  const specific = sorted.find(uplink);
  const errors = new Map<HostEndpointKey, string>();
  for (const endpoint of sorted) {
    if (endpoint === star || endpoint === specific) continue;
    errors.set(endpoint.key, reason(endpoint));
  }
  return { specific, star, errors };

  function reason(endpoint: HostEndpoint): string {
    const winner = isStar(endpoint) ? star : uplink(endpoint) ? specific : undefined;
    if (winner !== undefined) return `held by ${winner.id}`;
    return others.some((matches) => matches(endpoint))
      ? 'other interface'
      : 'no matching interface';
  }
}

function isStar(endpoint: HostEndpoint): boolean {
  return endpoint.interfaceName === ALL_INTERFACES;
}

/** A set name that differs never falls back to addresses. */
function matcher(
  { name, addresses }: HostInterface,
  defaultAddresses: readonly string[],
): (endpoint: HostEndpoint) => boolean {
  const own = new Set((addresses ?? defaultAddresses).map(canonicalIp));
  return (endpoint) =>
    endpoint.interfaceName === ''
      ? endpoint.expectedIps.some((ip) => own.has(canonicalIp(ip)))
      : endpoint.interfaceName === name;
}

function canonicalIp(text: string): string {
  const ip = parseIp(text);
  return ip === undefined ? text : formatIp(ip);
}
