/** `calico-xpu felix-sim replay`: plays a recording at a driver and an XPU. Its JSON and exit codes are a fixed form. */
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readSettings, variableName } from '../agent/settings.js';
import { connectOpiTarget } from '../opi/client/target.js';
import { OWN_DRIVER } from '../lab/own-programs.js';
import { replay, type ReplayOptions } from '../lab/replay/replay.js';
import { replayProblems, reportText, type ReplayReport } from '../lab/replay/report.js';
import { finalSession, readSource, type ReplaySource } from '../lab/replay/source.js';
import { XpuProcess } from '../lab/xpu-process.js';
import { defineCommand, type CliContext } from './command.js';
import { terminationSignal } from './node-process.js';

/** Arguments of the command. */
interface ReplayArguments {
  readonly recording: string;
  readonly driver?: string | undefined;
  readonly xpu?: string | undefined;
  readonly target: 'native' | 'plain';
  readonly flattened: boolean;
  readonly xpuMode: 'strict' | 'reference';
  readonly until?: string | undefined;
  readonly node?: string | undefined;
  readonly final: boolean;
  readonly hostInterface: readonly string[];
  readonly speed: number;
  readonly splitWrites: number;
  readonly restartAt?: number | undefined;
  readonly timeout: number;
  readonly json: boolean;
}

/** The node's interface in the recordings, with the host addresses Felix tells. */
const DEFAULT_HOST_INTERFACES: readonly string[] = [];

/** The command. */
export const felixSimReplay = defineCommand({
  options: (yargs) =>
    yargs
      .positional('recording', { type: 'string', demandOption: true, describe: 'folder or file' })
      .option('driver', { type: 'string', describe: 'executable to play at; default our own' })
      .option('xpu', { type: 'string', describe: 'OPI server to use; default an own soft-xpu' })
      .option('target', {
        choices: ['native', 'plain'] as const,
        default: 'native' as const,
        describe: 'API level of the XPU: with the network/k8s extension, or network/cloud alone',
      })
      .option('flattened', { type: 'boolean', default: false, describe: 'no COMPACT rules' })
      .option('xpu-mode', {
        choices: ['strict', 'reference'] as const,
        default: 'strict' as const,
        describe: "manners of an own soft-xpu: proper ones, or those of today's servers",
      })
      .option('until', { type: 'string', describe: 'stop after this step' })
      .option('node', {
        type: 'string',
        describe: 'node of Felix in a folder or file of YAML resources; default node-a',
      })
      .option('final', {
        type: 'boolean',
        default: false,
        describe: 'send only the state at the end, as one session',
      })
      .option('host-interface', {
        type: 'string',
        array: true,
        nargs: 1,
        default: DEFAULT_HOST_INTERFACES,
        describe: 'NAME=ADDR[,ADDR] of the node; default eth0 with the addresses Felix tells',
      })
      .option('speed', { type: 'number', default: 0, describe: '1 = as recorded, 0 = at once' })
      .option('split-writes', { type: 'number', default: 0, describe: 'bytes of one write' })
      .option('restart-at', { type: 'number', describe: 'kill the driver after so many frames' })
      .option('timeout', {
        type: 'number',
        default: 120,
        describe: 'seconds without progress before a step has failed',
      })
      .option('json', { type: 'boolean', default: false, describe: 'the report as JSON' }),
  run: (args, context) => runReplay(args, context),
});

async function runReplay(args: ReplayArguments, context: CliContext): Promise<number> {
  const recorded = readSource(args.recording, args.until, args.node);
  const source = args.final ? finalSession(recorded) : recorded;
  if (args.xpu !== undefined) {
    const problem = await targetProblem(args.xpu, args, context);
    if (problem !== undefined) {
      context.stderr.write(`${problem}\n`);
      return 2;
    }
    return await play(source, args.xpu, args, context);
  }
  const folder = mkdtempSync(join(tmpdir(), 'calico-xpu-replay-xpu-'));
  const xpu = await startXpu(folder, args);
  try {
    return await play(source, xpu.address, args, context);
  } finally {
    await xpu.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function startXpu(folder: string, args: ReplayArguments): Promise<XpuProcess> {
  return XpuProcess.start({
    listen: `unix:${join(folder, 'opi.sock')}`,
    mode: args.xpuMode,
    target: args.target,
    flattened: args.flattened,
  });
}

/** Why the XPU given is not what was asked for. */
async function targetProblem(
  address: string,
  args: ReplayArguments,
  { env }: CliContext,
): Promise<string | undefined> {
  const { tls } = readSettings(env);
  const target = connectOpiTarget({ address, ...(tls === undefined ? {} : { tls }) });
  try {
    const { level, compactRules } = await target.probe();
    if (level !== args.target) return `the XPU at ${address} is ${level}, not ${args.target}`;
    if (level === 'plain' && args.flattened === compactRules) {
      return `the XPU at ${address} offers ${compactRules ? 'COMPACT' : 'only FLATTENED'} rules`;
    }
    return undefined;
  } finally {
    await target.close();
  }
}

async function play(
  source: ReplaySource,
  address: string,
  args: ReplayArguments,
  context: CliContext,
): Promise<number> {
  const abort = new AbortController();
  void terminationSignal().then(() => abort.abort());
  const report = await replay(source, {
    ...toOptions(address, args, context),
    abort: abort.signal,
  });
  if (context.stderr.isTTY) context.stderr.write('\n');
  return show(report, args, context);
}

function toOptions(address: string, args: ReplayArguments, context: CliContext): ReplayOptions {
  return {
    ...driverOf(args.driver),
    xpuAddress: address,
    tls: readSettings(context.env).tls,
    environment: ownSettings(context.env),
    target: args.target,
    hostInterfaces: args.hostInterface,
    speed: args.speed,
    splitWritesBytes: args.splitWrites,
    restartAt: args.restartAt,
    stepTimeoutMs: args.timeout * 1000,
    onOutput: (chunk) => context.stderr.write(chunk.toString()),
    onProgress: (text) => {
      if (context.stderr.isTTY) context.stderr.write(`\r\u001b[K${text}`);
    },
  };
}

/** Settings of ours in the environment, mTLS above all, reach the driver as they would through Felix. */
function ownSettings(env: CliContext['env']): Record<string, string> {
  const prefix = variableName('');
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      name.startsWith(prefix) && value !== undefined ? [[name, value]] : [],
    ),
  );
}

/** The driver to play at; a name without folder is a file here, as for every other path. */
function driverOf(given: string | undefined): Pick<ReplayOptions, 'driverFile' | 'foreign'> {
  if (given === undefined) return { driverFile: OWN_DRIVER, foreign: false };
  const driverFile = resolve(given);
  const own = existsSync(driverFile) && realpathSync(driverFile) === realpathSync(OWN_DRIVER);
  return { driverFile, foreign: !own };
}

function show(report: ReplayReport, args: ReplayArguments, context: CliContext): number {
  const problems = replayProblems(report);
  context.stdout.write(args.json ? `${JSON.stringify(report)}\n` : reportText(report));
  for (const problem of problems) context.stderr.write(`${problem}\n`);
  return problems.length === 0 ? 0 : 1;
}
