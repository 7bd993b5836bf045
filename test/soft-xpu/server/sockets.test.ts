/** Sockets, mutual TLS, health, reflection, and how a server ends. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, credentials, status, type ServiceDefinition } from '@grpc/grpc-js';
import { expect } from 'chai';
import { OpiTarget } from '../../../src/opi/client/target.js';
import { createMemoryXpu } from '../../../src/soft-xpu/memory-xpu.js';
import { ServerError, startServer } from '../../../src/soft-xpu/server.js';
import { HEALTH_SERVICE, healthPackage } from '../../../src/soft-xpu/server/health.js';
import { ServedXpu } from './server-fixture.js';

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'soft-xpu-sockets-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The code that starting a server on these addresses fails with. */
async function startFailure(listen: string[]): Promise<string> {
  const server = await startServer(createMemoryXpu(), { listen }).catch((error: unknown) => error);
  if (server instanceof ServerError) return server.code;
  throw new Error('it started');
}

describe('soft-xpu server: sockets', () => {
  it('serves several addresses at once, and gives the port it took', async () => {
    const listen = [`unix:${folder}/a.sock`, '127.0.0.1:0'];
    const server = await startServer(createMemoryXpu(), { listen });
    try {
      expect(server.addresses[1]).to.match(/^127\.0\.0\.1:[1-9]\d+$/);
      for (const address of server.addresses) {
        const target = new OpiTarget({ address });
        expect((await target.probe()).level, address).to.equal('native');
        await target.close();
      }
    } finally {
      await server.stop();
    }
    expect(existsSync(`${folder}/a.sock`)).to.equal(false);
  });

  it('takes over the socket of a server that died, not that of one that lives', async () => {
    const socket = path.join(folder, 'stale.sock');
    const script = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 9))`;
    spawnSync(process.execPath, ['-e', script, socket]);
    expect(existsSync(socket)).to.equal(true);
    const server = await startServer(createMemoryXpu(), { listen: [`unix:${socket}`] });
    expect(await startFailure([`unix:${socket}`])).to.equal('address');
    await server.stop();
  });

  it('refuses an address that cannot be listened on', async () => {
    expect(await startFailure([`unix:${folder}/no/such/folder.sock`])).to.equal('address');
  });

  it('a new XPU has a new boot id', () => {
    const ids = [1, 2].map(() => createMemoryXpu().dataPlane.bootId);
    expect(ids[0]).to.not.equal(ids[1]);
  });
});

describe('soft-xpu server: health and reflection', () => {
  it('answers for the server and each service, and watchers hear of the end', async () => {
    const served = await ServedXpu.start();
    const definition = healthPackage()[HEALTH_SERVICE] as ServiceDefinition;
    const health = served.client(HEALTH_SERVICE, definition);
    for (const service of ['', 'opi_api.network.k8s.v1alpha1.DatapathService']) {
      expect(await health.call('Check', { service })).to.deep.equal({ status: 'SERVING' });
    }
    expect(await health.code('Check', { service: 'nobody' })).to.equal(status.NOT_FOUND);
    const watcher = new Client(served.address, credentials.createInsecure());
    const { path: method, requestSerialize, responseDeserialize } = definition['Watch']!;
    const stream = watcher.makeServerStreamRequest(
      method,
      requestSerialize as never,
      responseDeserialize as never,
      { service: '' },
    );
    const heard: unknown[] = [];
    const ended = new Promise((resolve) => stream.on('end', resolve));
    await new Promise((resolve) =>
      stream.on('data', (message) => {
        heard.push(message);
        resolve(undefined);
      }),
    );
    await served.stop();
    await ended;
    watcher.close();
    expect(heard).to.deep.equal([{ status: 'SERVING' }, { status: 'NOT_SERVING' }]);
  });

  it('tells its services by reflection; a plain one does not name the extension', async () => {
    for (const extension of [true, false]) {
      const served = await ServedXpu.start({ extension });
      const listed = await reflectedServices(served.address);
      expect(listed).to.include('opi_api.network.cloud.v1alpha1.CloudInfraService');
      expect(listed).to.include('grpc.health.v1.Health');
      expect(listed.includes('opi_api.network.k8s.v1alpha1.DatapathService')).to.equal(extension);
      await served.stop();
    }
  });
});

/** Services that a server's reflection lists: the strings of its answer's message. */
async function reflectedServices(address: string): Promise<string> {
  const client = new Client(address, credentials.createInsecure());
  const identity = (bytes: Buffer): Buffer => bytes;
  const method = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
  const stream = client.makeBidiStreamRequest(method, identity, identity);
  // ServerReflectionRequest { list_services = 7: "" }
  stream.write(Buffer.from([0x3a, 0x00]));
  const answer = await new Promise<Buffer>((resolve, reject) => {
    stream.on('data', resolve);
    stream.on('error', reject);
  });
  stream.end();
  client.close();
  return answer.toString('latin1');
}

describe('soft-xpu server: mutual TLS', () => {
  const file = (name: string): string => path.join(folder, name);

  beforeEach(function () {
    try {
      makeCertificates();
    } catch {
      this.skip();
    }
  });

  function openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  }

  function makeCertificates(): void {
    const authority = (name: string): void =>
      openssl(
        ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1'.split(' '),
        '-subj',
        `/CN=${name}`,
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.crt`,
      );
    authority('ca');
    authority('stranger');
    writeFileSync(file('san.cnf'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
    for (const name of ['server', 'client']) {
      openssl(
        ...'req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'.split(' '),
        '-subj',
        `/CN=${name}`,
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.csr`,
      );
      openssl(
        ...`x509 -req -days 1 -in ${name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -extfile san.cnf -out ${name}.crt`.split(
          ' ',
        ),
      );
    }
  }

  it('serves clients whose certificate its authority signed, and nobody else', async () => {
    const tls = { cert: file('server.crt'), key: file('server.key'), ca: file('ca.crt') };
    const server = await startServer(createMemoryXpu(), { listen: ['localhost:0'], tls });
    const address = server.addresses[0]!;
    const probe = async (cert: string): Promise<string> => {
      const files = {
        certFile: file(`${cert}.crt`),
        keyFile: file(`${cert}.key`),
        caFile: file('ca.crt'),
      };
      const target = new OpiTarget({ address, tls: files, callTimeoutMs: 3000, retryCount: 0 });
      const outcome = await target.probe().then(
        ({ level }) => level,
        () => 'refused',
      );
      await target.close();
      return outcome;
    };
    try {
      expect(await probe('client')).to.equal('native');
      expect(await probe('stranger')).to.equal('refused');
    } finally {
      await server.stop();
    }
  });

  it('a missing TLS file is told by name', async () => {
    const tls = { cert: file('gone.crt'), key: file('server.key'), ca: file('ca.crt') };
    const failed = await startServer(createMemoryXpu(), { listen: ['localhost:0'], tls }).catch(
      (error: unknown) => error,
    );
    expect(failed).to.be.instanceOf(ServerError);
    expect((failed as ServerError).message).to.include('gone.crt');
    expect(readFileSync(file('ca.crt'), 'utf8')).to.include('CERTIFICATE');
  });
});
