/** The relay over real sockets: whole streams both ways, and who ended it. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Clock } from '../../src/base/clock.js';
import { systemClock } from '../../src/base/clock.js';
import { connectToAgent, relay } from '../../src/driver/relay.js';

const MEGABYTE = 1024 * 1024;

describe('relay', () => {
  let folder: string;
  let server: Server;
  const open: Socket[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cx-relay-'));
    server = createServer({ allowHalfOpen: true });
  });
  afterEach(() => {
    for (const socket of open.splice(0)) socket.destroy();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Both ends of one connection. */
  async function pair(): Promise<{ near: Socket; far: Socket }> {
    if (!server.listening) {
      server.listen(join(folder, 'pairs'));
      await once(server, 'listening');
    }
    const arrived = once(server, 'connection') as Promise<[Socket]>;
    const near = connect({ path: join(folder, 'pairs'), allowHalfOpen: true });
    const [far] = await arrived;
    for (const socket of [near, far]) socket.on('error', () => undefined);
    open.push(near, far);
    return { near, far };
  }

  /** A running relay with the far ends of its three connections. */
  async function running() {
    const input = await pair();
    const output = await pair();
    const agent = await pair();
    const ended = relay({ input: input.near, output: output.near }, agent.near);
    return { felixWrites: input.far, felixReads: output.far, agent: agent.far, ended };
  }

  async function read(socket: Socket, bytes: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let count = 0;
    while (count < bytes) {
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      chunks.push(chunk);
      count += chunk.length;
    }
    return Buffer.concat(chunks);
  }

  it('copies bytes both ways', async () => {
    const { felixWrites, felixReads, agent } = await running();
    felixWrites.write('from Felix');
    expect((await read(agent, 10)).toString()).to.equal('from Felix');
    agent.write('to Felix');
    expect((await read(felixReads, 8)).toString()).to.equal('to Felix');
  });

  it('hands over all that Felix said before it closed, however slow the agent is', async () => {
    const { felixWrites, agent, ended } = await running();
    const sent = Buffer.alloc(8 * MEGABYTE, 'felix says ');
    felixWrites.end(sent);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await read(agent, sent.length)).equals(sent)).to.equal(true);
    expect(await ended).to.equal('felix-closed');
  });

  it('ends when the agent closes its side', async () => {
    const { agent, ended } = await running();
    agent.end();
    expect(await ended).to.equal('agent-closed');
  });

  it('ends when the agent is gone', async () => {
    const { agent, ended } = await running();
    agent.destroy();
    expect(await ended).to.equal('agent-closed');
  });

  it('ends when a pipe to Felix breaks', async () => {
    const { felixReads, agent, ended } = await running();
    felixReads.destroy();
    const talk = setInterval(() => agent.write(Buffer.alloc(MEGABYTE)), 10);
    expect(await ended).to.equal('felix-closed');
    clearInterval(talk);
  });
});

describe('the way to the agent', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'cx-relay-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is tried until the agent is there, telling why it waits', async () => {
    const path = join(folder, 'felix.sock');
    const server = createServer((socket) => socket.end('here'));
    const reasons: string[] = [];
    // The agent starts during the third wait.
    const clock: Clock = {
      ...systemClock,
      after: (delayMs, run) => {
        expect(delayMs).to.equal(200);
        if (reasons.length === 3) server.listen(path, run);
        else run();
        return { cancel: () => undefined };
      },
    };
    const socket = await connectToAgent(path, clock, (reason) => reasons.push(reason));
    expect(reasons).to.deep.equal(['ENOENT', 'ENOENT', 'ENOENT']);
    const [data] = (await once(socket, 'data')) as [Buffer];
    expect(data.toString()).to.equal('here');
    socket.destroy();
    server.close();
  });
});
