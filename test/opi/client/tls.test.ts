/** Mutual TLS, and credentials that change while the client runs. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { TlsFiles } from '../../../src/opi/client/options.js';
import { connectOpiTarget, type OpiTarget } from '../../../src/opi/client/target.js';
import { Authority, hasOpenssl, type Pair } from './certificates.js';
import { ScriptedServer } from './scripted-server.js';
import { QUICK, refused } from './setup.js';

describe('OPI client: TLS', function () {
  this.timeout(20_000);
  let authority: Authority;
  let other: Authority;
  let server: ScriptedServer;
  let target: OpiTarget;
  let folder: string;

  before(function () {
    if (!hasOpenssl()) this.skip();
    authority = new Authority('first');
    other = new Authority('second');
  });

  after(() => {
    if (!hasOpenssl()) return;
    authority.close();
    other.close();
  });

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'opi-tls-'));
    server = await new ScriptedServer().start(authority.serverCredentials());
    server.script('ListVpcs', { vpc: [] });
  });

  afterEach(async () => {
    await target.close();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function files(): TlsFiles {
    const [certFile, keyFile, caFile] = ['tls.crt', 'tls.key', 'ca.crt'].map((name) =>
      join(folder, name),
    );
    return { certFile: certFile!, keyFile: keyFile!, caFile: caFile! };
  }

  function write({ cert, key }: Pair, ca: string): void {
    writeFileSync(files().certFile, cert);
    writeFileSync(files().keyFile, key);
    writeFileSync(files().caFile, ca);
  }

  function connect(): void {
    target = connectOpiTarget({ address: server.tcp, tls: files(), tlsCheckMs: 30, ...QUICK });
  }

  async function restartWith(next: Authority): Promise<void> {
    const port = Number(server.tcp.split(':')[1]);
    server.stop();
    await server.start(next.serverCredentials(), port);
  }

  it('lets both sides know each other', async () => {
    write(authority.issue('client'), authority.cert);
    connect();
    expect(await target.list('vpc')).to.deep.equal([]);
  });

  it('does not talk to a server of an authority it does not trust', async () => {
    write(authority.issue('client'), other.cert);
    connect();
    await refused(target.list('vpc'), 'UNAVAILABLE');
    expect(server.received).to.deep.equal([]);
  });

  it('is not let in with a certificate that the server does not trust', async () => {
    write(other.issue('client'), authority.cert);
    connect();
    await refused(target.list('vpc'), 'UNAVAILABLE');
    expect(server.received).to.deep.equal([]);
  });

  it('is not let in without TLS', async () => {
    target = connectOpiTarget({ address: server.tcp, ...QUICK });
    await refused(target.list('vpc'), 'UNAVAILABLE');
    expect(server.received).to.deep.equal([]);
  });

  it('says which file it misses, and starts when it is there', async () => {
    connect();
    const error = await refused(target.list('vpc'), 'UNAVAILABLE');
    expect(error.message).to.include('tls.crt');
    write(authority.issue('client'), authority.cert);
    expect(await target.list('vpc')).to.deep.equal([]);
  });

  it('follows files that change, calls in flight included', async () => {
    write(authority.issue('client'), authority.cert);
    connect();
    let release = (): void => undefined;
    server.on('ListSubnets', () => new Promise((resolve) => (release = () => resolve({}))));
    const inFlight = target.list('subnet');
    await target.list('vpc');
    write(authority.issue('client again'), authority.cert);
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(await target.list('vpc')).to.deep.equal([]);
    release();
    expect(await inFlight).to.deep.equal([]);
  });

  it('moves to another authority together with its server', async () => {
    write(authority.issue('client'), authority.cert);
    connect();
    await target.list('vpc');
    await restartWith(other);
    await refused(target.list('vpc'), 'UNAVAILABLE');
    write(other.issue('client'), other.cert);
    // The files are looked at as soon as a call failed, however long ago the last look was.
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(await target.list('vpc')).to.deep.equal([]);
  });

  it('keeps the old credentials while the new ones are half written', async () => {
    write(authority.issue('client'), authority.cert);
    connect();
    await target.list('vpc');
    writeFileSync(files().certFile, authority.issue('without its key').cert);
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(await target.list('vpc')).to.deep.equal([]);
    write(authority.issue('client again'), authority.cert);
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(await target.list('vpc')).to.deep.equal([]);
  });
});
