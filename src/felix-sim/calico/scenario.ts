/**
 * A scenario from the resources of a cluster: what the Felix of one node says while files are applied and deleted, step by
 * step. In the form of the newest Calico. Pure: the files come as texts.
 */
import { encodeToDataplane } from '../../driver/message.js';
import { errorText } from '../../base/errors.js';
import { SimError } from '../errors.js';
import { OrderCheck } from '../order.js';
import type { Scenario, ScenarioStep } from '../scenario.js';
import { localNode } from './local-node.js';
import { NO_MESSAGES, readRawMessages } from './raw-messages.js';
import { FelixSession } from './session.js';
import {
  deletes,
  fileSteps,
  isScenarioFile,
  MESSAGES_FILE,
  type CalicoFile,
  type FileStep,
} from './steps.js';
import { ResourceStore } from './store.js';
import { readDocuments } from './yaml/documents.js';

/** How files become a scenario. */
export interface CalicoScenarioOptions {
  /** Name of Felix's node; absent = `node-a`, or the only node that the files speak of. */
  readonly node?: string | undefined;
}

/** The generation whose messages these are. */
const CALICO = 'head';

/** Reads a scenario. Throws `SimError` with code `scenario`, naming file, line and field. */
export function readCalicoScenario(
  files: readonly CalicoFile[],
  options: CalicoScenarioOptions = {},
): Scenario {
  const messages = files.find(({ name }) => MESSAGES_FILE.test(name));
  const steps = fileSteps(files.filter((file) => file !== messages && isScenarioFile(file.name)));
  const raw =
    messages === undefined
      ? NO_MESSAGES
      : readRawMessages(
          messages,
          steps.map(({ name }) => name),
        );
  const store = new ResourceStore();
  const streams: Uint8Array[][] = [];
  const told: ScenarioStep[] = [];
  let session: FelixSession | undefined;
  let writer = new FrameWriter();
  for (const step of steps) {
    applyFiles(store, step);
    session ??= new FelixSession(options.node ?? raw.node ?? localNode(store), CALICO);
    const { restarts, messages: sent } = session.next(store, raw.of(step.name));
    if (restarts) {
      writer = new FrameWriter();
      streams.push(writer.frames);
    }
    for (const message of sent) writer.write(message, step.name);
    told.push({ name: step.name, stream: streams.length - 1, frames: writer.frames.length });
  }
  return { node: session?.node ?? '', calico: CALICO, streams, steps: told };
}

function applyFiles(store: ResourceStore, { files }: FileStep): void {
  for (const file of files) {
    for (const document of readDocuments(file.name, file.text)) {
      if (deletes(file)) store.delete(document);
      else store.apply(document);
    }
  }
}

/** Frames of one session, numbered and held against Felix's order. */
class FrameWriter {
  readonly frames: Uint8Array[] = [];
  private readonly order = new OrderCheck();

  write(message: Parameters<OrderCheck['next']>[0], step: string): void {
    try {
      this.order.next(message);
    } catch (cause) {
      throw new SimError({
        code: 'scenario',
        op: 'read Calico YAML',
        message: `step ${step}: ${errorText(cause)}`,
        cause,
      });
    }
    this.frames.push(encodeToDataplane({ ...message, sequence_number: this.frames.length }));
  }
}
