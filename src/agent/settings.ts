/**
 * Settings of driver and agent as one table. A value comes from the process environment (`FELIX_XPU<NAME>`, which
 * Felix hands down to its driver) or, where the environment is silent, from the ConfigUpdate key of the same name, since
 * Felix forwards unknown keys. The environment wins: a test or a simulator must be able to fence a process in.
 */
import { CodedError } from '../base/errors.js';
import { formatIp, parseIp } from '../base/ip.js';

/** `invalid`: a value has the wrong form. `missing`: a setting without default is not set. */
export type SettingsErrorCode = 'invalid' | 'missing';

/** A setting that cannot be used; the message names it and its value. */
export class SettingsError extends CodedError<SettingsErrorCode> {}

/** `relay` copies bytes to the agent; `standalone` runs the whole pipeline in the driver's process. */
export type DriverMode = 'relay' | 'standalone';

/** Addresses of one host interface. */
export interface HostInterface {
  readonly name: string;
  readonly addresses: readonly string[];
}

/** Files of mutual TLS, PEM. */
export interface TlsFileSettings {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
}

/** Every setting, parsed. Sizes are bytes, times milliseconds. */
export interface Settings {
  /** Absent = not chosen, which is an error where a mode is needed. */
  readonly mode: DriverMode | undefined;
  /** Folder of all sockets and files. */
  readonly stateDir: string;
  /** True if `stateDir` was given: then it also overrides EndpointStatusPathPrefix. */
  readonly stateDirGiven: boolean;
  /** `unix:PATH` or `HOST:PORT` of the XPU's OPI server. */
  readonly address: string;
  readonly tls: TlsFileSettings | undefined;
  /** Empty = the node's name. */
  readonly ownerId: string;
  /** Host interface that the uplink port stands for. */
  readonly uplinkInterface: string;
  /** Known host interfaces; empty = the uplink alone, with the addresses Felix tells. */
  readonly hostInterfaces: readonly HostInterface[];
  readonly frameBytesMax: number;
  /** Empty = no flight recorder. */
  readonly recorderDir: string;
  readonly recorderBytesMax: number;
  /** What probing must find; `auto` takes what it finds. */
  readonly target: 'auto' | 'native' | 'plain';
  readonly callTimeoutMs: number;
  /** Most rules one plain SecurityPolicy may grow to. */
  readonly ruleBudget: number;
}

interface Setting<T> {
  /** Shown by `calico-xpu driver --help` and in the documentation. */
  readonly describe: string;
  readonly fallback: T;
  readonly parse: (text: string) => T | undefined;
  readonly expects: string;
}

const MIB = 1024 * 1024;

const TABLE = {
  mode: oneOf<DriverMode | undefined>(
    ['relay', 'standalone'],
    undefined,
    'what the driver does with the stream',
  ),
  stateDir: text('/var/run/calico/xpu', 'folder of all sockets and files'),
  address: text('127.0.0.1:50151', 'OPI server of the XPU, unix:PATH or HOST:PORT'),
  tlsCert: text('', 'client certificate file (PEM); with tlsKey and tlsCa: mTLS'),
  tlsKey: text('', 'client key file (PEM)'),
  tlsCa: text('', 'certificate authority file (PEM)'),
  ownerId: text('', 'owner of the objects on the XPU; default the node name'),
  uplinkInterface: text('eth0', 'host interface that the uplink stands for'),
  hostInterfaces: {
    describe: 'host interfaces and their addresses, NAME=ADDR[,ADDR]... separated by spaces',
    fallback: [] as readonly HostInterface[],
    parse: parseHostInterfaces,
    expects: 'NAME=ADDR[,ADDR] separated by spaces',
  },
  frameBytesMax: count(256 * MIB, 'largest frame accepted from Felix, bytes'),
  recorderDir: text('', 'folder of the flight recorder; empty = off'),
  recorderBytesMax: count(64 * MIB, 'most bytes the flight recorder keeps'),
  target: oneOf<'auto' | 'native' | 'plain'>(
    ['auto', 'native', 'plain'],
    'auto',
    'which API level the XPU must offer',
  ),
  callTimeoutMs: count(10_000, 'deadline of one call to the XPU, milliseconds'),
  ruleBudget: count(65_535, 'most rules of one SecurityPolicy on a plain target'),
} satisfies Record<string, Setting<unknown>>;

