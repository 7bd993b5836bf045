/** The engine that goes the whole way: driver, OPI over gRPC, and the packet walk of a soft-xpu in memory. */
import type { DebugClient, WalkPort, WalkResult } from '../../opi/client/debug.js';
import { OpiError } from '../../opi/objects/errors.js';
import type { ProbeVerdict, VerdictEngine } from './engine.js';
import type { FelixView } from './felix-view.js';
import { NodeProcesses, type NodeProcessesOptions } from './node-processes.js';
import { reasonsFor } from './port-reasons.js';
import type { Probe } from './probe.js';

/** Walks in flight. */
const WALKS = 32;

/** See the file head. */
export class ProcessEngine implements VerdictEngine {
  private readonly processes: NodeProcesses;

  private constructor(processes: NodeProcesses) {
    this.processes = processes;
  }

  /** Starts an empty soft-xpu. Fails with `SimError`. */
  static async start(
    options: Pick<NodeProcessesOptions, 'target' | 'node' | 'onOutput'>,
  ): Promise<ProcessEngine> {
    return new ProcessEngine(await NodeProcesses.start({ ...options, concurrency: WALKS }));
  }

  startSession(): Promise<void> {
    return this.processes.startSession();
  }

  advance(frames: readonly Uint8Array[]): Promise<void> {
    return this.processes.advance(frames);
  }

  async judge(probes: readonly Probe[]): Promise<readonly ProbeVerdict[]> {
    const verdicts: ProbeVerdict[] = [];
    for (let start = 0; start < probes.length; start += WALKS) {
      const some = probes.slice(start, start + WALKS);
      verdicts.push(...(await Promise.all(some.map((probe) => this.judgeOne(probe)))));
    }
    return verdicts;
  }

  close(): Promise<void> {
    return this.processes.close();
  }

  private async judgeOne(probe: Probe): Promise<ProbeVerdict> {
    const { view, degradations, debug } = this.processes;
    const reasons = reasonsFor(probe, view, degradations);
    const result = await walkProbe(probe, view, debug);
    if (result === undefined) {
      return { allow: false, exit: '', path: [`${probe.from} has no port`], reasons };
    }
    const allow = result.verdict === 'ALLOW';
    return { allow, exit: allow ? placeOf(result, view) : '', path: result.trace, reasons };
  }
}

/** Asks soft-xpu what becomes of a probe; `undefined` if its sender has no port. Fails with `OpiError`. */
export async function walkProbe(
  { from, packet }: Probe,
  view: FelixView,
  debug: DebugClient,
): Promise<WalkResult | undefined> {
  const entry = entryPort(from, packet.source, view);
  if (entry === undefined) return undefined;
  const { icmpType, icmpCode, ...fields } = packet;
  const { sourcePort = 0, destinationPort = 0 } = fields;
  const icmp = icmpType === undefined ? {} : { icmp: { type: icmpType, code: icmpCode ?? 0 } };
  try {
    return await debug.walk({
      entry,
      packet: { ...fields, sourcePort, destinationPort, ...icmp },
      freshConnections: true,
    });
  } catch (error) {
    if (error instanceof OpiError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

function entryPort(from: string, source: string, view: FelixView): WalkPort | undefined {
  if (from === 'host') return { port: 'HOST' };
  if (from === 'wire') return { port: view.isBehindTunnel(source) ? 'TUNNEL' : 'UPLINK' };
  const endpoint = view.endpointOf(from);
  return endpoint === undefined ? undefined : { ifname: endpoint.interfaceName };
}

function placeOf({ exit, exitIfname }: WalkResult, view: FelixView): string {
  if (exit === undefined) return '';
  if ('vnic' in exit) return view.workloadOn(exitIfname) ?? exitIfname;
  return exit.port === 'HOST' ? 'host' : 'wire';
}
