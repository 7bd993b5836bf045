/**
 * The whole path: frames into a node's agent in this process, over gRPC to a soft-xpu in another. Time is from the first byte
 * of a frame written to the moment the XPU has acknowledged its effect.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { NodeAgent } from '../src/agent/node-agent.js';
import { systemClock } from '../src/base/clock.js';
import { silentLogger } from '../src/base/log.js';
import { connectXpu } from '../src/cli/xpu-connection.js';
import { encodeFrame } from '../src/driver/frame.js';
import { readSource } from '../src/lab/replay/source.js';
import { XpuProcess } from '../src/lab/xpu-process.js';
import { connectOpiTarget } from '../src/opi/client/target.js';
import { allRecordings } from '../test/support/recordings.js';
import { editedPolicy, LARGE, oneMember, SMALL, snapshot } from './cluster.js';
import { median, type Report } from './report.js';

const ROUNDS = 200;

/** Measures and reports. */
export async function run(report: Report): Promise<void> {
  for (const name of ['head/many-policies', 'head/large-sets']) {
    const recording = allRecordings().find((each) => each.name === name);
    if (recording === undefined) continue;
    const source = readSource(recording.folder, 'start');
    const bodies = source.streams.flatMap(({ frames }) => frames.map(({ body }) => body));
    await withBench(async (bench) => {
      report(`snapshot of ${name}`, (await bench.play(bodies)) / 1000, 's');
    });
  }
  await measureCluster(
    '1k policies x 10 rules, 250 endpoints, 100k members',
    snapshot(SMALL),
    report,
  );
  await measureCluster(
    '12k policies x 10 rules, 250 endpoints, 1M members',
    snapshot(LARGE),
    report,
  );
}

async function measureCluster(
  name: string,
  bodies: readonly Uint8Array[],
  report: Report,
): Promise<void> {
  await withBench(async (bench) => {
    report(`snapshot: ${name}`, (await bench.play(bodies)) / 1000, 's');
    report('  memory of the agent', bench.memoryMib(process.pid), 'MiB at most');
    report('  memory of soft-xpu', bench.memoryMib(bench.xpuPid), 'MiB at most');
    report('  writing calls', bench.agent.status().xpu.writes, 'calls');
    const writes = bench.agent.status().xpu.writes;
    report('  a new session that says the same', (await bench.resync(bodies)) / 1000, 's');
    report('  its writing calls', bench.agent.status().xpu.writes - writes, 'calls');
    const trip = await bench.bareRoundTrip();
    report('  bare gRPC round trip', trip, 'ms median');
    const member = await bench.changes((round, sequence) =>
      oneMember(round >> 1, sequence, round % 2 === 1),
    );
    report('  one member of the big set', member, 'ms median');
    report('  one member, in bare round trips', member / trip, 'x');
    const policy = await bench.changes((round, sequence) =>
      editedPolicy(round % 50, 2_000 + round, sequence),
    );
    report('  one policy edited', policy, 'ms median');
  });
}

async function withBench(work: (bench: Bench) => Promise<void>): Promise<void> {
  const bench = await Bench.start();
  try {
    await work(bench);
  } finally {
    await bench.stop();
  }
}

class Bench {
  readonly agent: NodeAgent;
  private readonly folder: string;
  private readonly xpu: XpuProcess;
  private input = new PassThrough();
  private frames = 0;

  private constructor(folder: string, xpu: XpuProcess) {
    this.folder = folder;
    this.xpu = xpu;
    this.agent = new NodeAgent({
      mode: 'standalone',
      version: 'bench',
      environment: { FELIX_XPUADDRESS: xpu.address, FELIX_XPUSTATEDIR: folder },
      hostname: hostname(),
      clock: systemClock,
      logger: silentLogger,
      connect: (settings, node) => connectXpu(settings, node, silentLogger),
      onFatal: (error) => {
        throw error;
      },
    });
  }

  static async start(): Promise<Bench> {
    const folder = mkdtempSync(join(tmpdir(), 'calico-xpu-bench-'));
    const xpu = await XpuProcess.start({
      listen: `unix:${join(folder, 'opi.sock')}`,
      mode: 'strict',
      target: 'native',
      flattened: false,
    });
    return new Bench(folder, xpu);
  }

  get xpuPid(): number {
    return this.xpu.pid ?? 0;
  }

  /** Plays a whole session; milliseconds until all of it is applied. */
  async play(bodies: readonly Uint8Array[]): Promise<number> {
    const started = performance.now();
    this.open();
    for (const body of bodies) await this.write(body);
    await this.applied();
    return performance.now() - started;
  }

  /** The same session again, as a restarted Felix says it. */
  async resync(bodies: readonly Uint8Array[]): Promise<number> {
    this.input.end();
    return await this.play(bodies);
  }

  /** Milliseconds of one change, median. `make` gets the round and the sequence number. */
  async changes(make: (round: number, sequence: number) => Uint8Array): Promise<number> {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const body = make(round, this.frames);
      const started = performance.now();
      await this.write(body);
      await this.applied();
      times.push(performance.now() - started);
    }
    return median(times);
  }

  /** Milliseconds of a call that does nothing, median. */
  async bareRoundTrip(): Promise<number> {
    const target = connectOpiTarget({ address: this.xpu.address });
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const started = performance.now();
      await target.delete({ kind: 'mapping', id: 'no-such-mapping' });
      times.push(performance.now() - started);
    }
    await target.close();
    return median(times);
  }

  /** Greatest resident memory of a process so far. */
  memoryMib(pid: number): number {
    const match = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(match?.[1] ?? NaN) / 1024;
  }

  async stop(): Promise<void> {
    await this.agent.stop();
    await this.xpu.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private open(): void {
    this.input = new PassThrough();
    this.frames = 0;
    const output = new PassThrough();
    output.resume();
    void this.agent.serve({ input: this.input, output } as never);
  }

  private async write(body: Uint8Array): Promise<void> {
    this.frames++;
    if (this.input.write(encodeFrame(body))) return;
    await new Promise((resolve) => this.input.once('drain', resolve));
  }

  private applied(): Promise<void> {
    const done = (): boolean => this.agent.felixStatus().applied >= this.frames;
    if (done()) return Promise.resolve();
    return new Promise((resolve) => {
      const stop = this.agent.onProgress(() => {
        if (!done()) return;
        stop();
        resolve();
      });
    });
  }
}
