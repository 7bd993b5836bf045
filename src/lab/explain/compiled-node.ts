/** A node's policy compiled offline, as objects of an XPU in memory, with the packet walk over them. */
import { toTranslatorSettings } from '../../agent/translator-settings.js';
import { OBJECT_KINDS } from '../../opi/objects/key.js';
import type { TargetCapabilities } from '../../opi/objects/target.js';
import { createMemoryXpu, type MemoryXpu } from '../../soft-xpu/memory-xpu.js';
import type { Packet } from '../../soft-xpu/memory/packet.js';
import { HOST_PORT, TUNNEL_PORT, UPLINK_PORT, type PortRef } from '../../soft-xpu/memory/port.js';
import type { GroupLookup } from '../../soft-xpu/memory/rule-match.js';
import type { AskedStage, Passage } from '../../soft-xpu/memory/walk.js';
import { ObjectNames } from '../../translators/names.js';
import { Translator } from '../../translators/translator.js';
import type { Place } from './place.js';
import { replyTo } from './reply-packet.js';
import type { ExplainSource } from './source.js';

/** A packet's way, with the stages that were asked. */
export interface WalkedPacket {
  readonly passage: Passage;
  readonly stages: readonly AskedStage[];
}

/** Where packets come from that no port of the node sent. */
export type OutsidePort = 'uplink' | 'tunnel';

const OUTSIDE_PORTS: Readonly<Record<OutsidePort, PortRef>> = {
  uplink: UPLINK_PORT,
  tunnel: TUNNEL_PORT,
};

/** See the file head. */
export class CompiledNode {
  readonly translator: Translator;
  readonly names: ObjectNames;
  readonly xpu: MemoryXpu;
  private readonly pods = new Map<string, string>();

  constructor(source: ExplainSource, capabilities: TargetCapabilities) {
    const settings = toTranslatorSettings(source.settings, source.node);
    this.names = new ObjectNames(settings.ownerId);
    this.translator = new Translator(settings, capabilities);
    this.translator.translate(source.state, 'replaced');
    const { level, compactRules } = capabilities;
    this.xpu = createMemoryXpu({ extension: level === 'native', compactRules });
    const operations = [...this.translator.plan()].map(({ object, members }) => ({
      op: 'create' as const,
      object,
      ...(members === undefined ? {} : { members: { members } }),
    }));
    this.xpu.store.replaceAll(operations, OBJECT_KINDS);
    for (const { id, interfaceName, key } of source.state.workloads.values()) {
      const inForce = this.translator.expectations().get(key)?.error === undefined;
      if (inForce) this.pods.set(this.names.vnic(interfaceName).id, id.workload);
    }
  }

  /** Members of a group. */
  get groups(): GroupLookup {
    return (id) => this.xpu.store.group(id)?.members;
  }

  /** Sends the first packet of a flow from a place. Throws `PortError` where a pod has no port. */
  walk(from: Place, packet: Packet): WalkedPacket {
    const stages: AskedStage[] = [];
    const passage = this.xpu.dataPlane.walk(this.portOf(from), packet, {
      fresh: true,
      commit: false,
      count: false,
      onStage: (asked) => stages.push(asked),
    });
    return { passage, stages };
  }

  /** Sends the first packet of a flow, and what answers it: by the port where it came out, or by the one given. */
  walkReply(from: Place, packet: Packet, arrivesBy?: OutsidePort): Passage {
    const { dataPlane } = this.xpu;
    // No other flow may be there that the answer could belong to.
    void dataPlane.reset();
    const first = dataPlane.walk(this.portOf(from), packet, { count: false });
    const entry = arrivesBy === undefined ? first.exit : OUTSIDE_PORTS[arrivesBy];
    if (first.verdict === 'DENY' || entry === undefined) return first;
    return dataPlane.walk(entry, replyTo(packet), { count: false });
  }

  /** A port in Calico's words: `namespace/pod`, `host`, `uplink`, `tunnel`. */
  portName(port: PortRef): string {
    return port.kind === 'vnic' ? (this.pods.get(port.id) ?? port.id) : port.kind;
  }

  private portOf(place: Place): PortRef {
    switch (place.kind) {
      case 'pod':
        return { kind: 'vnic', id: this.names.vnic(place.interfaceName).id };
      case 'host':
        return HOST_PORT;
      case 'outside':
        return place.tunnelled ? TUNNEL_PORT : UPLINK_PORT;
    }
  }
}