type RawSettings = { [K in keyof typeof TABLE]: (typeof TABLE)[K]['fallback'] };

/** Name, environment variable, default and meaning of each setting, for help texts. */
export function describeSettings(): {
  name: string;
  variable: string;
  fallback: string;
  describe: string;
}[] {
  return Object.entries(TABLE).map(([name, setting]) => ({
    name,
    variable: variableName(name),
    fallback: settingText(setting.fallback),
    describe: setting.describe,
  }));
}

/** Environment variable of a setting: `FELIX_XPUSTATEDIR` for `stateDir`. */
export function variableName(name: string): string {
  return `FELIX_XPU${name.toUpperCase()}`;
}

/**
 * Reads every setting. `fromFelix` maps lower-case setting names to ConfigUpdate's values (`xpu` prefix removed).
 * Empty texts count as not set. Throws `SettingsError` for a malformed value.
 */
export function readSettings(
  environment: Readonly<Record<string, string | undefined>>,
  fromFelix: ReadonlyMap<string, string> = new Map(),
): Settings {
  const given = new Set<string>();
  const raw = Object.fromEntries(
    Object.entries(TABLE).map(([name, setting]) => {
      const value = environment[variableName(name)] || fromFelix.get(name.toLowerCase()) || '';
      if (value === '') return [name, setting.fallback];
      given.add(name);
      return [name, parseSetting(name, setting, value)];
    }),
  ) as RawSettings;
  const { tlsCert, tlsKey, tlsCa, ...rest } = raw;
  return {
    ...rest,
    stateDirGiven: given.has('stateDir'),
    tls: readTls({ certFile: tlsCert, keyFile: tlsKey, caFile: tlsCa }),
  };
}

function readTls(files: TlsFileSettings): Settings['tls'] {
  const set = Object.entries(files).filter(([, file]) => file !== '');
  if (set.length === 0) return undefined;
  if (set.length === 3) return files;
  const missing = Object.entries(files).find(([, file]) => file === '')?.[0] ?? '';
  throw new SettingsError({
    code: 'missing',
    op: 'read settings',
    message: `mTLS needs tlsCert, tlsKey and tlsCa together; ${missing} is not set`,
  });
}

function parseSetting(name: string, setting: Setting<unknown>, value: string): unknown {
  const parsed = setting.parse(value);
  if (parsed !== undefined) return parsed;
  throw new SettingsError({
    code: 'invalid',
    op: 'read settings',
    message: `${variableName(name)}="${value}": expected ${setting.expects}`,
  });
}

function text(fallback: string, describe: string): Setting<string> {
  return { describe, fallback, parse: (value) => value, expects: 'text' };
}

function count(fallback: number, describe: string): Setting<number> {
  return {
    describe,
    fallback,
    expects: 'a positive whole number',
    parse(value) {
      const number = Number(value);
      return /^[1-9]\d*$/.test(value) && Number.isSafeInteger(number) ? number : undefined;
    },
  };
}

function oneOf<T extends string | undefined>(
  values: readonly NonNullable<T>[],
  fallback: T,
  describe: string,
): Setting<T> {
  return {
    describe,
    fallback,
    expects: values.join(' or '),
    parse: (value) => values.find((candidate) => candidate === value.toLowerCase()),
  };
}

function parseHostInterfaces(value: string): readonly HostInterface[] | undefined {
  const entries = value
    .trim()
    .split(/[\s;]+/)
    .map(parseHostInterface);
  return entries.every((entry) => entry !== undefined) ? entries : undefined;
}

function parseHostInterface(value: string): HostInterface | undefined {
  const [name, addresses, ...rest] = value.split('=');
  if (!name || !addresses || rest.length > 0) return undefined;
  const parsed = addresses.split(',').map((address) => parseIp(address));
  if (!parsed.every((address) => address !== undefined)) return undefined;
  return { name, addresses: parsed.map(formatIp) };
}

function settingText(value: unknown): string {
  if (value === undefined || value === '') return '-';
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.join(' ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
