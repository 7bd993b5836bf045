/** `why` and `policy check` as commands: exit codes, wrong use, sources. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { serveStatus, statusSocketPath } from '../../src/agent/status-server.js';
import { runCli } from '../../src/cli/run.js';
import type { Explanation } from '../../src/lab/explain/explain.js';
import type { PolicyCheck } from '../../src/lab/explain/check.js';
import { FakeTarget } from '../../src/opi/objects/fake-target.js';
import { Bench, frames } from '../agent/bench.js';
import { recordingNamed } from '../support/recordings.js';

const HELLO = recordingNamed('head/hello').folder;

async function cli(...args: string[]) {
  let stdout = '';
  let stderr = '';
  const code = await runCli(args, {
    env: {},
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
  });
  return { code, stdout, stderr };
}

const toBackend = ['--from', 'shop/frontend-1', '--to', 'backend-1', '--port', '8080/tcp'];

describe('calico-xpu why', () => {
  it('exits with 0 for allowed and 3 for denied', async () => {
    const allowed = await cli('why', HELLO, '--step', 'start', ...toBackend);
    expect(allowed.code).to.equal(0);
    expect(allowed.stdout).to.match(
      /^shop\/frontend-1 \(10\.65\.4\.1\) sends tcp port 8080 .*: allowed/,
    );
    const denied = await cli(
      'why',
      HELLO,
      '--from',
      'frontend-1',
      '--to',
      '10.65.4.3',
      '--port',
      '5432',
    );
    expect(denied.code).to.equal(3);
    expect(denied.stdout).to.include(': denied\n');
  });

  it('asks about ICMP, other protocols, the other family', async () => {
    const ping = await cli(
      'why',
      HELLO,
      '--from',
      'host',
      '--to',
      'frontend-1',
      '--icmp',
      '8',
      '--json',
    );
    expect((JSON.parse(ping.stdout) as Explanation).packet).to.deep.include({
      protocol: 1,
      icmp: { type: 8, code: 0 },
    });
    const gre = await cli(
      'why',
      HELLO,
      '--from',
      'frontend-1',
      '--to',
      '198.18.0.9',
      '--protocol',
      '47',
    );
    expect(gre.stdout).to.include(' sends protocol 47 to ');
  });

  it('gives JSON with the step of each policy', async () => {
    const { stdout } = await cli('why', HELLO, '--step', 'start', ...toBackend, '--json');
    const { allow, exit, path } = JSON.parse(stdout) as Explanation;
    expect({ allow, exit }).to.deep.equal({ allow: true, exit: 'shop/backend-1' });
    expect(path[1]).to.deep.equal({
      kind: 'stage',
      port: 'shop/backend-1',
      direction: 'to',
      stage: 'WORKLOAD',
      result: 'allow',
      asked: true,
      steps: [
        {
          kind: 'policy',
          tier: 'default',
          source: { policy: { kind: 'NetworkPolicy', namespace: 'shop', name: 'backend' } },
          direction: 'ingress',
          rules: [{ index: 0, action: 'allow' }],
          result: 'allow',
          asked: true,
          decides: true,
        },
      ],
    });
  });

  it('is refused with the help when the packet is not told, or told twice', async () => {
    const ends = ['--from', 'a', '--to', 'b'];
    for (const words of [
      [],
      ['--port', '80', '--icmp', '8'],
      ['--port', 'http'],
      ['--port', '80/quic'],
      ['--port', '70000/tcp'],
      ['--icmp', '8/'],
      ['--icmp', '256'],
      ['--protocol', 'gre'],
      ['--family', '5', '--port', '80'],
    ]) {
      const { code, stderr } = await cli('why', HELLO, ...ends, ...words);
      expect(code, words.join(' ')).to.equal(2);
      expect(stderr).to.include('--all-policies');
    }
  });

  it('says in one line what it cannot answer', async () => {
    const unknown = await cli(
      'why',
      HELLO,
      '--from',
      'frontend-1',
      '--to',
      'shop/web',
      '--port',
      '80',
    );
    expect(unknown.code).to.equal(1);
    expect(unknown.stderr).to.match(
      /^calico-xpu: .*"shop\/web" is no pod .*service's name[^\n]*\n$/,
    );
    const step = await cli('why', HELLO, '--step', 'no', ...toBackend);
    expect(step.stderr).to.match(/^calico-xpu: .*no step "no"; there are: start/);
    const away = await cli('why', '--state-dir', '/nonexistent', ...toBackend);
    expect(away.code).to.equal(1);
    expect(away.stderr).to.match(/^calico-xpu: fetch status: .*ENOENT[^\n]*\n$/);
  });

  it('asks a running agent, for what its XPU is', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'cx-why-'));
    const bench = new Bench(stateDir, {}, new FakeTarget({ level: 'plain' }));
    const server = await serveStatus(statusSocketPath(stateDir), bench.agent);
    try {
      const early = await cli('why', '--state-dir', stateDir, ...toBackend);
      expect(early.stderr).to.include('not in sync');
      const bodies = frames('head/hello', 'start');
      bench.felix().say(bodies);
      await bench.applied(bodies.length);
      const { code, stdout } = await cli('why', '--state-dir', stateDir, ...toBackend);
      expect(code).to.equal(0);
      expect(stdout).to.include('\non this plain target: allowed\n');
      expect(stdout).to.include('\nasked of agent of node-a\n');
    } finally {
      server.close();
      await bench.agent.stop();
      rmSync(stateDir, { recursive: true, force: true });
    }
  });
});

describe('calico-xpu policy check', () => {
  it('exits with 0 where everything fits, with 1 otherwise', async () => {
    const fits = await cli('policy', 'check', HELLO, '--json');
    expect(fits.code).to.equal(0);
    expect((JSON.parse(fits.stdout) as PolicyCheck).fits).to.equal(true);
    const full = await cli('policy', 'check', HELLO, '--limits', 'vnic=2,mapping=1', '--json');
    expect(full.code).to.equal(1);
    expect((JSON.parse(full.stdout) as PolicyCheck).excess.map(({ limit }) => limit)).to.deep.equal(
      ['vnic', 'mapping'],
    );
    const cut = await cli('policy', 'check', HELLO, '--target', 'plain', '--rule-budget', '1');
    expect(cut.code).to.equal(1);
    expect(cut.stdout).to.include('\nnarrower than Calico asks\n');
  });

  it('takes a description of the target, and limits on top of it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cx-check-'));
    try {
      const limits = join(folder, 'limits');
      writeFileSync(limits, 'securityPolicy=1 # one\n');
      const small = ['--capabilities', 'examples/capabilities/small.yaml'];
      const described = await cli('policy', 'check', HELLO, ...small);
      expect(described.code).to.equal(0);
      expect(described.stdout).to.include('on a plain (FLATTENED) target: fits');
      const less = await cli('policy', 'check', HELLO, ...small, '--limits', limits);
      expect(less.stdout).to.match(/securityPolicy: \d+ wanted, 1 at most/);
      expect((await cli('policy', 'check', HELLO, ...small, '--flattened')).code).to.equal(2);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('checks resources that nobody has applied yet', async () => {
    const { stdout } = await cli('policy', 'check', join(HELLO, 'sources'), '--node', 'node-a');
    expect(stdout).to.match(/on a native target: fits/);
  });
});
