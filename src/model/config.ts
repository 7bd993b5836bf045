/**
 * Felix's configuration, as far as it decides about packets or about what we report: our own table of defaults, because
 * Felix sends only what was set (felix-protocol: ConfigUpdate).
 */
import { isAtLeast, parseCalicoVersion, type CalicoVersion } from './calico-version.js';
import {
  parseBool,
  parseDscp,
  parseFailsafes,
  parseInteger,
  parseInterfacePrefixes,
  parseIpv4Text,
  parseOneOf,
  parsePortRange,
  parseRateLimit,
  parseSecondsToMs,
  parseText,
  type FailsafePort,
  type ValueParser,
} from './config-values.js';
import type { PortRange } from './policy.js';

export type { FailsafePort } from './config-values.js';

/** Where an accepted packet goes on: done, or back to the chains that come after Felix's. */
export type AllowAction = 'ACCEPT' | 'RETURN';
/** How a denied packet ends. */
export type DenyAction = 'DROP' | 'REJECT';

/** Values that one ConfigUpdate key gives. */
interface ConfigValues {
  /** Host-side interface name prefixes that mean "workload". Never empty. */
  readonly interfacePrefixes: readonly string[];
  /** Allowed packet from a workload to its own host. */
  readonly endpointToHostAction: 'DROP' | 'RETURN' | 'ACCEPT';
  readonly failsafeInbound: readonly FailsafePort[];
  readonly failsafeOutbound: readonly FailsafePort[];
  /** True: packets that connection tracking calls INVALID are not dropped. */
  readonly conntrackInvalidCheckDisabled: boolean;
  readonly vxlanFromWorkloadsAllowed: boolean;
  readonly ipipFromWorkloadsAllowed: boolean;
  readonly vxlanPort: number;
  readonly vxlanVni: number;
  readonly iptablesFilterDenyAction: DenyAction;
  readonly nftablesFilterDenyAction: DenyAction;
  readonly iptablesFilterAllowAction: AllowAction;
  readonly iptablesMangleAllowAction: AllowAction;
  readonly nftablesFilterAllowAction: AllowAction;
  readonly nftablesMangleAllowAction: AllowAction;
  /** `Any`: an endpoint's spoof prefixes are honoured. */
  readonly workloadSourceSpoofing: 'Disabled' | 'Any';
  readonly ipv6Support: boolean;
  readonly endpointReportingEnabled: boolean;
  readonly endpointReportingDelayMs: number;
  /** Folder above `endpoint-status/`; empty = no files. Default empty before v3.30. */
  readonly endpointStatusPathPrefix: string;
  /** 0 = no process status. */
  readonly reportingIntervalMs: number;
  readonly reportingTtlMs: number;
  /** Packets to service CIDRs that no service takes. */
  readonly serviceLoopPrevention: 'Drop' | 'Reject' | 'Disabled';
  readonly natOutgoingExclusions: 'IPPoolsOnly' | 'IPPoolsAndHostIPs';
  /** Source address of masqueraded traffic; absent = the outgoing interface's. */
  readonly natOutgoingAddress: string | undefined;
  readonly natPortRange: PortRange | undefined;
  readonly istioAmbientMode: 'Enabled' | 'Disabled';
  /** 0..63; absent = no mark configured. */
  readonly istioDscpMark: number | undefined;
  readonly logPrefix: string;
  /** `count/unit`; empty = unlimited. */
  readonly logActionRateLimit: string;
  readonly logActionRateLimitBurst: number;
  readonly wireguardEnabled: boolean;
  readonly wireguardEnabledV6: boolean;
  /** What nodes send to each other's own addresses is encrypted, too. */
  readonly wireguardHostEncryptionEnabled: boolean;
  readonly wireguardListeningPort: number;
  readonly wireguardListeningPortV6: number;
  /** Node name; empty = not sent. */
  readonly felixHostname: string;
  /** Comma list of words such as `k8s`, as sent. */
  readonly clusterType: string;
}

/** The typed configuration of one Felix session. */
export interface FelixConfig extends ConfigValues {
  readonly calicoVersion: CalicoVersion;
  /** Floating IPs (`ipv4_nat`, `ipv6_nat`) are to be applied: switched on, or OpenStack. */
  readonly floatingIpsEnabled: boolean;
}

/** A value that was refused; the default is in force instead. */
export interface ConfigProblem {
  readonly key: string;
  readonly value: string;
  /** One sentence for people. */
  readonly reason: string;
}

