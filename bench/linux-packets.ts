/**
 * Packets a second between two vNICs. A frame that is sent into a veth is forwarded by the sender's processor before the next
 * one is, so that the time of sending is that of the whole way.
 */
import { buildFrame, buildPacket } from '../src/lab/packets/build.js';
import { macText } from '../src/lab/packets/bytes.js';
import { PROTOCOL } from '../src/lab/packets/spec.js';
import type { VerdictNet } from '../src/lab/verdicts/verdict-net.js';
import { PacketSocket } from '../src/netlink/packet-socket.js';
import type { LinuxXpu } from '../src/soft-xpu/linux-xpu.js';
import type { StoreOperation } from '../src/soft-xpu/store/object-store.js';
import { binding, key, object, rule, stage, tier, toPort } from '../test/soft-xpu/node-words.js';
import { addressOf, put, vnicOf } from './linux-node.js';
import { median, type Report } from './report.js';

const RULES = 1_000;
const PACKETS = 10_000;
const ROUNDS = 7;
const BATCH = 200;
/** What a busy machine may lose. */
const ARRIVED_SHARE_MIN = 0.99;

/** Measures and reports: with 1k rules in turn with none. */
export async function measurePackets(
  xpu: LinuxXpu,
  net: VerdictNet,
  report: Report,
): Promise<void> {
  xpu.store.applyBatch(twoPods());
  await xpu.dataPlane.settled();
  await net.bringUp();
  const socket = PacketSocket.open({ netns: net.outside });
  try {
    const road = new Road(socket, (ifname) => net.macBehind(ifname) ?? '');
    for (const isFresh of [false, true]) {
      const rates: Record<'none' | 'many', number[]> = { none: [], many: [] };
      for (let round = 0; round < ROUNDS; round++) {
        for (const rules of ['none', 'many'] as const) {
          xpu.store.applyBatch([bind(1, rules)]);
          await xpu.dataPlane.settled();
          await xpu.dataPlane.reset();
          if (!isFresh) road.establish();
          rates[rules].push(road.rate(isFresh));
        }
      }
      const what = isFresh ? 'a new connection each' : 'of one connection';
      report(`linux: packets ${what}, no rules`, median(rates.none), 'packets/s');
      report(`linux: packets ${what}, ${RULES} rules`, median(rates.many), 'packets/s');
      report('    of the rate without rules', median(rates.many) / median(rates.none), 'x');
    }
  } finally {
    socket.close();
  }
}

/** The way from pod 0 to pod 1. */
class Road {
  private readonly socket: PacketSocket;
  private readonly macBehind: (ifname: string) => string;

  constructor(socket: PacketSocket, macBehind: (ifname: string) => string) {
    this.socket = socket;
    this.macBehind = macBehind;
  }

  /** The connection of number 0 is answered: the rules have spoken. */
  establish(): void {
    this.socket.send(this.socket.interfaceIndex('cali0'), this.frame(0, 1, 0));
    this.socket.send(this.socket.interfaceIndex('cali1'), this.frame(1, 0, 0));
    this.drain();
  }

  /** Packets a second that came out; throws if more than a few did not. */
  rate(isFresh: boolean): number {
    const entry = this.socket.interfaceIndex('cali0');
    const frames = Array.from({ length: PACKETS }, (_, at) => this.frame(0, 1, isFresh ? at : 0));
    let [milliseconds, arrived] = [0, 0];
    for (let at = 0; at < PACKETS; at += BATCH) {
      const begun = performance.now();
      for (const frame of frames.slice(at, at + BATCH)) this.socket.send(entry, frame);
      milliseconds += performance.now() - begun;
      arrived += this.drain();
    }
    if (arrived < PACKETS * ARRIVED_SHARE_MIN) {
      throw new Error(`${arrived} of ${PACKETS} packets came out`);
    }
    return (arrived * 1000) / milliseconds;
  }

  private drain(): number {
    let count = 0;
    while (this.socket.receive() !== undefined) count++;
    return count;
  }

  private frame(from: number, to: number, connection: number): Uint8Array {
    const ports = [10_000 + connection, 9_999];
    const [sourcePort = 0, destinationPort = 0] = from < to ? ports : ports.reverse();
    const packet = {
      source: addressOf(from),
      destination: addressOf(to),
      protocol: PROTOCOL.udp,
      sourcePort,
      destinationPort,
      payload: new Uint8Array(64),
    };
    const ifname = `cali${from}`;
    const mac = macText(this.socket.hardwareAddress(ifname));
    return buildFrame(mac, this.macBehind(ifname), buildPacket(packet));
  }
}

function twoPods(): StoreOperation[] {
  const many = Array.from({ length: RULES }, (_, index) =>
    rule('ALLOW', { protocol: 17, ...toPort(20_000 + index) }, `r-${index}`),
  );
  const open = [rule('ALLOW')];
  return [
    put(object('vpc', 'cluster', {})),
    put(object('subnet', 'pool', { vpc: key('vpc', 'cluster'), v4RouterIp: '169.254.1.1' })),
    put(object('networkPolicy', 'allow-all', { ingressRules: open, egressRules: open })),
    put(object('networkPolicy', 'many', { ingressRules: [...many, ...open], egressRules: [] })),
    ...[0, 1].flatMap((index) => vnicOf(index, bind(index, 'none'))),
  ];
}

function bind(index: number, rules: 'none' | 'many'): StoreOperation {
  const tiers = rules === 'many' ? [tier('default', ['many'])] : [];
  const stages = [
    stage('WORKLOAD', 'FROM_PORT', [], ['allow-all']),
    stage('WORKLOAD', 'TO_PORT', tiers, ['allow-all']),
  ];
  const port = { vnic: key('vnic', `vnic-${index}`) };
  const spec = binding(port, stages, { allowedSources: [`${addressOf(index)}/32`] });
  return put(object('policyBinding', `bind-${index}`, spec));
}
