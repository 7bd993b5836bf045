/** `calico-xpu status`: what a person sees of a process, asked over its real socket. */
import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { serveStatus, statusSocketPath, type StatusSource } from '../../src/agent/status-server.js';
import type { AgentStatus } from '../../src/agent/status.js';
import { runCli } from '../../src/cli/run.js';
import { statusText } from '../../src/cli/status.js';
import { COMMANDS } from '../../src/cli/table.js';

const STATUS: AgentStatus = {
  version: '1.2.3',
  pid: 42,
  mode: 'agent',
  node: 'node-a',
  felix: {
    session: 2,
    connected: true,
    received: 60,
    applied: 59,
    inSync: true,
    calicoVersion: 'v3.31.7',
    sequenceGaps: 0,
    ignored: {},
    unknown: 0,
    problems: {},
  },
  xpu: {
    address: '192.0.2.1:443',
    connected: true,
    level: 'native',
    bootId: 'boot-1',
    reason: '',
    calls: { CreateVnic: 2 },
    writes: 17,
  },
  wanted: { vnic: 2, networkPolicy: 9, tunnel: 0 },
  pending: 1,
  failed: 1,
  unready: [
    { key: 'vnic/cxv-1', state: 'pending', reason: '' },
    { key: 'networkPolicy/cxn-2', state: 'failed', reason: 'table full' },
  ],
  endpoints: {
    'k8s/shop%2Fweb-0/eth0': { status: 'up', reason: '' },
    'host/eth9': { status: 'error', reason: 'no matching interface' },
  },
  degraded: [
    {
      code: 'budget',
      subject: 'k8s/shop%2Fweb-0/eth0',
      reason: 'the list needs more than 10 rules',
    },
  ],
  configProblems: ['FELIX_XPURULEBUDGET: "many" is no number'],
};

describe('status text', () => {
  it('tells Felix, the XPU, objects, endpoints and problems', () => {
    expect(statusText(STATUS)).to.equal(
      [
        'calico-xpu 1.2.3, agent, node node-a',
        'Felix      connected, Calico v3.31.7, session 2, in sync, frames 59/60 applied',
        'XPU        192.0.2.1:443 answers, native, 17 writes',
        'objects    vnic 2, networkPolicy 9; 1 pending, 1 failed',
        'endpoints  2',
        '  up    k8s/shop%2Fweb-0/eth0',
        '  error host/eth9 no matching interface',
        'problems',
        '  pending vnic/cxv-1',
        '  failed networkPolicy/cxn-2 table full',
        '  narrower k8s/shop%2Fweb-0/eth0: budget: the list needs more than 10 rules',
        '  setting FELIX_XPURULEBUDGET: "many" is no number',
        '',
      ].join('\n'),
    );
  });

  it('tells the overlay and the MTU it leaves to pods', () => {
    const overlay = (of: AgentStatus['overlay']) =>
      statusText({ ...STATUS, ...(of === undefined ? {} : { overlay: of }) })
        .split('\n')
        .find((line) => line.startsWith('overlay'));
    expect(overlay(undefined)).to.equal(undefined);
    expect(
      overlay({ encapsulations: [], uplinkMtu: 9000, podMtu: 9000, tooSmallFor: [] }),
    ).to.equal('overlay    no VXLAN; MTU of pods at most 9000 (uplink 9000)');
    const encapsulations = ['vxlan-v4', 'vxlan-v6'] as const;
    expect(
      overlay({ vni: 4096, encapsulations, uplinkMtu: 1300, podMtu: 1230, tooSmallFor: [6] }),
    ).to.equal(
      'overlay    VXLAN 4096 over IPv4 and IPv6; MTU of pods at most 1230 (uplink 1300), too small for IPv6',
    );
  });

  it('is short where nothing is there yet', () => {
    const { felix, xpu } = STATUS;
    const text = statusText({
      ...STATUS,
      felix: { ...felix, connected: false, inSync: false, calicoVersion: '', session: 0 },
      xpu: { ...xpu, connected: false, reason: 'waiting for Felix', writes: 0 },
      wanted: { vnic: 0 },
      pending: 0,
      failed: 0,
      unready: [],
      endpoints: {},
      degraded: [],
      configProblems: [],
    });
    expect(text.split('\n').slice(1)).to.deep.equal([
      'Felix      away, Calico -, session 0, not in sync, frames 59/60 applied',
      'XPU        192.0.2.1:443 away: waiting for Felix, 0 writes',
      'objects    none; 0 pending, 0 failed',
      'endpoints  0',
      '',
    ]);
  });
});

describe('calico-xpu status', () => {
  let stateDir: string;
  let server: Server | undefined;

  beforeEach(() => (stateDir = mkdtempSync(join(tmpdir(), 'cx-cli-status-'))));
  afterEach(() => {
    server?.close();
    rmSync(stateDir, { recursive: true, force: true });
  });

  async function run(args: string, env: Record<string, string> = {}) {
    let out = '';
    let err = '';
    const context = {
      env,
      stdout: { write: (text: string) => (out += text) },
      stderr: { write: (text: string) => (err += text) },
    };
    const words = ['status', ...args.split(' ').filter((word) => word !== '')];
    const code = await runCli(words, context, COMMANDS);
    return { code, out, err };
  }

  async function serve(): Promise<void> {
    const source: StatusSource = {
      status: () => STATUS,
      felixStatus: () => STATUS.felix,
      snapshot: () => undefined,
      metrics: () => '',
      onProgress: () => () => undefined,
    };
    server = await serveStatus(statusSocketPath(stateDir), source);
  }

  it('asks the process of a state folder, named by option or environment', async () => {
    await serve();
    const text = statusText(STATUS);
    expect(await run(`--state-dir ${stateDir}`)).to.deep.equal({ code: 0, out: text, err: '' });
    const env = { FELIX_XPUSTATEDIR: stateDir };
    expect(await run('', env)).to.deep.equal({ code: 0, out: text, err: '' });
  });

  it('gives the whole of it as JSON', async () => {
    await serve();
    const { out } = await run(`--state-dir ${stateDir} --json`);
    expect(JSON.parse(out)).to.deep.equal(STATUS);
  });

  it('fails where nobody answers, telling where it asked', async () => {
    const { code, out, err } = await run(`--state-dir ${stateDir}`);
    expect([code, out]).to.deep.equal([1, '']);
    expect(err).to.contain(join(stateDir, 'status.sock'));
  });
});
