/** The test node as a whole linux XPU in a namespace: objects go to its store, packets in and out by real interfaces. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  PacketProbe,
  type Arrival,
  type ProbeSend,
} from '../../../src/lab/packets/packet-probe.js';
import { runName, UPLINK_INTERFACE, VerdictNet } from '../../../src/lab/verdicts/verdict-net.js';
import { WIRE_INTERFACE } from '../../../src/lab/verdicts/probe-frames.js';
import { createLinuxXpu, removeLinuxXpu, type LinuxXpu } from '../../../src/soft-xpu/linux-xpu.js';
import type { TunnelSpec } from '../../../src/opi/objects/specs.js';
import { packetOf, type PacketFields } from '../../../src/soft-xpu/memory/packet.js';
import type { PortRef } from '../../../src/soft-xpu/memory/port.js';
import type { DropReason } from '../../../src/soft-xpu/memory/decision.js';
import { packetSpec } from '../../soft-xpu/linux/ruleset/kernel-node.js';
import { HOST, HOST6, key, object } from '../../soft-xpu/node-words.js';
import { PacketNode } from './node.js';

/** MAC address of the other node's end of the tunnel, and of ours: the XPU takes inner frames whatever they are sent to. */
const REMOTE_MAC = '66:00:00:00:00:02';
const LOCAL_MAC = '66:00:00:00:00:01';
const REMOTE = { 4: '172.30.0.2', 6: 'fd30::2' } as const;
const VNI = 4096;

/** Makes one; `close` ends it and leaves nothing behind. */
export async function openLinuxNode(): Promise<LinuxNode> {
  const net = new VerdictNet(runName(), 'node-a');
  const stateDir = mkdtempSync(join(tmpdir(), 'calico-xpu-contract-'));
  const place = { netns: net.xpu, hostNetns: net.outside, uplink: UPLINK_INTERFACE, stateDir };
  try {
    await net.build();
    await net.tellNeighbours([{ ifname: WIRE_INTERFACE, addresses: Object.values(REMOTE) }]);
    const xpu = await createLinuxXpu(place);
    const probe = PacketProbe.open({ netns: net.outside });
    return new LinuxNode(xpu, net, probe, async () => {
      probe.close();
      await xpu.close();
      await removeLinuxXpu(place);
      await net.remove();
      rmSync(stateDir, { recursive: true, force: true });
    });
  } catch (error) {
    await net.remove();
    rmSync(stateDir, { recursive: true, force: true });
    throw error;
  }
}

/** See the file head. */
export class LinuxNode extends PacketNode {
  readonly close: () => Promise<void>;
  private readonly xpu: LinuxXpu;
  private readonly net: VerdictNet;
  private readonly probe: PacketProbe;

  constructor(xpu: LinuxXpu, net: VerdictNet, probe: PacketProbe, close: () => Promise<void>) {
    super(xpu.store, true);
    this.xpu = xpu;
    this.net = net;
    this.probe = probe;
    this.close = close;
  }

  async fate(entry: PortRef, fields: PacketFields): Promise<string> {
    if (entry.kind === 'tunnel') this.ensureTunnel();
    await this.xpu.dataPlane.settled();
    await this.net.bringUp();
    const before = await this.drops();
    const [outcome] = await this.probe.exchange([this.sendOf(entry, fields)]);
    const exits = outcome?.arrivals.map((arrival) => this.exitOf(arrival)) ?? [];
    if (exits.length > 0) return `allow ${exits.join('+')}`;
    const after = await this.drops();
    const counted = [...after].filter(([reason, count]) => count > (before.get(reason) ?? 0));
    return `deny ${counted.map(([reason]) => reason).join('+')}`;
  }

  flowCount(): Promise<number> {
    return this.xpu.dataPlane.flowCount();
  }

  reset(): Promise<void> {
    return this.xpu.dataPlane.reset();
  }

  private async drops(): Promise<Map<DropReason, number>> {
    const { drops } = await this.xpu.dataPlane.totalCounts();
    return new Map([...drops].map(([reason, { packets }]) => [reason, packets]));
  }

  /** What comes in through a tunnel needs one. */
  private ensureTunnel(): void {
    if (this.store.count('tunnel') > 0) return;
    const vpc = key('vpc', 'cluster');
    const ends = { 4: HOST, 6: HOST6 } as const;
    for (const family of [4, 6] as const) {
      const spec = { vpc, localIp: ends[family], remoteIp: REMOTE[family], vni: VNI };
      this.put(object('tunnel', `tun-${family}`, spec));
    }
  }

  private sendOf(entry: PortRef, fields: PacketFields): ProbeSend {
    const via = this.ifnameOf(entry);
    const destinationMac = this.net.macBehind(via);
    if (destinationMac === undefined) throw new Error(`${via} is down`);
    const send = { via, destinationMac, packet: packetSpec(packetOf(fields)) };
    if (entry.kind !== 'tunnel') return send;
    const tunnel = {
      source: REMOTE[4],
      destination: HOST,
      vni: this.vniOf(entry.vpc),
      innerSourceMac: REMOTE_MAC,
      innerDestinationMac: LOCAL_MAC,
    };
    return { ...send, tunnel };
  }

  /** VNI of a Vpc's tunnels. */
  private vniOf(vpc: string | undefined): number {
    const tunnels = this.store.list('tunnel').map(({ object }) => object.spec as TunnelSpec);
    return tunnels.find((tunnel) => tunnel.vpc.id === vpc)?.vni ?? VNI;
  }

  private ifnameOf(port: PortRef): string {
    if (port.kind === 'host') return 'host0';
    if (port.kind !== 'vnic') return 'wire';
    const vnic = this.xpu.dataPlane.topology.vnic(port.id);
    if (vnic === undefined) throw new Error(`there is no vnic ${port.id}`);
    return vnic.interface.ifname;
  }

  private exitOf({ via, tunnel }: Arrival): string {
    if (via === 'host0') return 'host';
    if (via === 'wire') return tunnel === undefined ? 'uplink' : 'tunnel';
    return this.xpu.dataPlane.topology.vnicOfInterface(via)?.id ?? via;
  }
}
