/**
 * Settings of driver and agent as one table. A value comes from the process environment (`FELIX_XPU<NAME>`, which
 * Felix hands down to its driver) or, where the environment is silent, from the ConfigUpdate key of the same name, since
 * Felix forwards unknown keys. The environment wins: a test or a simulator must be able to fence a process in. What is needed
 * before Felix speaks comes from the environment alone.
 */
import { CodedError } from '../base/errors.js';
import { formatIp, parseIp } from '../base/ip.js';

/** `invalid`: a value has the wrong form. `missing`: a setting without default is not set. */
export type SettingsErrorCode = 'invalid' | 'missing';

/** A setting that cannot be used; the message names it and its value. */
export class SettingsError extends CodedError<SettingsErrorCode> {}

/** `relay` copies bytes to the agent; `standalone` runs the whole pipeline in the driver's process. */
export type DriverMode = 'relay' | 'standalone';

/** What makes a vNIC be there: each WorkloadEndpoint makes one, whose interface has its `name`. */
export type VnicSource = 'endpoints';

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
  readonly vnicSource: VnicSource;
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
  /** MTU of the XPU's uplink. */
  readonly uplinkMtu: number;
  /** Most rules one plain SecurityPolicy may grow to. */
  readonly ruleBudget: number;
}

interface Setting<T> {
  /** Shown by `--help` of driver and agent. */
  readonly describe: string;
  readonly fallback: T;
  readonly parse: (text: string) => T | undefined;
  readonly expects: string;
  /** Needed before Felix says anything: its ConfigUpdate comes too late. */
  readonly atStart?: true;
}

const MIB = 1024 * 1024;

const TABLE = {
  mode: atStart(
    oneOf<DriverMode | undefined>(
      ['relay', 'standalone'],
      undefined,
      'what the driver does with the stream',
    ),
  ),
  stateDir: atStart(text('/var/run/calico/xpu', 'folder of all sockets and files')),
  address: text('127.0.0.1:50151', 'OPI server of the XPU, unix:PATH or HOST:PORT'),
  tlsCert: text('', 'client certificate file (PEM); with tlsKey and tlsCa: mTLS'),
  tlsKey: text('', 'client key file (PEM)'),
  tlsCa: text('', 'certificate authority file (PEM)'),
  ownerId: text('', 'owner of the objects on the XPU; default the node name'),
  vnicSource: {
    ...oneOf<VnicSource>(['endpoints'], 'endpoints', "what makes a vNIC: Felix's endpoints"),
    expects: 'endpoints; vNICs from bindings of a VF manager are not offered yet',
  },
  uplinkInterface: text('eth0', 'host interface that the uplink stands for'),
  hostInterfaces: {
    describe: 'host interfaces and their addresses, NAME=ADDR[,ADDR]... separated by spaces',
    fallback: [] as readonly HostInterface[],
    parse: parseHostInterfaces,
    expects: 'NAME=ADDR[,ADDR] separated by spaces',
  },
  frameBytesMax: atStart(count(256 * MIB, 'largest frame accepted from Felix, bytes')),
  recorderDir: atStart(text('', 'folder of the flight recorder; empty = off')),
  recorderBytesMax: atStart(count(64 * MIB, 'most bytes the flight recorder keeps')),
  target: oneOf<'auto' | 'native' | 'plain'>(
    ['auto', 'native', 'plain'],
    'auto',
    'which API level the XPU must offer',
  ),
  callTimeoutMs: count(10_000, 'deadline of one call to the XPU, milliseconds'),
  uplinkMtu: count(1500, "MTU of the XPU's uplink, bytes: decides the MTU that is told for pods"),
  ruleBudget: count(65_535, 'most rules of one SecurityPolicy on a plain target'),
} satisfies Record<string, Setting<unknown>>;

type RawSettings = { [K in keyof typeof TABLE]: (typeof TABLE)[K]['fallback'] };

/** Name, environment variable, default and meaning of each setting. */
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
      const value = environment[variableName(name)] || felixValue(name, setting, fromFelix);
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

function felixValue(
  name: string,
  { atStart: tooLate }: Setting<unknown>,
  fromFelix: ReadonlyMap<string, string>,
): string {
  return tooLate === true ? '' : (fromFelix.get(name.toLowerCase()) ?? '');
}

/**
 * Settings that have no effect, one line each: names that do not exist, and those that Felix passes on with another value than
 * in the session in which the line to the XPU was opened (`inUse`), because a process has one XPU for its life.
 */
export function unheededSettings(
  environment: Readonly<Record<string, string | undefined>>,
  fromFelix: ReadonlyMap<string, string>,
  inUse: ReadonlyMap<string, string>,
): string[] {
  const names = new Map(Object.keys(TABLE).map((name) => [name.toLowerCase(), name]));
  const variables = Object.keys(environment)
    .filter((variable) => variable.startsWith(variableName('')))
    .map((variable) => variable.slice(variableName('').length).toLowerCase());
  const unknown = [...new Set([...variables, ...fromFelix.keys()])].filter(
    (name) => !names.has(name),
  );
  const changed = [...names].flatMap(([key, name]) => {
    const setting: Setting<unknown> = TABLE[name as keyof typeof TABLE];
    if (environment[variableName(name)]) return [];
    return felixValue(name, setting, fromFelix) === felixValue(name, setting, inUse) ? [] : [key];
  });
  return [
    ...unknown.map((name) => `${variableName(name)}: there is no such setting`),
    ...changed.map((name) => `${variableName(name)}: a new value needs a new process`),
  ];
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

function atStart<T>(setting: Setting<T>): Setting<T> {
  return { ...setting, atStart: true };
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
