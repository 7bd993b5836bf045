/** FelixConfiguration to the keys and texts of ConfigUpdate (felix-protocol: ConfigUpdate). */
import type { Field } from '../yaml/field.js';
import type { Labels } from './resource.js';

/** Names that are not the field's own with a capital. */
const NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ipipEnabled: 'IpInIpEnabled',
    ipipMTU: 'IpInIpMtu',
    ipv6Support: 'Ipv6Support',
    natOutgoingAddress: 'NATOutgoingAddress',
    natOutgoingExclusions: 'NATOutgoingExclusions',
    natPortRange: 'NATPortRange',
    vxlanEnabled: 'VXLANEnabled',
    vxlanMTU: 'VXLANMTU',
    vxlanMTUV6: 'VXLANMTUV6',
    vxlanPort: 'VXLANPort',
    vxlanVNI: 'VXLANVNI',
    nftablesMode: 'NFTablesMode',
    reportingTTL: 'ReportingTTLSecs',
  }),
);

/** Durations, which Felix counts in seconds under another name. */
const SECONDS: ReadonlySet<string> = new Set([
  'endpointReportingDelay',
  'iptablesLockProbeInterval',
  'iptablesRefreshInterval',
  'ipsetsRefreshInterval',
  'netlinkTimeout',
  'reportingInterval',
  'routeRefreshInterval',
  'reportingTTL',
  'usageReportingInitialDelay',
  'usageReportingInterval',
]);

const FAILSAFES: ReadonlySet<string> = new Set([
  'failsafeInboundHostPorts',
  'failsafeOutboundHostPorts',
]);

/** Settings that have a plain text; lists and objects of other settings are nothing a driver can be told. */
export function readSettings(spec: Field): Labels {
  const names = typeof spec.value === 'object' ? Object.keys(spec.value ?? {}) : [];
  const entries = names.flatMap((name) => {
    const text = settingText(name, spec.at(name));
    return text === undefined ? [] : [[keyOf(name), text]];
  });
  return Object.fromEntries(entries) as Labels;
}

function keyOf(name: string): string {
  const own = NAMES.get(name);
  if (own !== undefined) return own;
  const capital = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  const acronym = capital.replace(/^Bpf/, 'BPF');
  return SECONDS.has(name) ? `${acronym}Secs` : acronym;
}

function settingText(name: string, field: Field): string | undefined {
  if (!field.given) return undefined;
  if (FAILSAFES.has(name)) return failsafes(field);
  if (SECONDS.has(name)) return secondsText(field);
  const { value } = field;
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

/** An empty list switches failsafes off, which Felix writes as `none`. */
function failsafes(field: Field): string {
  const ports = field.items().map((item) => {
    const protocol = item.at('protocol').text().toLowerCase();
    const net = item.at('net').orAbsent;
    net?.cidr();
    const port = item.at('port').integer(0, 65535);
    const address = net?.text();
    if (address === undefined) return `${protocol}:${port}`;
    return address.includes(':')
      ? `${protocol}:[${address}]:${port}`
      : `${protocol}:${address}:${port}`;
  });
  return ports.length === 0 ? 'none' : ports.join(',');
}

const UNIT_SECONDS: Readonly<Record<string, number>> = {
  ms: 0.001,
  s: 1,
  m: 60,
  h: 3600,
};

/** `1m30s` as a count of seconds. */
function secondsText(field: Field): string {
  const text = field.text();
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) field.refuse('is no duration');
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  const seconds = parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * (UNIT_SECONDS[unit ?? ''] ?? 0),
    0,
  );
  return String(seconds);
}
