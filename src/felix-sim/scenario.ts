/**
 * A scenario: what a Felix says, written by hand in YAML. Pure.
 *
 * ```yaml
 * calico: v3.32.1          # told in ConfigUpdate where that does not say it
 * node: node-a
 * sessions:                # each is one life of Felix; `steps` alone is one session
 *   - steps:
 *       - step: start
 *         messages:
 *           - config_update: { config: { FelixHostname: node-a } }
 *           - in_sync: {}
 * ```
 *
 * Sequence numbers are added. The order is held against what Felix guarantees.
 */
import { parse } from 'yaml';
import { errorText } from '../base/errors.js';
import { encodeToDataplane } from '../driver/message.js';
import { SimError } from './errors.js';
import { messageFromJson } from './message-json.js';
import { OrderCheck } from './order.js';

/** A step: after so many frames of its session. */
export interface ScenarioStep {
  readonly name: string;
  readonly stream: number;
  readonly frames: number;
}

/** A scenario, ready to play. */
export interface Scenario {
  readonly node: string;
  readonly calico: string;
  /** Frame bodies of each session. */
  readonly streams: readonly (readonly Uint8Array[])[];
  readonly steps: readonly ScenarioStep[];
}

const KEYS = ['calico', 'node', 'sessions', 'steps'];

/** Reads a scenario. Throws `SimError` with code `scenario`, naming the place. */
export function readScenario(text: string): Scenario {
  const root = parseYaml(text);
  const unknown = Object.keys(root).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw malformed(unknown, 'unknown key');
  const calico = textAt(root, 'calico');
  const sessions = root['sessions'] ?? [{ steps: root['steps'] }];
  const streams: Uint8Array[][] = [];
  const steps: ScenarioStep[] = [];
  listAt(sessions, 'sessions').forEach((session, stream) => {
    const frames: Uint8Array[] = [];
    const order = new OrderCheck();
    const where = `sessions[${stream}].steps`;
    listAt((session as Record<string, unknown> | null)?.['steps'], where).forEach((step, index) => {
      const { name, messages } = readStep(step, `${where}[${index}]`);
      for (const [at, json] of messages.entries()) {
        const place = `${where}[${index}].messages[${at}]`;
        frames.push(readFrame(json, { place, calico, order, sequence: frames.length }));
      }
      steps.push({ name, stream, frames: frames.length });
    });
    streams.push(frames);
  });
  return { node: textAt(root, 'node'), calico, streams, steps };
}

interface FramePlace {
  readonly place: string;
  readonly calico: string;
  readonly order: OrderCheck;
  readonly sequence: number;
}

function readFrame(json: unknown, { place, calico, order, sequence }: FramePlace): Uint8Array {
  const message = messageFromJson(json, place);
  try {
    order.next(message);
  } catch (cause) {
    throw malformed(place, errorText(cause), cause);
  }
  const versioned =
    message.payload === 'config_update' && calico !== ''
      ? {
          ...message,
          config_update: {
            ...message.config_update,
            config: { CalicoVersion: calico, ...message.config_update.config },
          },
        }
      : message;
  return encodeToDataplane({ ...versioned, sequence_number: sequence });
}

function readStep(step: unknown, where: string): { name: string; messages: readonly unknown[] } {
  if (typeof step !== 'object' || step === null) throw malformed(where, 'is no step');
  const { step: name, messages } = step as { step?: unknown; messages?: unknown };
  if (typeof name !== 'string' || name === '') throw malformed(where, 'needs a name: "step: ..."');
  return { name, messages: listAt(messages, `${where}.messages`) };
}

function parseYaml(text: string): Record<string, unknown> {
  try {
    const root: unknown = parse(text);
    if (typeof root === 'object' && root !== null) return root as Record<string, unknown>;
  } catch (cause) {
    throw malformed('YAML', errorText(cause), cause);
  }
  throw malformed('YAML', 'is no mapping');
}

function listAt(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw malformed(where, 'is no list');
}

function textAt(root: Record<string, unknown>, key: string): string {
  const value = root[key] ?? '';
  if (typeof value === 'string') return value;
  throw malformed(key, `expected a text, got ${JSON.stringify(value)}`);
}

function malformed(where: string, problem: string, cause?: unknown): SimError {
  return new SimError({
    code: 'scenario',
    op: 'read scenario',
    message: `${where}: ${problem}`,
    cause,
  });
}
