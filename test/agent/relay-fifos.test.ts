/** Session folders of shell relays that died at the wrong moment: nothing hangs, nothing stays. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { constants } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { relayFolder, RelayFifos } from '../../src/agent/relay-fifos.js';
import { silentLogger } from '../../src/base/log.js';
import type { FelixPipes } from '../../src/driver/pipes.js';
import { FakeClock } from '../reconciler/support/fake-clock.js';

const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;

describe('relay sessions by FIFO', () => {
  let stateDir: string;
  let clock: FakeClock;
  let fifos: RelayFifos;
  let sessions: FelixPipes[];
  let warnings: unknown[];
  const handles: FileHandle[] = [];

  beforeEach(() => {
    stateDir = mkdtempSync(join(tmpdir(), 'cx-fifos-'));
    clock = new FakeClock();
    sessions = [];
    warnings = [];
    fifos = new RelayFifos({
      folder: relayFolder(stateDir),
      clock,
      logger: { ...silentLogger, warn: (fields) => void warnings.push(fields) },
      onSession: (pipes) => void sessions.push(pipes),
    });
  });
  afterEach(async () => {
    fifos.stop();
    for (const { input, output } of sessions) [input, output].forEach((pipe) => pipe.destroy());
    for (const handle of handles.splice(0)) await handle.close();
    rmSync(stateDir, { recursive: true, force: true });
  });

  /** What a relay makes before it opens anything. */
  function makeSession(name: string): string {
    const folder = join(relayFolder(stateDir), name);
    mkdirSync(folder, { recursive: true });
    for (const fifo of ['from-agent', 'to-agent']) {
      expect(spawnSync('mkfifo', [join(folder, fifo)]).status).to.equal(0);
    }
    return folder;
  }

  async function hold(path: string, flags: number): Promise<FileHandle> {
    const handle = await open(path, flags | O_NONBLOCK);
    handles.push(handle);
    return handle;
  }

  /** Lets the looks that are due run, and gives their file operations time. */
  async function advance(ms: number): Promise<void> {
    clock.advance(ms);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }

  it('a relay that dies between its two FIFOs is no session and leaves no thread behind', async () => {
    const folder = makeSession('one');
    const reader = await hold(join(folder, 'from-agent'), O_RDONLY);
    const started = fifos.start();
    while (clock.waiting === 0) await advance(0);
    await reader.close();
    handles.length = 0;
    await advance(1_999);
    await advance(1);
    await started;
    expect(sessions).to.have.length(0);
  });

  it('a relay that opens both is a session, also under a name that failed before', async () => {
    const folder = makeSession('one');
    await hold(join(folder, 'from-agent'), O_RDONLY);
    const started = fifos.start();
    while (clock.waiting === 0) await advance(0);
    await advance(2_000);
    await started;
    expect(sessions).to.have.length(0);
    clock.advance(100);
    const writer = await retried(() => hold(join(folder, 'to-agent'), O_WRONLY));
    await writer.write('from Felix');
    await advance(0);
    expect(sessions).to.have.length(1);
    const [chunk] = (await once(sessions[0]!.input, 'data')) as [Buffer];
    expect(chunk.toString()).to.equal('from Felix');
  });

  it('a folder in which nobody waits is removed, but not at once', async () => {
    const folder = makeSession('left-over');
    await fifos.start();
    for (let looks = 0; looks < 29; looks++) await advance(1_000);
    expect(existsSync(folder)).to.equal(true);
    await advance(1_500);
    expect(existsSync(folder)).to.equal(false);
    expect(sessions).to.have.length(0);
  });

  it('a folder that cannot be read is told, and looked at again', async () => {
    await fifos.start();
    rmSync(relayFolder(stateDir), { recursive: true });
    await advance(100);
    await advance(100);
    expect(warnings).to.have.length(2);
    expect((warnings[0] as { error: string }).error).to.contain('ENOENT');
  });

  it('does not look any more once it is stopped', async () => {
    await fifos.start();
    fifos.stop();
    expect(clock.waiting).to.equal(0);
  });
});

/** Does what fails until its other side is there. */
async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
