/**
 * Messages written by hand beside the resources, for what is not computed from them: routes, tunnel endpoints, BGP and the
 * like. The form is that of a message scenario with one session.
 */
import type { ToDataplane } from '../../gen/felix/types.js';
import { messageFromJson } from '../message-json.js';
import type { CalicoFile } from './steps.js';
import { readDocuments } from './yaml/documents.js';
import type { Field } from './yaml/field.js';

/** What `messages.yaml` says. */
export interface RawMessages {
  readonly node: string | undefined;
  /** Messages of a step; none for a step that the file does not name. */
  of(step: string): readonly ToDataplane[];
}

/** No file. */
export const NO_MESSAGES: RawMessages = { node: undefined, of: () => [] };

/** Reads the file. Every step it names must be one of `steps`. Throws `SimError` with code `scenario`. */
export function readRawMessages(file: CalicoFile, steps: readonly string[]): RawMessages {
  const [root] = readDocuments(file.name, file.text);
  if (root === undefined) return NO_MESSAGES;
  root.only('node', 'steps');
  const messages = new Map<string, ToDataplane[]>();
  for (const step of root.at('steps').items()) {
    step.only('step', 'messages');
    const name = step.at('step').oneOf(...steps);
    if (messages.has(name)) step.at('step').refuse('comes twice');
    messages.set(name, step.at('messages').items().map(readMessage));
  }
  return {
    node: root.at('node').orAbsent?.name(),
    of: (step) => messages.get(step) ?? [],
  };
}

function readMessage(field: Field): ToDataplane {
  const message = messageFromJson(field.value, field.where);
  if (message.payload === 'in_sync') field.refuse('comes by itself, at the end of the start');
  return message;
}
