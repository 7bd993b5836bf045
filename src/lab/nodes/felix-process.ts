/**
 * The Felix of one simulated node, alive: starts the driver as Felix does, tells it the cluster, and each further step when it
 * comes. Ends as Felix does when its driver ends or its settings change; the keeper starts it again. I/O edge.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { variableName } from '../../agent/settings.js';
import { errorText } from '../../base/errors.js';
import { SimError } from '../../felix-sim/errors.js';
import { OWN_DRIVER } from '../own-programs.js';
import { DriverSession, type SessionLaunch } from '../replay/driver-session.js';
import { Cluster } from './cluster.js';
import { LabError } from './errors.js';
import { readLab, readSteps, writeJson, type FelixState } from './lab-files.js';
import { labPaths, MARK_VARIABLE } from './names.js';
import { NodeFelix, type SaidFrames } from './node-felix.js';
import { identify } from './processes.js';

const POLL_MS = 100;
/** Longest wait for progress before it is told that a step is not applied yet. */
const STEP_TIMEOUT_MS = 10_000;

/** Runs one until it has to start anew, or `ended` resolves. */
export async function runFelix(lab: string, node: string, ended: Promise<unknown>): Promise<void> {
  const state = readLab(lab);
  const own = state?.nodes.find(({ name }) => name === node);
  if (state === undefined || own === undefined) {
    throw new LabError({ code: 'absent', op: 'run felix', message: `${lab} has no node ${node}` });
  }
  const session = await DriverSession.start(launch(lab, node, own.number));
  const life = new FelixLife(session, {
    lab,
    felix: new NodeFelix(node, state.nodes),
    stateFile: labPaths(lab).node(own.number).felixState,
  });
  try {
    await Promise.race([life.run(), ended]);
  } finally {
    await session.stop();
  }
}

class FelixLife {
  private readonly session: DriverSession;
  private readonly lab: string;
  private readonly felix: NodeFelix;
  private readonly stateFile: string;
  private readonly cluster = new Cluster();
  private steps = 0;

  constructor(
    session: DriverSession,
    { lab, felix, stateFile }: { lab: string; felix: NodeFelix; stateFile: string },
  ) {
    this.session = session;
    this.lab = lab;
    this.felix = felix;
    this.stateFile = stateFile;
  }

  /** The whole state as one session, then what each step changes. */
  async run(): Promise<void> {
    this.applySteps();
    await this.tell(this.felix.next(this.cluster));
    while (this.driverLives()) {
      await delay(POLL_MS);
      if (!this.applySteps()) continue;
      const said = this.felix.next(this.cluster);
      if (said.restarts) return;
      await this.tell(said);
    }
  }

  /** True if there were new ones. */
  private applySteps(): boolean {
    const fresh = readSteps(this.lab, this.steps);
    for (const step of fresh) this.cluster.apply(step);
    this.steps += fresh.length;
    return fresh.length > 0;
  }

  private async tell({ frames }: SaidFrames): Promise<void> {
    await this.session.play(frames.map((body) => ({ body, atMs: 0 })));
    for (;;) {
      try {
        await this.session.applied();
        return this.report(frames.length, '');
      } catch (error) {
        if (!(error instanceof SimError) || error.code !== 'not-applied') throw error;
        this.report(frames.length, errorText(error));
      }
    }
  }

  private report(messages: number, problem: string): void {
    const step = problem === '' ? this.steps - 1 : this.steps - 2;
    const state: FelixState = { pid: process.pid, step, messages, problem };
    writeJson(this.stateFile, state);
  }

  private driverLives(): boolean {
    return this.session.pid !== undefined && identify(this.session.pid) !== undefined;
  }
}

function launch(lab: string, node: string, number: number): SessionLaunch {
  const paths = labPaths(lab).node(number);
  return {
    driverFile: OWN_DRIVER,
    foreign: false,
    stateDir: paths.agentState,
    environment: {
      [MARK_VARIABLE]: lab,
      FELIX_FELIXHOSTNAME: node,
      [variableName('mode')]: 'standalone',
      [variableName('address')]: `unix:${paths.xpuSocket}`,
    },
    play: { speed: 0, splitWritesBytes: 0 },
    stepTimeoutMs: STEP_TIMEOUT_MS,
    onOutput: (chunk) => process.stderr.write(chunk),
  };
}
