/** A verdict engine without processes and sockets: store, translator, soft-xpu's tables and packet walk. */
import { InternalError } from '../../../src/base/errors.js';
import { FelixView } from '../../../src/lab/verdicts/felix-view.js';
import type { ProbeVerdict, VerdictEngine } from '../../../src/lab/verdicts/engine.js';
import { reasonsFor } from '../../../src/lab/verdicts/port-reasons.js';
import type { Probe, ProbePacket } from '../../../src/lab/verdicts/probe.js';
import type { PlanDelta } from '../../../src/opi/objects/plan.js';
import type { TargetCapabilities } from '../../../src/opi/objects/target.js';
import { createMemoryXpu, type MemoryXpu } from '../../../src/soft-xpu/memory-xpu.js';
import { traceOf } from '../../../src/soft-xpu/memory/data-plane.js';
import { packetOf, type PacketFields } from '../../../src/soft-xpu/memory/packet.js';
import {
  HOST_PORT,
  type PortRef,
  TUNNEL_PORT,
  UPLINK_PORT,
} from '../../../src/soft-xpu/memory/port.js';
import type { StoreOperation } from '../../../src/soft-xpu/store/object-store.js';
import type { Degradation } from '../../../src/translators/degradation.js';
import { ObjectNames } from '../../../src/translators/names.js';
import { Translator } from '../../../src/translators/translator.js';
import { SETTINGS } from './play.js';

/** Judges probes by walking them over what the translator planned. */
export class XpuEngine implements VerdictEngine {
  readonly translator: Translator;
  readonly view = new FelixView();
  private readonly xpu: MemoryXpu;
  private readonly names = new ObjectNames(SETTINGS.ownerId);

  constructor(capabilities: TargetCapabilities) {
    this.translator = new Translator(SETTINGS, capabilities);
    const { compactRules, level } = capabilities;
    this.xpu = createMemoryXpu({ compactRules, extension: level === 'native' });
  }

  startSession(): Promise<void> {
    this.view.startSession();
    return Promise.resolve();
  }

  advance(frames: readonly Uint8Array[]): Promise<void> {
    for (const frame of frames) this.view.frame(frame);
    const dirty = this.view.store.takeDirty();
    if (dirty !== undefined) {
      this.xpu.store.applyBatch(operationsOf(this.translator.translate(this.view.state, dirty)));
    }
    return Promise.resolve();
  }

  judge(probes: readonly Probe[]): Promise<readonly ProbeVerdict[]> {
    const degradations = this.translator.degradations();
    return Promise.resolve(probes.map((probe) => this.judgeOne(probe, degradations)));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Sends a packet of a live flow: what it begins is remembered, what it belongs to is known. True if it arrives. */
  send(from: string, to: string, fields: PacketFields): boolean {
    const { source, destination, protocol } = fields;
    const entry = this.portOf(from, { source, destination, protocol });
    if (entry === undefined) return false;
    const { verdict, exit } = this.xpu.dataPlane.walk(entry, packetOf(fields));
    return verdict === 'ALLOW' && exit !== undefined && this.placeOf(exit) === to;
  }

  private judgeOne(probe: Probe, degradations: readonly Degradation[]): ProbeVerdict {
    const { from, packet } = probe;
    const entry = this.portOf(from, packet);
    if (entry === undefined) return { allow: false, exit: '', path: ['no such port'], reasons: [] };
    const fields = packetOf(packetFields(packet));
    const passage = this.xpu.dataPlane.walk(entry, fields, { fresh: true, commit: false });
    const allow = passage.verdict === 'ALLOW';
    const exit = passage.exit === undefined || !allow ? '' : this.placeOf(passage.exit);
    const reasons = reasonsFor(probe, this.view, degradations);
    return { allow, exit, path: traceOf(passage, fields), reasons };
  }

  private portOf(place: string, packet: ProbePacket): PortRef | undefined {
    if (place === 'host') return HOST_PORT;
    if (place === 'wire') {
      return this.view.isBehindTunnel(packet.source) ? TUNNEL_PORT : UPLINK_PORT;
    }
    const endpoint = this.view.endpointOf(place);
    if (endpoint === undefined) return undefined;
    return { kind: 'vnic', id: this.names.vnic(endpoint.interfaceName).id };
  }

  private placeOf(port: PortRef): string {
    if (port.kind !== 'vnic') return port.kind === 'host' ? 'host' : 'wire';
    for (const { object } of this.translator.plan()) {
      if (object.key.kind === 'vnic' && object.key.id === port.id) {
        const ifname = this.interfaceOf(object.key.id);
        return (ifname === undefined ? undefined : this.view.workloadOn(ifname)) ?? port.id;
      }
    }
    throw new InternalError(`a packet came out at ${port.id}, which is not planned`);
  }

  private interfaceOf(vnic: string): string | undefined {
    const endpoints = [...this.view.state.workloads.values()];
    return endpoints.find(({ interfaceName }) => this.names.vnic(interfaceName).id === vnic)
      ?.interfaceName;
  }
}

function packetFields(probe: ProbePacket) {
  const { source, destination, protocol, sourcePort, destinationPort, icmpType, icmpCode } = probe;
  const icmp = icmpType === undefined ? undefined : { type: icmpType, code: icmpCode ?? 0 };
  return { source, destination, protocol, sourcePort, destinationPort, icmp };
}

/** A PlanDelta as one atomic batch; the order within it does not matter to the store. */
function operationsOf({ upserts, removals, members }: PlanDelta): StoreOperation[] {
  return [
    ...upserts.map((entry): StoreOperation => {
      const { object } = entry;
      if (entry.members === undefined) return { op: 'update', object, allowMissing: true };
      return { op: 'create', object, members: { members: entry.members } };
    }),
    ...members.map(({ key, added, removed }): StoreOperation => ({
      op: 'modifyMembers',
      key,
      added: { members: added },
      removed: { members: removed },
    })),
    ...removals.map((key): StoreOperation => ({ op: 'delete', key })),
  ];
}
