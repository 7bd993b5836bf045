/** The status socket over HTTP: what is there, what is not, and what cannot be answered yet. */
import { mkdtempSync, rmSync } from 'node:fs';
import { request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { fetchMetrics, fetchSnapshot, fetchStatus } from '../../src/agent/status-client.js';
import { serveStatus, statusSocketPath } from '../../src/agent/status-server.js';
import { Bench, frames } from './bench.js';

describe('status socket', () => {
  let stateDir: string;
  let bench: Bench;
  let server: Server;
  let socket: string;

  beforeEach(async () => {
    stateDir = mkdtempSync(join(tmpdir(), 'cx-status-'));
    socket = statusSocketPath(stateDir);
    bench = new Bench(stateDir);
    server = await serveStatus(socket, bench.agent);
  });
  afterEach(async () => {
    server.close();
    await bench.agent.stop();
    rmSync(stateDir, { recursive: true, force: true });
  });

  function get(path: string, method = 'GET') {
    return new Promise<{ code: number; type: string; text: string }>((resolve, reject) => {
      const call = request({ socketPath: socket, path, method }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () =>
          resolve({
            code: response.statusCode ?? 0,
            type: response.headers['content-type'] ?? '',
            text,
          }),
        );
      });
      call.on('error', reject);
      call.end();
    });
  }

  it('has no state before the first InSync, and then the one in force', async () => {
    const bodies = frames('head/hello', 'start');
    const felix = bench.felix();
    felix.say(bodies.slice(0, -1));
    expect(await get('/state')).to.deep.equal({
      code: 409,
      type: 'application/json',
      text: '{"error":"Felix is not in sync yet"}\n',
    });
    felix.say(bodies.slice(-1));
    await bench.applied(bodies.length);
    const snapshot = await fetchSnapshot(socket);
    expect(snapshot).to.deep.include({ version: 'test', node: 'node-a' });
    expect(snapshot.capabilities?.level).to.equal('native');
    expect(snapshot.settings.uplinkInterface).to.equal('eth0');
    expect([...snapshot.state.workloads.values()].map(({ id }) => id.workload)).to.have.members([
      'shop/frontend-1',
      'shop/backend-1',
      'shop/db-1',
      'monitoring/prom-1',
    ]);
    expect(snapshot.endpoints).to.deep.equal((await fetchStatus(socket)).endpoints);
  });

  it('answers once so many frames are applied, says so when that takes too long, and refuses what is no number', async () => {
    const bodies = frames('head/hello', 'start');
    const waiting = get(`/status?applied=${bodies.length}&session=1`);
    bench.felix().say(bodies);
    const { code, text } = await waiting;
    expect(code).to.equal(200);
    expect((JSON.parse(text) as { felix: { applied: number } }).felix.applied).to.equal(
      bodies.length,
    );
    expect((await get(`/status?applied=${bodies.length + 1}&timeout=20`)).code).to.equal(408);
    for (const query of ['applied=x', 'applied=1&timeout=-1', 'applied=1&session=1.5']) {
      expect((await get(`/status?${query}`)).code, query).to.equal(400);
    }
  });

  it('gives metrics as text that a scraper reads', async () => {
    const { code, type, text } = await get('/metrics');
    expect(code).to.equal(200);
    expect(type).to.equal('text/plain; version=0.0.4; charset=utf-8');
    expect(text).to.include('\ncalico_xpu_felix_connected 0\n');
    const bodies = frames('head/hello', 'start');
    bench.felix().say(bodies);
    await bench.applied(bodies.length);
    const later = await fetchMetrics(socket);
    expect(later).to.include(`calico_xpu_felix_frames_applied_total ${bodies.length}\n`);
    expect(later).to.include('calico_xpu_endpoints{status="up"} 4\n');
    expect(later).to.match(/calico_xpu_apply_seconds_count [1-9]/);
  });

  it('knows nothing else', async () => {
    expect((await get('/')).code).to.equal(404);
    expect((await get('/states')).code).to.equal(404);
    expect((await get('/state', 'POST')).code).to.equal(404);
  });
});
