/**
 * The pipeline without its processes: desired state, translator, a memory XPU, and nothing between them. Fast enough for
 * random policy; what goes over gRPC is tried by the engine that does.
 */
import { Translator } from '../../translators/translator.js';
import { defaultSettings } from '../../translators/settings.js';
import { createMemoryXpu, type MemoryXpu } from '../../soft-xpu/memory-xpu.js';
import { decisionText } from '../../soft-xpu/memory/decision.js';
import { packetOf } from '../../soft-xpu/memory/packet.js';
import type { PortRef } from '../../soft-xpu/memory/port.js';
import { OBJECT_KINDS } from '../../opi/objects/key.js';
import type { StoreOperation } from '../../soft-xpu/store/object-store.js';
import type { ProbeVerdict, VerdictEngine } from './engine.js';
import { FelixView } from './felix-view.js';
import { reasonsFor } from './port-reasons.js';
import type { Probe } from './probe.js';

/** API level of the XPU, and whether a plain one takes COMPACT rules. */
export interface XpuLevel {
  readonly level: 'native' | 'plain';
  readonly compactRules?: boolean;
}

/** See the file head. */
export class InProcessEngine implements VerdictEngine {
  private readonly level: Required<XpuLevel>;
  private view = new FelixView();
  private translator: Translator;
  private xpu: MemoryXpu;

  constructor({ level, compactRules = true }: XpuLevel) {
    this.level = { level, compactRules };
    this.translator = this.newTranslator();
    this.xpu = this.newXpu();
  }

  startSession(): Promise<void> {
    this.view.startSession();
    return Promise.resolve();
  }

  advance(frames: readonly Uint8Array[]): Promise<void> {
    for (const frame of frames) this.view.frame(frame);
    const dirty = this.view.store.takeDirty();
    if (dirty === undefined) return Promise.resolve();
    this.translator.translate(this.view.state, dirty);
    this.xpu.store.replaceAll(this.creates(), OBJECT_KINDS);
    return Promise.resolve();
  }

  judge(probes: readonly Probe[]): Promise<readonly ProbeVerdict[]> {
    return Promise.resolve(probes.map((probe) => this.judgeOne(probe)));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private creates(): StoreOperation[] {
    return [...this.translator.plan()].map(({ object, members }) => ({
      op: 'create',
      object,
      ...(members === undefined ? {} : { members: { members } }),
    }));
  }

  private judgeOne(probe: Probe): ProbeVerdict {
    const entry = this.entryPort(probe);
    const reasons = reasonsFor(probe, this.view, this.translator.degradations());
    if (entry === undefined) {
      return { allow: false, exit: '', path: [`${probe.from} has no port`], reasons };
    }
    const { icmpType, icmpCode, ...fields } = probe.packet;
    const icmp = icmpType === undefined ? {} : { icmp: { type: icmpType, code: icmpCode ?? 0 } };
    const packet = packetOf({ ...fields, ...icmp });
    const options = { fresh: true, commit: false, count: false };
    const passage = this.xpu.dataPlane.walk(entry, packet, options);
    const allow = passage.verdict === 'ALLOW';
    const exit = allow && passage.exit !== undefined ? this.placeOf(passage.exit) : '';
    const end = passage.dropReason === undefined ? [] : [passage.dropReason];
    return { allow, exit, path: [...passage.path.map(decisionText), ...end], reasons };
  }

  private entryPort({ from, packet }: Probe): PortRef | undefined {
    if (from === 'host') return { kind: 'host' };
    if (from === 'wire') {
      return { kind: this.view.isBehindTunnel(packet.source) ? 'tunnel' : 'uplink' };
    }
    const endpoint = this.view.endpointOf(from);
    if (endpoint === undefined) return undefined;
    return this.xpu.dataPlane.topology.vnicOfInterface(endpoint.interfaceName)?.ref;
  }

  private placeOf(port: PortRef): string {
    if (port.kind === 'host') return 'host';
    if (port.kind !== 'vnic') return 'wire';
    const ifname = this.xpu.dataPlane.topology.vnic(port.id)?.interface.ifname ?? '';
    return this.view.workloadOn(ifname) ?? ifname;
  }

  private newTranslator(): Translator {
    return new Translator(defaultSettings('node-a'), {
      level: this.level.level,
      compactRules: this.level.compactRules,
      limits: {},
      features: [],
    });
  }

  private newXpu(): MemoryXpu {
    return createMemoryXpu({
      extension: this.level.level === 'native',
      compactRules: this.level.compactRules,
    });
  }
}
