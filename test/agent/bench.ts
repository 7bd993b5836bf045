/** One agent over a FakeTarget, in process, and the Felix ends of its streams. */
import { PassThrough } from 'node:stream';
import { NodeAgent } from '../../src/agent/node-agent.js';
import { XpuLink } from '../../src/agent/xpu-link.js';
import { systemClock } from '../../src/base/clock.js';
import { silentLogger } from '../../src/base/log.js';
import { encodeFrame, FrameReader } from '../../src/driver/frame.js';
import { decodeFromDataplane } from '../../src/driver/message.js';
import type { FromDataplane } from '../../src/gen/felix/types.js';
import { readSource } from '../../src/lab/replay/source.js';
import { FakeTarget } from '../../src/opi/objects/fake-target.js';
import { ObjectNamer } from '../../src/opi/objects/key.js';
import { defaultSettings } from '../../src/translators/settings.js';
import { Translator } from '../../src/translators/translator.js';
import { recordingNamed } from '../support/recordings.js';

const WAIT_MS = 5_000;

/** An agent. */
export class Bench {
  readonly target = new FakeTarget();
  readonly fatal: unknown[] = [];
  readonly agent: NodeAgent;

  constructor(stateDir: string, environment: Record<string, string> = {}, target?: FakeTarget) {
    if (target !== undefined) this.target = target;
    this.agent = new NodeAgent({
      mode: 'agent',
      version: 'test',
      environment: { FELIX_XPUSTATEDIR: stateDir, ...environment },
      hostname: 'fallback',
      clock: systemClock,
      logger: silentLogger,
      connect: (_settings, node) => this.connect(node),
      onFatal: (error) => this.fatal.push(error),
    });
  }

  /** A Felix connects. */
  felix(): FelixEnd {
    const input = new PassThrough();
    const output = new PassThrough();
    const end = new FelixEnd(input, output);
    end.served = this.agent.serve({ input, output } as never).then(
      () => undefined,
      (error: unknown) => error,
    );
    return end;
  }

  /** Waits until so many frames are applied. */
  async applied(count: number): Promise<void> {
    await until(() => this.agent.felixStatus().applied >= count);
  }

  private connect(node: string): ReturnType<ConstructorParameters<typeof NodeAgent>[0]['connect']> {
    const link = new XpuLink({
      target: this.target,
      namer: new ObjectNamer(node),
      clock: systemClock,
      logger: silentLogger,
      required: 'auto',
      translator: (capabilities) => new Translator(defaultSettings(node), capabilities),
      acquire: () => Promise.resolve(),
    });
    return { link, calls: () => new Map(), writes: () => this.target.writes.length };
  }
}

/** Felix's ends of one stream. */
export class FelixEnd {
  served: Promise<unknown> = Promise.resolve();
  readonly heard: FromDataplane[] = [];
  private readonly input: PassThrough;

  constructor(input: PassThrough, output: PassThrough) {
    this.input = input;
    const reader = new FrameReader();
    output.on('data', (chunk: Buffer) => {
      reader.append(chunk);
      for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
        this.heard.push(decodeFromDataplane(frame.body));
      }
    });
  }

  /** Felix writes these frames. */
  say(bodies: readonly Uint8Array[]): void {
    for (const body of bodies) this.input.write(encodeFrame(body));
  }

  /** Felix writes these bytes. */
  sayRaw(bytes: Uint8Array): void {
    this.input.write(bytes);
  }

  /** Felix goes; gives the error the stream ended with. */
  async hangUp(): Promise<unknown> {
    this.input.end();
    return this.served;
  }

  /** Last status told of each workload. */
  workloads(): Record<string, string> {
    const told = new Map<string, string>();
    for (const message of this.heard) {
      if (message.payload === 'workload_endpoint_status_update') {
        const { id, status } = message.workload_endpoint_status_update;
        told.set(id?.workload_id ?? '', status?.status ?? '');
      } else if (message.payload === 'workload_endpoint_status_remove') {
        told.delete(message.workload_endpoint_status_remove.id?.workload_id ?? '');
      }
    }
    return Object.fromEntries(told);
  }
}

/** Waits for a condition; rejects after five seconds. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('waited too long');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Bodies of a recording's frames, all or up to the end of a step. */
export function frames(name: string, step?: string): Uint8Array[] {
  const source = readSource(recordingNamed(name).folder, step);
  return source.streams.flatMap((stream) => stream.frames.map(({ body }) => body));
}
