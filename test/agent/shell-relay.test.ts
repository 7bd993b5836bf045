/** The shell relay against the agent's FIFOs: real processes, real pipes, and a root file system without Node. */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { once } from 'node:events';
import { expect } from 'chai';
import { RelayFifos, relayFolder } from '../../src/agent/relay-fifos.js';
import { systemClock } from '../../src/base/clock.js';
import { silentLogger } from '../../src/base/log.js';
import type { FelixPipes } from '../../src/driver/pipes.js';
import { DriverProcess } from '../../src/felix-sim/driver-process.js';

const SCRIPT = join(import.meta.dirname, '../../packaging/calico-xpu-relay.sh');

interface Bench {
  readonly sessions: FelixPipes[];
  readonly nextSession: () => Promise<FelixPipes>;
  readonly fifos: RelayFifos;
}

function agentSide(stateDir: string): Bench {
  const sessions: FelixPipes[] = [];
  let wake: (() => void) | undefined;
  const fifos = new RelayFifos({
    folder: relayFolder(stateDir),
    clock: systemClock,
    logger: silentLogger,
    onSession(pipes) {
      pipes.output.on('error', () => undefined);
      sessions.push(pipes);
      wake?.();
    },
  });
  let taken = 0;
  return {
    sessions,
    fifos,
    async nextSession() {
      while (sessions.length <= taken) await new Promise<void>((resolve) => (wake = resolve));
      return sessions[taken++] as FelixPipes;
    },
  };
}

async function readBytes(pipes: FelixPipes, count: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  while (size < count) {
    const [chunk] = (await once(pipes.input, 'data')) as [Buffer];
    chunks.push(chunk);
    size += chunk.length;
  }
  return Buffer.concat(chunks);
}

function pattern(size: number): Buffer {
  return Buffer.from(
    Uint8Array.from({ length: size }, (_, index) => (index * 31 + (index >> 8)) & 255),
  );
}

