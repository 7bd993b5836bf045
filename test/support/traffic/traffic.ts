/**
 * Traffic through an XPU: every flow sends numbered packets in even steps, as frames in the namespace where all other ends of
 * the XPU's ports are, and what comes out there is counted.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { buildFrame, buildPacket } from '../../../src/lab/packets/build.js';
import { macText } from '../../../src/lab/packets/bytes.js';
import { Marker } from '../../../src/lab/packets/marker.js';
import { parseFrame } from '../../../src/lab/packets/parse.js';
import { NetlinkError } from '../../../src/netlink/errors.js';
import { PacketSocket, type ReceivedFrame } from '../../../src/netlink/packet-socket.js';
import type { Flow } from './flow.js';

/** What became of the packets of one flow. */
export interface FlowCount {
  readonly flow: Flow;
  sent: number;
  /** Came out where they should. */
  arrived: number;
  /** Came out elsewhere. */
  astray: number;
}

/** What became of all flows during one action. */
export interface TrafficReport {
  readonly milliseconds: number;
  readonly counts: readonly FlowCount[];
  /** Frames that this machine had no room for, whoever's they were: that many may be missing through no fault of the XPU. */
  readonly machineDrops: number;
}

/** How traffic is made. */
export interface TrafficOptions {
  /** Namespace of the other ends. */
  readonly netns: string;
  readonly flows: readonly Flow[];
  /** The XPU's MAC address at the other end of an interface. */
  readonly macBehind: (ifname: string) => string | undefined;
}

interface Lane {
  readonly flow: Flow;
  readonly interfaceIndex: number;
  readonly exitIndex: number;
  readonly macs: readonly [source: string, destination: string];
  next: number;
  /** Highest number that has arrived. */
  highest: number;
  readonly open: Set<number>;
}

const STEP_MS = 20;
const WAIT_MS = 20;
/** After the last packet this long without a frame, and what is missing is lost. */
const QUIET_MS = 300;
const NUMBER_BITS = 24;
/** No carrier at the other end, down, gone. */
const PORT_LOST = new Set(['ENOBUFS', 'ENETDOWN', 'ENXIO', 'ENODEV']);

/** See the file head. Close it after use. */
export class Traffic {
  private readonly socket: PacketSocket;
  private readonly marker: Marker;
  private readonly lanes: readonly Lane[];
  private counts: FlowCount[] = [];
  private lastFrame = 0;

  /** `run` tells traffics apart that could meet: 32 bits. */
  constructor(run: number, { netns, flows, macBehind }: TrafficOptions) {
    this.socket = PacketSocket.open({ netns });
    this.marker = new Marker(run);
    this.lanes = flows.map((flow) => ({
      flow,
      interfaceIndex: this.socket.interfaceIndex(flow.from.ifname),
      exitIndex: this.socket.interfaceIndex(flow.to.ifname),
      macs: [
        macText(this.socket.hardwareAddress(flow.from.ifname)),
        macBehind(flow.from.ifname) ?? '',
      ],
      next: 0,
      highest: -1,
      open: new Set<number>(),
    }));
  }

  /** Sends for as long as `action` takes, and counts until nothing comes any more. Talks go on from one run to the next. */
  async during(action: () => Promise<unknown>): Promise<TrafficReport> {
    this.counts = this.lanes.map(({ flow }) => ({ flow, sent: 0, arrived: 0, astray: 0 }));
    for (const { open } of this.lanes) open.clear();
    const drops = this.drops();
    const begin = performance.now();
    let ended = false;
    const acting = action().finally(() => (ended = true));
    const [, , milliseconds] = await Promise.all([
      acting,
      this.receive(() => ended),
      this.sendSteps(() => ended).then(() => performance.now() - begin),
    ]);
    return { milliseconds, counts: this.counts, machineDrops: this.drops() - drops };
  }

  /** Ends it. */
  close(): void {
    this.socket.close();
  }

  private async sendSteps(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      this.sendStep();
      await delay(STEP_MS);
    }
  }

  private sendStep(): void {
    for (const [index, lane] of this.lanes.entries()) {
      const opposite = this.lanes.find(({ flow }) => flow.name === lane.flow.opposite);
      const packet = lane.flow.packet(lane.next, { answered: opposite?.highest ?? -1 });
      if (packet === undefined) continue;
      const payload = this.marker.mark(index * 2 ** NUMBER_BITS + lane.next);
      const frame = buildFrame(...lane.macs, buildPacket({ ...packet, payload }));
      if (!this.send(lane.interfaceIndex, frame)) continue;
      lane.open.add(lane.next++);
      this.count(index, 'sent');
    }
  }

  /** False where this machine has no room now. A port that takes nothing, or is gone, has lost what was sent to it. */
  private send(interfaceIndex: number, frame: Uint8Array): boolean {
    try {
      return this.socket.send(interfaceIndex, frame);
    } catch (error) {
      if (error instanceof NetlinkError && PORT_LOST.has(error.errno)) return true;
      throw error;
    }
  }

  private async receive(sendingEnded: () => boolean): Promise<void> {
    this.lastFrame = performance.now();
    for (;;) {
      await this.socket.readable(WAIT_MS);
      for (let one = this.socket.receive(); one !== undefined; one = this.socket.receive()) {
        this.take(one);
      }
      if (!sendingEnded()) this.lastFrame = performance.now();
      else if (performance.now() - this.lastFrame > QUIET_MS) return;
    }
  }

  private take({ frame, interfaceIndex, forAnother }: ReceivedFrame): void {
    const packet = parseFrame(frame)?.packet;
    if (packet === undefined || packet.icmp?.quoted !== undefined) return;
    const id = this.marker.read(packet.payload);
    if (id === undefined) return;
    this.lastFrame = performance.now();
    const [index, number] = [Math.floor(id / 2 ** NUMBER_BITS), id % 2 ** NUMBER_BITS];
    const lane = this.lanes[index];
    // Not open: it was sent in an earlier run, or it came twice.
    if (lane === undefined || !lane.open.delete(number)) return;
    const isRight = interfaceIndex === lane.exitIndex && !forAnother;
    this.count(index, isRight ? 'arrived' : 'astray');
    if (isRight) lane.highest = Math.max(lane.highest, number);
  }

  private count(index: number, what: 'sent' | 'arrived' | 'astray'): void {
    const count = this.counts[index];
    if (count !== undefined) count[what]++;
  }

  private drops(): number {
    return this.socket.takeDropCount() + backlogDrops();
  }
}

/** Packets that found a CPU's backlog full, on the whole machine. */
function backlogDrops(): number {
  const lines = readFileSync('/proc/net/softnet_stat', 'utf8').trim().split('\n');
  return lines.reduce((sum, line) => sum + parseInt(line.split(' ')[1] ?? '0', 16), 0);
}
