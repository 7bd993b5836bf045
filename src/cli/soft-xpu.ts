/** `calico-xpu soft-xpu`: an OPI server with a data plane in memory, or in a Linux network namespace. */
import { readFileSync } from 'node:fs';
import type { Logger } from '../base/log.js';
import {
  createLinuxXpu,
  removeLinuxXpu,
  type LinuxPlace,
  type LinuxXpuOptions,
} from '../soft-xpu/linux-xpu.js';
import { parseNetdevs, type ForeignNetdevs } from '../soft-xpu/linux/netdevs.js';
import { createMemoryXpu, type MemoryXpuOptions } from '../soft-xpu/memory-xpu.js';
import { startServer, type TlsFiles } from '../soft-xpu/server.js';
import { loadStore } from '../soft-xpu/store/dump.js';
import { parseLimits, type Limits } from '../soft-xpu/store/limits.js';
import type { Xpu } from '../soft-xpu/xpu.js';
import { defineCommand, UsageError } from './command.js';
import { createLogger } from './logger.js';
import { terminationSignal } from './node-process.js';
import { packageVersion } from './version.js';

/** Runs until SIGTERM or SIGINT. Prints its addresses when it answers. */
export const softXpu = defineCommand({
  options: (yargs) =>
    yargs
      .option('listen', {
        type: 'string',
        array: true,
        default: ['127.0.0.1:50151'],
        describe: 'unix:PATH or HOST:PORT; may be repeated',
      })
      .option('mode', {
        choices: ['strict', 'reference'] as const,
        default: 'strict' as const,
        describe: "network/cloud with proper codes, or with the habits of today's servers",
      })
      .option('extension', {
        type: 'boolean',
        default: true,
        describe: 'offer network/k8s; --no-extension is a plain network/cloud XPU',
      })
      .option('flattened', {
        type: 'boolean',
        default: false,
        describe: 'take no COMPACT SecurityPolicies',
      })
      .option('limits', {
        type: 'string',
        describe: 'table sizes: kind=n,... or a file of such',
      })
      .option('tls', { type: 'string', describe: 'mutual TLS: cert:key:ca, PEM files' })
      .option('state', { type: 'string', describe: 'dump to load at the start' })
      .option('json', { type: 'boolean', default: false, describe: 'print the addresses as JSON' })
      .option('datapath', {
        choices: ['memory', 'linux'] as const,
        default: 'memory' as const,
        describe: 'walk packets in memory, or forward them in a network namespace (root)',
      })
      .option('netns', {
        type: 'string',
        describe: "linux: the XPU's network namespace, made if it is missing",
      })
      .option('host-netns', {
        type: 'string',
        describe: 'linux: namespace where VF ends are made; default the one we are started in',
      })
      .option('uplink', { type: 'string', describe: 'linux: netdev of the wire' })
      .option('state-dir', { type: 'string', describe: 'linux: folder of the state file' })
      .option('netdevs', {
        type: 'string',
        describe: 'linux: representors that exist already, IFNAME=NETDEV,...',
      })
      .option('netdev-pattern', {
        type: 'string',
        describe: 'linux: the same by name; {ifname}, or {pf} and {vf} for its numbers',
      })
      .option('remove', {
        type: 'boolean',
        default: false,
        describe: 'linux: take away what an earlier run left in force, and end',
      }),
  async run(args, { stdout, stderr, env }) {
    const ended = terminationSignal();
    const options = {
      extension: args.extension,
      compactRules: !args.flattened,
      limits: limitsOf(args.limits),
    };
    const place = args.datapath === 'linux' ? placeOf(args) : undefined;
    if (place !== undefined && args.remove) {
      await removeLinuxXpu(place);
      return 0;
    }
    const started =
      place === undefined
        ? startMemory(options)
        : await startLinux({ ...place, ...options }, createLogger('soft-xpu', { env, stderr }));
    const { xpu, close } = started;
    if (args.state !== undefined) {
      loadStore(xpu.store, readFileSync(args.state, 'utf8'));
      await xpu.dataPlane.settled();
    }
    const server = await startServer(xpu, {
      listen: args.listen,
      mode: args.mode,
      ...(args.tls === undefined ? {} : { tls: tlsFilesOf(args.tls) }),
    });
    const { addresses } = server;
    const { bootId } = xpu.dataPlane;
    const line = args.json
      ? JSON.stringify({ addresses, bootId })
      : `soft-xpu listens on ${addresses.join(', ')}`;
    stdout.write(`${line}\n`);
    await ended;
    await server.stop();
    await close();
    return 0;
  },
});

/** An XPU with what ends it. */
interface Started {
  readonly xpu: Xpu;
  readonly close: () => Promise<void>;
}

function startMemory(options: MemoryXpuOptions): Started {
  return { xpu: createMemoryXpu(options), close: () => Promise.resolve() };
}

async function startLinux(options: LinuxXpuOptions, logger: Logger): Promise<Started> {
  const xpu = await createLinuxXpu({ ...options, logger, program: packageVersion() });
  return { xpu, close: () => xpu.close() };
}

/** Arguments of the linux data plane. */
interface PlaceArgs {
  readonly netns?: string | undefined;
  readonly hostNetns?: string | undefined;
  readonly uplink?: string | undefined;
  readonly stateDir?: string | undefined;
  readonly netdevs?: string | undefined;
  readonly netdevPattern?: string | undefined;
}

function placeOf(args: PlaceArgs): LinuxPlace {
  const { netns, hostNetns, uplink, stateDir } = args;
  const foreign = foreignOf(args);
  if (stateDir === undefined) throw new UsageError('--datapath linux needs --state-dir', '');
  if (netns === undefined && foreign === undefined) {
    throw new UsageError('--datapath linux needs --netns, --netdevs or --netdev-pattern', '');
  }
  return {
    stateDir,
    ...(netns === undefined ? {} : { netns }),
    ...(hostNetns === undefined ? {} : { hostNetns }),
    ...(uplink === undefined ? {} : { uplink }),
    ...(foreign === undefined ? {} : { foreign }),
  };
}

function foreignOf({ netdevs, netdevPattern }: PlaceArgs): ForeignNetdevs | undefined {
  if (netdevs === undefined && netdevPattern === undefined) return undefined;
  const table = netdevs === undefined ? new Map<string, string>() : parseNetdevs(netdevs);
  return { table, pattern: netdevPattern };
}

function limitsOf(text: string | undefined): Limits {
  if (text === undefined) return {};
  return parseLimits(text.includes('=') ? text : readFileSync(text, 'utf8'));
}

function tlsFilesOf(text: string): TlsFiles {
  const [cert, key, ca, ...more] = text.split(':');
  if (!cert || !key || !ca || more.length > 0)
    throw new RangeError(`--tls ${text}: not cert:key:ca`);
  return { cert, key, ca };
}
