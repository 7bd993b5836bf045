/** A node's agent in one process: real frames in, an XPU's tables at the other end. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { readSource } from '../../src/lab/replay/source.js';
import { FakeTarget } from '../../src/opi/objects/fake-target.js';
import { Bench, frames, until } from './bench.js';

describe('node agent', () => {
  let stateDir: string;

  beforeEach(() => {
    stateDir = mkdtempSync(join(tmpdir(), 'cx-agent-'));
  });
  afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

  it('writes nothing before InSync, then everything, and says so', async () => {
    const bench = new Bench(stateDir);
    const bodies = frames('head/hello', 'start');
    const felix = bench.felix();
    felix.say(bodies.slice(0, -1));
    await until(() => bench.agent.felixStatus().received === bodies.length - 1);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(bench.target.entries()).to.have.length(0);
    expect(bench.agent.felixStatus().inSync).to.equal(false);
    felix.say(bodies.slice(-1));
    await bench.applied(bodies.length);
    const status = bench.agent.status();
    expect(status.felix.inSync).to.equal(true);
    expect(status.pending).to.equal(0);
    expect(status.node).to.equal('node-a');
    expect(Object.keys(status.endpoints)).to.have.members([
      'k8s/shop%2Ffrontend-1/eth0',
      'k8s/shop%2Fbackend-1/eth0',
      'k8s/shop%2Fdb-1/eth0',
      'k8s/monitoring%2Fprom-1/eth0',
    ]);
    expect(
      bench.target.entries().filter(({ object }) => object.key.kind === 'policyBinding'),
    ).to.have.length(4);
    await bench.agent.stop();
  });

  it('tells Felix each endpoint, writes its status file, and takes both back when it goes', async () => {
    const bench = new Bench(stateDir);
    const felix = bench.felix();
    const all = frames('head/hello');
    const start = frames('head/hello', 'start').length;
    felix.say(all.slice(0, start));
    await bench.applied(start);
    await until(() => Object.keys(felix.workloads()).length === 4);
    expect(felix.workloads()).to.deep.equal({
      'shop/frontend-1': 'up',
      'shop/backend-1': 'up',
      'shop/db-1': 'up',
      'monitoring/prom-1': 'up',
    });
    const folder = join(stateDir, 'felix', 'endpoint-status');
    const files = (): string[] => (existsSync(folder) ? readdirSync(folder) : []);
    await until(() => files().length === 4);
    const file = JSON.parse(readFileSync(join(folder, 'k8s shop%2Fdb-1 eth0'), 'utf8')) as {
      ipv4Nets: string[];
    };
    expect(file.ipv4Nets).to.deep.equal(['10.65.4.3/32']);
    felix.say(all.slice(start));
    await bench.applied(all.length);
    await until(() => !('shop/db-1' in felix.workloads()));
    await until(() => files().length === Object.keys(felix.workloads()).length);
    expect(felix.heard.map(({ sequence_number: number }) => Number(number))).to.deep.equal(
      felix.heard.map((_, index) => index),
    );
    await bench.agent.stop();
  });

  it('keeps the old plan in force while a new session is read, and writes nothing if it says the same', async () => {
    const bench = new Bench(stateDir);
    const bodies = frames('head/hello', 'start');
    const first = bench.felix();
    first.say(bodies);
    await bench.applied(bodies.length);
    await first.hangUp();
    const dump = bench.target.dump();
    bench.target.clearCalls();
    const second = bench.felix();
    second.say(bodies.slice(0, 20));
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(bench.target.dump()).to.equal(dump);
    second.say(bodies.slice(20));
    await bench.applied(bodies.length);
    expect(bench.target.writes).to.have.length(0);
    expect(bench.target.dump()).to.equal(dump);
    await until(() => Object.keys(second.workloads()).length === 4);
    await bench.agent.stop();
  });

  it('tells a new Felix an endpoint only when the XPU has it as this Felix wants it', async () => {
    let release: (() => void) | undefined;
    let held: Promise<void> | undefined;
    const target = new FakeTarget({ latency: () => held ?? Promise.resolve() });
    const bench = new Bench(stateDir, {}, target);
    const bodies = frames('head/hello', 'start');
    const first = bench.felix();
    first.say(bodies);
    await bench.applied(bodies.length);
    await first.hangUp();
    held = new Promise((resolve) => (release = resolve));
    const second = bench.felix();
    // While Felix was away, the pods got other addresses.
    second.say(
      bodies.map((body) =>
        Buffer.from(
          Buffer.from(body).toString('latin1').replaceAll('10.65.4.', '10.65.9.'),
          'latin1',
        ),
      ),
    );
    await until(() => bench.agent.felixStatus().inSync);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(second.workloads()).to.deep.equal({});
    held = undefined;
    release?.();
    await bench.applied(bodies.length);
    await until(() => Object.keys(second.workloads()).length === 4);
    expect(Object.values(second.workloads())).to.deep.equal(['up', 'up', 'up', 'up']);
    await bench.agent.stop();
  });

  it('a new agent over an XPU that has everything writes nothing', async () => {
    const bodies = frames('head/hello', 'start');
    const first = new Bench(stateDir);
    first.felix().say(bodies);
    await first.applied(bodies.length);
    await first.agent.stop();
    const survivor = new FakeTarget();
    survivor.seed(first.target.entries());
    const second = new Bench(stateDir, {}, survivor);
    second.felix().say(bodies);
    await second.applied(bodies.length);
    expect(survivor.writes).to.have.length(0);
    await second.agent.stop();
  });

  it('fills an XPU that was restarted, without a word from Felix', async () => {
    const bench = new Bench(stateDir);
    const bodies = frames('head/hello', 'start');
    bench.felix().say(bodies);
    await bench.applied(bodies.length);
    const dump = bench.target.dump();
    bench.target.restart();
    expect(bench.target.entries()).to.have.length(0);
    await until(() => bench.target.dump() === dump);
    await bench.agent.stop();
  });

  it('waits for an XPU that does not answer, with what Felix said meanwhile', async () => {
    const bench = new Bench(stateDir);
    for (let index = 0; index < 3; index++) bench.target.failNext('probe', { code: 'UNAVAILABLE' });
    const bodies = frames('head/hello', 'start');
    bench.felix().say(bodies);
    await bench.applied(bodies.length);
    expect(bench.target.failuresLeft).to.equal(0);
    expect(bench.agent.status().xpu.connected).to.equal(true);
    await bench.agent.stop();
  });

  it('refuses a stream at its first broken frame, naming it, and lives on', async () => {
    const bench = new Bench(stateDir);
    const bodies = frames('head/hello', 'start');
    const felix = bench.felix();
    felix.say(bodies.slice(0, 3));
    felix.sayRaw(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]));
    const error = (await felix.served) as Error & { code: string };
    expect(error.code).to.equal('frame-length');
    expect(error.message).to.match(/sequence number 3, offset \d+, length 9223372036854775807/);
    const next = bench.felix();
    next.say(bodies);
    await bench.applied(bodies.length);
    expect(bench.fatal).to.have.length(0);
    await bench.agent.stop();
  });

  it('the newest Felix is served, an older one that still hangs on is let go', async () => {
    const bench = new Bench(stateDir);
    const bodies = frames('head/hello', 'start');
    const old = bench.felix();
    old.say(bodies.slice(0, 30));
    await until(() => bench.agent.felixStatus().received === 30);
    const fresh = bench.felix();
    expect(await old.served).to.equal(undefined);
    fresh.say(bodies);
    await bench.applied(bodies.length);
    expect(bench.agent.felixStatus().session).to.equal(2);
    await bench.agent.stop();
  });

  it('counts gaps in sequence numbers and goes on', async () => {
    const bench = new Bench(stateDir);
    const bodies = frames('head/hello', 'start');
    const felix = bench.felix();
    felix.say(bodies.filter((_, index) => index !== 17));
    await bench.applied(bodies.length - 1);
    expect(bench.agent.felixStatus().sequenceGaps).to.equal(1);
    await bench.agent.stop();
  });

  it('records what Felix said, in the form of a recording', async () => {
    const recorderDir = join(stateDir, 'flight');
    const bench = new Bench(stateDir, { FELIX_XPURECORDERDIR: recorderDir });
    const bodies = frames('head/hello', 'start');
    const felix = bench.felix();
    felix.say(bodies);
    await bench.applied(bodies.length);
    await felix.hangUp();
    const recorded = readSource(recorderDir);
    expect(recorded.steps).to.deep.equal([{ name: 'start', stream: 0, frames: bodies.length }]);
    expect(
      recorded.streams[0]?.frames.map(({ body }) => Buffer.from(body).toString('hex')),
    ).to.deep.equal(bodies.map((body) => Buffer.from(body).toString('hex')));
    await bench.agent.stop();
  });
});
