/** Where a state to be explained comes from: a recording, a scenario, resources as files, or a running agent. I/O edge. */
import { fetchSnapshot } from '../../agent/status-client.js';
import { statusSocketPath } from '../../agent/status-server.js';
import type { CompileSettings } from '../../agent/snapshot.js';
import { readSettings } from '../../agent/settings.js';
import type { EndpointStatus } from '../../agent/status.js';
import type { DesiredState } from '../../desired/state.js';
import type { TargetCapabilities } from '../../opi/objects/target.js';
import { readSource } from '../replay/source.js';
import { FelixView } from '../verdicts/felix-view.js';
import { ExplainError } from './errors.js';

/** A state with what decides how it is compiled. */
export interface ExplainSource {
  /** For people: the folder or file and its step, or the agent. */
  readonly name: string;
  readonly node: string;
  readonly state: DesiredState;
  readonly settings: CompileSettings;
  /** Of the agent's XPU; absent elsewhere. */
  readonly capabilities?: TargetCapabilities;
  /** What the agent's XPU acknowledged; absent elsewhere. */
  readonly endpoints?: Readonly<Record<string, EndpointStatus>>;
}

/** Which state of a file or folder. */
export interface FileSourceOptions {
  /** Step whose end is asked about; default the last. */
  readonly step?: string | undefined;
  /** Node whose Felix it is, where the file does not say so. */
  readonly node?: string | undefined;
  /** Environment whose `FELIX_XPU...` variables say what the uplink is. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * The state at the end of a step of a recording's folder, a scenario's file, or a folder of resources. Throws
 * `RecordingError`, `SimError`, `SettingsError` or `ExplainError`.
 */
export function readExplainSource(path: string, options: FileSourceOptions): ExplainSource {
  const { step, node: ownNode, environment } = options;
  const { streams, steps, node } = readSource(path, step, ownNode);
  const last = steps.at(-1);
  const view = new FelixView();
  for (const { index, frames } of streams) {
    if (last !== undefined && index > last.stream) break;
    view.startSession();
    const count = index === last?.stream ? last.frames : frames.length;
    for (const { body } of frames.slice(0, count)) view.frame(body);
  }
  const { state } = view.store;
  const name = last === undefined ? path : `${path}, step ${last.name}`;
  if (state === undefined) throw notInSync(name);
  return { name, node, state, settings: readSettings(environment) };
}

/** What the agent or standalone driver of a state folder wants now. Rejects with `StatusError` or `SnapshotError`. */
export async function readAgentSource(stateDir: string): Promise<ExplainSource> {
  const { node, state, settings, capabilities, endpoints } = await fetchSnapshot(
    statusSocketPath(stateDir),
  );
  return {
    name: `agent of ${node}`,
    node,
    state,
    settings,
    endpoints,
    ...(capabilities === undefined ? {} : { capabilities }),
  };
}

function notInSync(name: string): ExplainError {
  return new ExplainError({
    code: 'not-in-sync',
    op: 'read state',
    message: `${name}: Felix has not said InSync there, so there is no policy in force`,
  });
}
