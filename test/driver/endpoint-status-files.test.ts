import { mkdtemp, readFile, readdir, rm, stat, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  EndpointStatusFiles,
  statusFileName,
  statusFileText,
} from '../../src/driver/endpoint-status-files.js';
import type { WorkloadEndpoint } from '../../src/model/endpoint.js';
import { workloadKey } from '../../src/model/ids.js';

function endpoint(workload: string, extra: Partial<WorkloadEndpoint> = {}): WorkloadEndpoint {
  const id = { orchestrator: 'k8s', workload, endpoint: 'eth0' };
  return {
    id,
    key: workloadKey(id),
    state: 'active',
    interfaceName: 'cali0123',
    mac: '',
    profiles: [],
    ipv4Nets: ['10.65.0.1/32'],
    ipv6Nets: [],
    tiers: [],
    ipv4Nat: [],
    ipv6Nat: [],
    spoofPrefixes: [],
    annotations: new Map(),
    bgpPeerName: '',
    istioAmbient: false,
    liveMigrationRole: 'none',
    ...extra,
  };
}

describe('endpoint status files', () => {
  let prefix: string;

  beforeEach(async () => {
    prefix = await mkdtemp(join(tmpdir(), 'cx-status-'));
  });
  afterEach(() => rm(prefix, { recursive: true }));

  const fail = (error: unknown): void => {
    throw error;
  };

  it('names a file as Felix does: escaped parts, separated by spaces', () => {
    expect(
      statusFileName({ orchestrator: 'k8s', workload: 'default/web-0', endpoint: 'eth0' }),
    ).to.equal('k8s default%2Fweb-0 eth0');
  });

  it("escapes as Go's url.PathEscape: sub-delimiters ! ' ( ) * are escaped, $ & + : = @ are not", () => {
    const id = { orchestrator: "a!'()*", workload: '$&+:=@ ,;?', endpoint: 'e' };
    expect(statusFileName(id)).to.equal('a%21%27%28%29%2A $&+:=@%20%2C%3B%3F e');
  });

  it('leaves empty members out', () => {
    expect(statusFileText(endpoint('a/b'))).to.equal(
      '{"ifaceName":"cali0123","ipv4Nets":["10.65.0.1/32"]}',
    );
    expect(
      JSON.parse(statusFileText(endpoint('a/b', { mac: '02:00:00:00:00:01', bgpPeerName: 'p' }))),
    ).to.deep.equal({
      ifaceName: 'cali0123',
      mac: '02:00:00:00:00:01',
      ipv4Nets: ['10.65.0.1/32'],
      bgpPeerName: 'p',
    });
  });

  it('writes with mode 0644, removes, and leaves no temporary file', async () => {
    const files = new EndpointStatusFiles(prefix, fail);
    files.write(endpoint('a/b'));
    files.write(endpoint('a/c'));
    files.remove(endpoint('a/c').id);
    await files.flushed();
    const folder = join(prefix, 'endpoint-status');
    expect(await readdir(folder)).to.deep.equal(['k8s a%2Fb eth0']);
    const path = join(folder, 'k8s a%2Fb eth0');
    expect((await stat(path)).mode & 0o777).to.equal(0o644);
    expect(await readFile(path, 'utf8')).to.equal(statusFileText(endpoint('a/b')));
  });

  it('removes the files of endpoints that are no longer wanted, and temporary ones', async () => {
    const folder = join(prefix, 'endpoint-status');
    await mkdir(folder);
    await writeFile(join(folder, 'k8s gone%2Fpod eth0'), '{}');
    await writeFile(join(folder, '.tmp-1'), '');
    const files = new EndpointStatusFiles(prefix, fail);
    files.write(endpoint('a/b'));
    files.removeStale([endpoint('a/b').id]);
    await files.flushed();
    expect(await readdir(folder)).to.deep.equal(['k8s a%2Fb eth0']);
  });

  it('reports a failed operation and goes on with the next', async () => {
    const errors: unknown[] = [];
    await writeFile(join(prefix, 'endpoint-status'), 'a file where the folder should be');
    const files = new EndpointStatusFiles(prefix, (error) => errors.push(error));
    files.write(endpoint('a/b'));
    await files.flushed();
    expect(errors).to.have.length(1);
    await rm(join(prefix, 'endpoint-status'));
    files.write(endpoint('a/b'));
    await files.flushed();
    expect(errors).to.have.length(1);
    expect(await readdir(join(prefix, 'endpoint-status'))).to.have.length(1);
  });
});
