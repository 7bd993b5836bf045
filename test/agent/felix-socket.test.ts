/** The socket where relays connect. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { felixSocketPath, serveFelix } from '../../src/agent/felix-socket.js';
import { SocketError } from '../../src/agent/unix-socket.js';
import type { FelixPipes } from '../../src/driver/pipes.js';

describe('felix socket', () => {
  let stateDir: string;
  let server: Server | undefined;

  beforeEach(() => (stateDir = mkdtempSync(join(tmpdir(), 'cx-felix-socket-'))));
  afterEach(() => {
    server?.close();
    rmSync(stateDir, { recursive: true, force: true });
  });

  it('gives each connection as a stream of its own, which answers on the same connection', async () => {
    const streams: FelixPipes[] = [];
    const path = felixSocketPath(stateDir);
    server = await serveFelix(path, (pipes) => streams.push(pipes));
    const relays = [connect(path), connect(path)];
    for (const [index, relay] of relays.entries()) relay.write(`hello ${index}`);
    const answers = relays.map(async (relay) => {
      const [chunk] = (await once(relay, 'data')) as [Buffer];
      return chunk.toString();
    });
    while (streams.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const { input, output } of streams) {
      input.once('data', (chunk: Buffer) => output.end(`${chunk.toString()} too`));
    }
    expect(await Promise.all(answers)).to.have.members(['hello 0 too', 'hello 1 too']);
  });

  it('is for its owner alone, in a folder that may not be there yet, in place of a left-over', async () => {
    const path = felixSocketPath(join(stateDir, 'deep/er'));
    server = await serveFelix(path, () => undefined);
    expect(statSync(path).mode & 0o777).to.equal(0o600);
    server.close();
    writeFileSync(path, 'left over');
    server = await serveFelix(path, () => undefined);
    expect(statSync(path).isSocket()).to.equal(true);
  });

  it('refuses a path that the kernel would cut off', async () => {
    const path = felixSocketPath(join(stateDir, 'x'.repeat(120)));
    const error = await serveFelix(path, () => undefined).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(SocketError).with.property('code', 'path-too-long');
    expect((error as Error).message).to.contain(`${path} has ${path.length} bytes`);
  });

  it('tells why it cannot listen', async () => {
    writeFileSync(join(stateDir, 'file'), '');
    const path = felixSocketPath(join(stateDir, 'file'));
    const error = await serveFelix(path, () => undefined).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(SocketError).with.property('code', 'listen');
    expect((error as Error).message).to.contain(path);
  });
});