/** One key of ConfigUpdate. */
interface Parameter<T> {
  readonly key: string;
  readonly parse: ValueParser<T>;
  /** Value when the key is absent, empty or malformed. */
  readonly fallback: T;
  /** Value of the text `none`; `refused` where the key must not be zero. */
  readonly none: T | 'refused';
}

type ParameterTable = { readonly [K in keyof ConfigValues]: Parameter<ConfigValues[K]> };

const DEFAULT_FAILSAFE_INBOUND =
  'tcp:22,udp:68,tcp:179,tcp:2379,tcp:2380,tcp:5473,tcp:6443,tcp:6666,tcp:6667';
const DEFAULT_FAILSAFE_OUTBOUND =
  'udp:53,udp:67,tcp:179,tcp:2379,tcp:2380,tcp:5473,tcp:6443,tcp:6666,tcp:6667';
const STATUS_PATH_PREFIX = '/var/run/calico';
const VNI_MAX = 0xff_ffff;
const INT32_MAX = 0x7fff_ffff;

const PARAMETERS: ParameterTable = {
  interfacePrefixes: {
    key: 'InterfacePrefix',
    parse: parseInterfacePrefixes,
    fallback: ['cali'],
    none: 'refused',
  },
  endpointToHostAction: required(
    'DefaultEndpointToHostAction',
    parseOneOf('DROP', 'RETURN', 'ACCEPT'),
    'DROP',
  ),
  failsafeInbound: failsafes('FailsafeInboundHostPorts', 'inbound', DEFAULT_FAILSAFE_INBOUND),
  failsafeOutbound: failsafes('FailsafeOutboundHostPorts', 'outbound', DEFAULT_FAILSAFE_OUTBOUND),
  conntrackInvalidCheckDisabled: bool('DisableConntrackInvalidCheck', false),
  vxlanFromWorkloadsAllowed: bool('AllowVXLANPacketsFromWorkloads', false),
  ipipFromWorkloadsAllowed: bool('AllowIPIPPacketsFromWorkloads', false),
  vxlanPort: integer('VXLANPort', 0, 65535, 4789),
  vxlanVni: integer('VXLANVNI', 0, VNI_MAX, 4096),
  iptablesFilterDenyAction: required(
    'IptablesFilterDenyAction',
    parseOneOf('DROP', 'REJECT'),
    'DROP',
  ),
  nftablesFilterDenyAction: required(
    'NftablesFilterDenyAction',
    parseOneOf('DROP', 'REJECT'),
    'DROP',
  ),
  iptablesFilterAllowAction: allowAction('IptablesFilterAllowAction'),
  iptablesMangleAllowAction: allowAction('IptablesMangleAllowAction'),
  nftablesFilterAllowAction: allowAction('NftablesFilterAllowAction'),
  nftablesMangleAllowAction: allowAction('NftablesMangleAllowAction'),
  workloadSourceSpoofing: choice(
    'WorkloadSourceSpoofing',
    parseOneOf('Disabled', 'Any'),
    'Disabled',
  ),
  ipv6Support: bool('Ipv6Support', true),
  endpointReportingEnabled: bool('EndpointReportingEnabled', false),
  endpointReportingDelayMs: seconds('EndpointReportingDelaySecs', 1),
  endpointStatusPathPrefix: text('EndpointStatusPathPrefix', STATUS_PATH_PREFIX),
  reportingIntervalMs: seconds('ReportingIntervalSecs', 30),
  reportingTtlMs: seconds('ReportingTTLSecs', 90),
  serviceLoopPrevention: {
    key: 'ServiceLoopPrevention',
    parse: parseOneOf('Drop', 'Reject', 'Disabled'),
    fallback: 'Drop',
    none: 'Disabled',
  },
  natOutgoingExclusions: choice(
    'NATOutgoingExclusions',
    parseOneOf('IPPoolsOnly', 'IPPoolsAndHostIPs'),
    'IPPoolsOnly',
  ),
  natOutgoingAddress: optional('NATOutgoingAddress', parseIpv4Text),
  natPortRange: optional('NATPortRange', parsePortRange),
  istioAmbientMode: choice('IstioAmbientMode', parseOneOf('Enabled', 'Disabled'), 'Disabled'),
  istioDscpMark: optional('IstioDSCPMark', parseDscp),
  logPrefix: text('LogPrefix', 'calico-packet'),
  logActionRateLimit: { key: 'LogActionRateLimit', parse: parseRateLimit, fallback: '', none: '' },
  logActionRateLimitBurst: integer('LogActionRateLimitBurst', 0, INT32_MAX, 5),
  wireguardEnabled: bool('WireguardEnabled', false),
  wireguardEnabledV6: bool('WireguardEnabledV6', false),
  wireguardHostEncryptionEnabled: bool('WireguardHostEncryptionEnabled', false),
  wireguardListeningPort: integer('WireguardListeningPort', 0, 65535, 51820),
  wireguardListeningPortV6: integer('WireguardListeningPortV6', 0, 65535, 51821),
  felixHostname: text('FelixHostname', ''),
  clusterType: text('ClusterType', ''),
};

