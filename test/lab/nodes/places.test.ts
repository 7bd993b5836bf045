/** The process of a pod or node, asked over its socket, with real sockets on this machine's loopback. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { LabError } from '../../../src/lab/nodes/errors.js';
import { askPlace, placeAnswers, type PlaceAddress } from '../../../src/lab/nodes/place-client.js';
import type { ProbeTask } from '../../../src/lab/nodes/place-protocol.js';
import { servePlace } from '../../../src/lab/nodes/place-server.js';
import { findPlace, placesOf } from '../../../src/lab/nodes/places.js';

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function listener(onConnect: (socket: Socket) => void = () => undefined): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    onConnect(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = await listener();
  const port = portOf(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('lab: the process of a place', () => {
  const folder = mkdtempSync(join(tmpdir(), 'calico-xpu-place-'));
  const place: PlaceAddress = { name: 'shop/db-1', socketPath: join(folder, 'p.sock') };
  const servers: { close(): unknown }[] = [];

  before(async () => servers.push(await servePlace(place.name, place.socketPath)));
  after(() => {
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true });
  });

  async function probe(task: Partial<ProbeTask>) {
    const { outcomes } = await askPlace(place, {
      op: 'probe',
      tasks: [
        {
          protocol: 'tcp',
          address: '127.0.0.1',
          port: 1,
          owner: place.name,
          timeoutMs: 700,
          ...task,
        },
      ],
    });
    return outcomes[0]!;
  }

  it('listens with its name on TCP and UDP of both families', async () => {
    const port = await freePort();
    expect(await askPlace(place, { op: 'listen', tcp: [port], udp: [port] })).to.deep.equal({
      op: 'listen',
      taken: [],
    });
    for (const protocol of ['tcp', 'udp'] as const) {
      for (const address of ['127.0.0.1', '::1']) {
        const outcome = await probe({ protocol, address, port });
        expect(outcome, `${protocol} ${address}`).to.include({ passes: true, detail: 'reply' });
      }
      const other = await probe({ protocol, port, owner: 'shop/db-2' });
      expect(other).to.include({ passes: false, detail: 'came out at shop/db-1' });
    }
    // Asked again it listens still, and once.
    expect(await askPlace(place, { op: 'listen', tcp: [port], udp: [] })).to.include({
      op: 'listen',
    });
  });

  it('tells a port that somebody else has, and takes his answer for one', async () => {
    const server = await listener((socket) => socket.end('220 ready\r\n'));
    servers.push(server);
    const port = portOf(server);
    const answer = await askPlace(place, { op: 'listen', tcp: [port], udp: [] });
    expect(answer.taken).to.deep.equal([`${port}/tcp`]);
    expect(await probe({ port })).to.include({ passes: true, detail: 'reply' });
  });

  it('takes a refusal for an arrival, and silence of a connection, too', async () => {
    const port = await freePort();
    for (const protocol of ['tcp', 'udp'] as const) {
      expect(await probe({ protocol, port })).to.include({ passes: true, detail: 'refused' });
    }
    const silent = await listener((socket) => socket.resume());
    servers.push(silent);
    expect(await probe({ port: portOf(silent) })).to.include({ passes: true, detail: 'connected' });
  });

  it('gives the reason where a packet cannot even be sent', async () => {
    const outcome = await probe({ address: '255.255.255.255', port: 9 });
    expect(outcome.passes).to.equal(false);
    expect(outcome.detail).to.match(/^E[A-Z]+$/);
  });

  it('answers what it cannot read, and tells who does not answer', async () => {
    const wrong = { op: 'probe' } as never;
    await askPlace(place, wrong).then(
      () => expect.fail('answered'),
      (error: unknown) => expect(error).to.be.instanceOf(LabError),
    );
    expect(await placeAnswers(place)).to.equal(true);
    expect(await placeAnswers({ name: 'x', socketPath: join(folder, 'none') })).to.equal(false);
  });
});

describe('lab: places by name', () => {
  const places = placesOf('lab', {
    nodes: [{ name: 'node-a', number: 1, addresses: { 4: '172.30.0.1' } }],
    pods: ['a/x', 'b/x', 'b/y'].map((name) => ({
      name,
      node: 'node-a',
      interfaceName: `cali${name.replace('/', '')}`,
      addresses: ['10.65.0.1', 'fd65::1', '10.65.0.2'],
    })),
    podMtu: 1450,
  });

  it('finds pods with and without their namespace, and nodes', () => {
    expect(findPlace(places, 'a/x').namespace).to.equal('cxlab-lab-pod-a.x');
    expect(findPlace(places, 'y').name).to.equal('b/y');
    expect(findPlace(places, 'node-a')).to.include({ kind: 'node', node: 'node-a' });
    expect(findPlace(places, 'y').addresses).to.deep.equal({ 4: '10.65.0.1', 6: 'fd65::1' });
  });

  it('tells names that are several, or none', () => {
    expect(() => findPlace(places, 'x')).to.throw(LabError, '"x" is a/x and b/x');
    expect(() => findPlace(places, 'z')).to.throw(LabError, '"z" is no pod or node: a/x, b/x, b/y');
  });
});
