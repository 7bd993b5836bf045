/**
 * The demo: a recording of a real Felix, played at our driver, which programs a soft-xpu over gRPC, each in a process of its own.
 * Shows what was programmed, who may talk to whom and by which rule, and what a policy change changes.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentStatus } from '../../agent/status.js';
import { variableName } from '../../agent/settings.js';
import { decodeToDataplane } from '../../driver/message.js';
import type { ToDataplane } from '../../gen/felix/types.js';
import type { TimedFrame } from '../../felix-sim/player.js';
import { SessionState } from '../../felix-sim/session-state.js';
import { connectDebug, type DebugClient } from '../../opi/client/debug.js';
import { OWN_DRIVER } from '../own-programs.js';
import { DriverSession } from '../replay/driver-session.js';
import { readSource, type ReplaySource } from '../replay/source.js';
import { XpuProcess } from '../xpu-process.js';
import { askMatrix, differenceText, matrixText, rulesText, type Cell } from './matrix.js';
import { placesOf, servicesOf } from './probes.js';

/** How the demo talks. */
export interface DemoOutput {
  /** One finished line. */
  line(text: string): void;
  /** Says what is being done now; the next call replaces it. */
  progress(text: string): void;
}

const STEP_TIMEOUT_MS = 30_000;

/** Runs the demo over a recording's folder. Nothing is left behind. */
export async function runDemo(folder: string, output: DemoOutput): Promise<void> {
  const source = readSource(folder);
  const stateDir = mkdtempSync(join(tmpdir(), 'calico-xpu-demo-'));
  const address = `unix:${join(stateDir, 'opi.sock')}`;
  output.progress('starting soft-xpu');
  const xpu = await XpuProcess.start({
    listen: address,
    mode: 'strict',
    target: 'native',
    flattened: false,
  });
  try {
    await new Demo(source, { stateDir, address, output }).run();
  } finally {
    await xpu.stop();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

class Demo {
  private readonly source: ReplaySource;
  /** Everything Felix said. */
  private readonly story: readonly ToDataplane[];
  private readonly stateDir: string;
  private readonly address: string;
  private readonly output: DemoOutput;

  constructor(
    source: ReplaySource,
    { stateDir, address, output }: { stateDir: string; address: string; output: DemoOutput },
  ) {
    this.source = source;
    this.story = source.streams.flatMap(({ frames }) =>
      frames.map(({ body }) => decodeToDataplane(body).message),
    );
    this.stateDir = stateDir;
    this.address = address;
    this.output = output;
  }

  async run(): Promise<void> {
    const { output, source } = this;
    output.progress('starting the driver as Felix does');
    const session = await DriverSession.start(this.launch());
    const debug = connectDebug({ address: this.address });
    try {
      let cells: readonly Cell[] = [];
      let played = 0;
      let writes = 0;
      for (const step of source.steps) {
        const frames = source.streams[step.stream]?.frames ?? [];
        output.progress(`${step.name}: playing frames ${played} to ${step.frames}`);
        await session.play(frames.slice(played, step.frames));
        played = step.frames;
        const status = await session.applied();
        if (status === undefined) break;
        const now = await this.ask(debug, stateAfter(frames.slice(0, played)));
        if (cells.length === 0) this.showStart(status, played, now);
        else
          this.showChange(step.name, {
            before: cells,
            after: now,
            writes: status.xpu.writes - writes,
          });
        cells = now;
        writes = status.xpu.writes;
      }
    } finally {
      debug.close();
      await session.stop();
    }
  }

  private ask(debug: DebugClient, messages: readonly ToDataplane[]): Promise<Cell[]> {
    this.output.progress('asking the XPU packet by packet');
    const places = placesOf(messages, this.story, this.source.node);
    return askMatrix(debug, places, servicesOf(this.story));
  }

  private showStart(status: AgentStatus, frames: number, cells: readonly Cell[]): void {
    const { output } = this;
    const places = [...new Set(cells.map(({ from }) => from))];
    const services = [...new Set(cells.map(({ service }) => service))];
    output.line(
      `Felix (Calico ${status.felix.calicoVersion}) said ${frames} messages; all are applied.`,
    );
    output.line('');
    output.line(`On the XPU (${status.xpu.level} target), by ${status.xpu.writes} writing calls:`);
    for (const [kind, count] of Object.entries(status.wanted)) {
      if (count > 0) output.line(`  ${kind.padEnd(16)}${count}`);
    }
    output.line('');
    output.line('Calls made:');
    const calls = Object.entries(status.xpu.calls).map(([method, count]) => `${method} ${count}`);
    output.line(`  ${calls.join(', ')}`);
    output.line('');
    output.line('Endpoints:');
    for (const [key, { status: state }] of Object.entries(status.endpoints)) {
      output.line(`  ${state.padEnd(5)} ${decodeURIComponent(key)}`);
    }
    output.line('');
    output.line('Who may open a connection to whom (asked of the XPU, a packet each):');
    output.line(matrixText(cells, places, services));
    output.line('');
    output.line('Let in by:');
    output.line(rulesText(cells));
  }

  private showChange(
    name: string,
    change: { before: readonly Cell[]; after: readonly Cell[]; writes: number },
  ): void {
    const { output } = this;
    output.line('');
    output.line(`Then Felix says "${name}" (${change.writes} writing calls). What changes:`);
    output.line(differenceText(change.before, change.after));
  }

  private launch(): Parameters<typeof DriverSession.start>[0] {
    return {
      driverFile: OWN_DRIVER,
      foreign: false,
      stateDir: this.stateDir,
      environment: {
        ...this.source.environment,
        [variableName('mode')]: 'standalone',
        [variableName('address')]: this.address,
      },
      play: { speed: 0, splitWritesBytes: 0 },
      stepTimeoutMs: STEP_TIMEOUT_MS,
      onOutput: (chunk) => this.output.line(chunk.toString().trimEnd()),
    };
  }
}

/** The messages that say what Felix wants after `frames`. */
function stateAfter(frames: readonly TimedFrame[]): ToDataplane[] {
  const state = new SessionState();
  for (const { body } of frames) state.apply(decodeToDataplane(body).message);
  return state.messages();
}
