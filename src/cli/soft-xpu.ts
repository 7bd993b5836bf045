/** `calico-xpu soft-xpu`: an OPI server with a data plane in memory. */
import { readFileSync } from 'node:fs';
import { createMemoryXpu } from '../soft-xpu/memory-xpu.js';
import { startServer, type TlsFiles } from '../soft-xpu/server.js';
import { loadStore } from '../soft-xpu/store/dump.js';
import { parseLimits, type Limits } from '../soft-xpu/store/limits.js';
import { defineCommand } from './command.js';
import { terminationSignal } from './node-process.js';

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
      .option('json', { type: 'boolean', default: false, describe: 'print the addresses as JSON' }),
  async run(args, { stdout }) {
    const xpu = createMemoryXpu({
      extension: args.extension,
      compactRules: !args.flattened,
      limits: limitsOf(args.limits),
    });
    if (args.state !== undefined) loadStore(xpu.store, readFileSync(args.state, 'utf8'));
    const ended = terminationSignal();
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
    return 0;
  },
});

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