const FLOATING_IPS = choice('FloatingIPs', parseOneOf('Enabled', 'Disabled'), 'Disabled');

/** Keys of ours on Felix's settings channel: `FELIX_XPU...` in its environment, or `XPU...` in its file. */
const XPU_KEY = /^xpu(.+)$/i;

/**
 * Types and validates the merged map of a ConfigUpdate. Never fails: a value Felix would refuse is a problem and leaves
 * the default in force. Keys that do not decide about packets or reports are not looked at.
 */
export function parseFelixConfig(values: ReadonlyMap<string, string>): {
  readonly config: FelixConfig;
  readonly problems: readonly ConfigProblem[];
} {
  const problems: ConfigProblem[] = [];
  const calicoVersion = parseCalicoVersion(values.get('CalicoVersion'));
  const parsed = Object.fromEntries(
    Object.entries<Parameter<unknown>>(PARAMETERS).map(([name, parameter]) => [
      name,
      read(parameter, values, problems),
    ]),
  ) as unknown as ConfigValues;
  const openStack = parsed.clusterType.toLowerCase().includes('openstack');
  const floatingIpsEnabled = read(FLOATING_IPS, values, problems) === 'Enabled' || openStack;
  const config = { ...parsed, calicoVersion, floatingIpsEnabled };
  const prefixSet = (values.get(PARAMETERS.endpointStatusPathPrefix.key) ?? '') !== '';
  if (prefixSet || isAtLeast(calicoVersion, 3, 30)) return { config, problems };
  return { config: { ...config, endpointStatusPathPrefix: '' }, problems };
}

/** The configuration before any ConfigUpdate: every default of the newest Calico. */
export function defaultFelixConfig(): FelixConfig {
  return parseFelixConfig(new Map()).config;
}

/** Our own settings out of a ConfigUpdate: lower-case name without the `xpu` prefix -> raw text. */
export function xpuSettings(values: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  for (const [key, value] of values) {
    const name = XPU_KEY.exec(key)?.[1];
    if (name !== undefined) settings.set(name.toLowerCase(), value);
  }
  return settings;
}

function read<T>(
  parameter: Parameter<T>,
  values: ReadonlyMap<string, string>,
  problems: ConfigProblem[],
): T {
  const { key, parse, fallback, none } = parameter;
  const raw = values.get(key) ?? '';
  if (raw === '') return fallback;
  const isNone = raw.toLowerCase() === 'none';
  const value = isNone ? (none === 'refused' ? undefined : none) : parse(raw);
  if (value !== undefined || (isNone && none !== 'refused')) return value as T;
  problems.push({
    key,
    value: raw,
    reason: `${key}: ${JSON.stringify(raw)} is not valid, the default is used`,
  });
  return fallback;
}

function bool(key: string, fallback: boolean): Parameter<boolean> {
  return { key, parse: parseBool, fallback, none: false };
}

function integer(key: string, low: number, high: number, fallback: number): Parameter<number> {
  return { key, parse: parseInteger(low, high), fallback, none: 0 };
}

function seconds(key: string, fallback: number): Parameter<number> {
  return { key, parse: parseSecondsToMs, fallback: fallback * 1000, none: 0 };
}

function text(key: string, fallback: string): Parameter<string> {
  return { key, parse: parseText, fallback, none: '' };
}

/** `none` means what the default means: the feature is off. */
function choice<T extends string>(key: string, parse: ValueParser<T>, fallback: T): Parameter<T> {
  return { key, parse, fallback, none: fallback };
}

function required<T extends string>(key: string, parse: ValueParser<T>, fallback: T): Parameter<T> {
  return { key, parse, fallback, none: 'refused' };
}

function allowAction(key: string): Parameter<AllowAction> {
  return required(key, parseOneOf('ACCEPT', 'RETURN'), 'ACCEPT');
}

function optional<T>(key: string, parse: ValueParser<T>): Parameter<T | undefined> {
  return { key, parse, fallback: undefined, none: undefined };
}

function failsafes(
  key: string,
  direction: FailsafePort['direction'],
  fallback: string,
): Parameter<readonly FailsafePort[]> {
  const parse = parseFailsafes(direction);
  return { key, parse, fallback: parse(fallback) ?? [], none: [] };
}