describe('the shell relay', () => {
  let stateDir: string;
  let bench: Bench;
  const drivers: DriverProcess[] = [];

  async function startRelay(file = SCRIPT): Promise<DriverProcess> {
    const driver = await DriverProcess.start({
      file,
      environment: { FELIX_XPUSTATEDIR: stateDir, PATH: '/usr/bin:/bin' },
      onOutput: (chunk) => process.stderr.write(chunk),
    });
    drivers.push(driver);
    return driver;
  }

  beforeEach(() => {
    stateDir = mkdtempSync(join(tmpdir(), 'cx-relay-'));
    bench = agentSide(stateDir);
  });
  afterEach(async () => {
    bench.fifos.stop();
    for (const session of bench.sessions) {
      session.input.destroy();
      session.output.destroy();
    }
    for (const driver of drivers.splice(0)) {
      driver.kill('SIGKILL');
      driver.closePipes();
      await driver.ended;
    }
    rmSync(stateDir, { recursive: true, force: true });
  });

  it('carries binary bytes both ways, more than a pipe holds', async () => {
    await bench.fifos.start();
    const driver = await startRelay();
    const session = await bench.nextSession();
    const bytes = pattern(3_000_000);
    const received = readBytes(session, bytes.length);
    driver.toDriver.write(bytes);
    expect((await received).equals(bytes)).to.equal(true);
    session.output.write(bytes.subarray(0, 100_000));
    const back: Buffer[] = [];
    let size = 0;
    while (size < 100_000) {
      const [chunk] = (await once(driver.fromDriver, 'data')) as [Buffer];
      back.push(chunk);
      size += chunk.length;
    }
    expect(Buffer.concat(back).equals(bytes.subarray(0, 100_000))).to.equal(true);
  });

  it('waits for an agent that starts later', async () => {
    const driver = await startRelay();
    driver.toDriver.write('early');
    await new Promise((resolve) => setTimeout(resolve, 200));
    await bench.fifos.start();
    const session = await bench.nextSession();
    expect((await readBytes(session, 5)).toString()).to.equal('early');
  });

  it('ends when Felix closes its pipes, and the agent sees the end; nothing is left behind', async () => {
    await bench.fifos.start();
    const driver = await startRelay();
    const session = await bench.nextSession();
    session.input.resume();
    const ended = once(session.input, 'close');
    driver.closePipes();
    expect(await driver.ended).to.deep.equal({ code: 0, signal: null });
    await ended;
    expect(readdirSync(relayFolder(stateDir))).to.deep.equal([]);
  });

  it('ends within the grace of SIGTERM, also while it still waits for the agent', async () => {
    const driver = await startRelay();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const started = Date.now();
    const end = await driver.stop();
    expect(end.signal).to.equal(null);
    expect(Date.now() - started).to.be.lessThan(2_000);
    expect(readdirSync(relayFolder(stateDir))).to.deep.equal([]);
  });

  it('ends when the agent goes away, so that Felix starts over', async () => {
    await bench.fifos.start();
    const driver = await startRelay();
    const session = await bench.nextSession();
    session.input.destroy();
    session.output.destroy();
    expect(await driver.ended).to.deep.equal({ code: 1, signal: null });
  });

  it('gives two relays two sessions that cannot mix', async () => {
    await bench.fifos.start();
    const first = await startRelay();
    const one = await bench.nextSession();
    const second = await startRelay();
    const two = await bench.nextSession();
    first.toDriver.write('aaaa');
    second.toDriver.write('bbbb');
    expect((await readBytes(one, 4)).toString()).to.equal('aaaa');
    expect((await readBytes(two, 4)).toString()).to.equal('bbbb');
  });

  it('refuses to run by hand', () => {
    expect(() =>
      execFileSync(SCRIPT, { stdio: 'pipe', env: { FELIX_XPUSTATEDIR: stateDir } }),
    ).to.throw(/started by hand/);
  });

  it('runs in a root file system that holds bash and coreutils alone', async function () {
    if (process.getuid?.() !== 0) {
      console.log('      root');
      this.skip();
    }
    const root = join(stateDir, 'root');
    makeRoot(root);
    const wrapper = join(stateDir, 'start');
    // Its own mount namespace: /proc and /dev are there as in any container, and leave with the process.
    const mounts = ['proc', 'dev'].map((name) => `mount --rbind /${name} ${root}/${name}`);
    const inNamespace = [...mounts, `exec chroot ${root} /relay.sh`].join(' && ');
    writeFileSync(wrapper, `#!/bin/bash\nexec unshare -m sh -c '${inNamespace}'\n`, {
      mode: 0o755,
    });
    const inside = join(root, 'state');
    const inner = agentSide(inside);
    await inner.fifos.start();
    const driver = await DriverProcess.start({
      file: wrapper,
      environment: { FELIX_XPUSTATEDIR: '/state', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      onOutput: (chunk) => process.stderr.write(chunk),
    });
    drivers.push(driver);
    const session = await inner.nextSession();
    driver.toDriver.write('through the chroot');
    expect((await readBytes(session, 18)).toString()).to.equal('through the chroot');
    inner.fifos.stop();
    session.input.destroy();
    session.output.destroy();
    await driver.ended;
    expect(existsSync(join(root, 'usr/bin/node'))).to.equal(false);
  });
});

/** A root with bash, the coreutils the relay calls, and the libraries they need. */
function makeRoot(root: string): void {
  const programs = ['bash', 'cat', 'mkdir', 'mkfifo', 'mv', 'rm'].map((name) =>
    execFileSync('which', [name], { encoding: 'utf8' }).trim(),
  );
  const libraries =
    execFileSync('ldd', programs, { encoding: 'utf8' }).match(/\/\S+\.so\S*/g) ?? [];
  for (const path of new Set([...programs, ...libraries])) {
    const copy = join(root, path);
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(path, copy);
  }
  mkdirSync(join(root, 'state'));
  if (!existsSync(join(root, 'bin'))) symlinkSync('usr/bin', join(root, 'bin'));
  if (!existsSync(join(root, 'bin/bash'))) copyFileSync('/bin/bash', join(root, 'bin/bash'));
  copyFileSync(SCRIPT, join(root, 'relay.sh'));
  mkdirSync(join(root, 'dev'), { recursive: true });
  mkdirSync(join(root, 'proc'));
}
