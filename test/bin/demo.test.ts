/** The demo from the built program, as a visitor runs it: it ends well, soon, and says what is true of the recording. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { parseProbes, type Probe } from '../../src/lab/verdicts/probe.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const VERDICTS = path.join(ROOT, 'examples/recordings/hello/verdicts-start.tsv');
const SECONDS_MAX = 20;

/** Addresses of the recording's pods and of its node. */
const ADDRESSES: Readonly<Record<string, string>> = {
  'shop/frontend-1': '10.65.4.1',
  'shop/backend-1': '10.65.4.2',
  'shop/db-1': '10.65.4.3',
  'monitoring/prom-1': '10.65.4.4',
  host: '172.30.0.1',
};
const PROTOCOLS: Readonly<Record<number, string>> = { 6: 'tcp', 17: 'udp' };

describe('calico-xpu demo', () => {
  let folder: string;
  let code: number | null;
  let out = '';
  let err = '';
  let seconds: number;

  before(async function () {
    this.timeout(60_000);
    folder = mkdtempSync(path.join(os.tmpdir(), 'cx-demo-'));
    const started = performance.now();
    const child = spawn(process.execPath, [path.join(ROOT, 'bin/calico-xpu.js'), 'demo'], {
      cwd: folder,
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    [code] = (await once(child, 'close')) as [number | null];
    seconds = (performance.now() - started) / 1000;
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** What passes from one place to another, by the first matrix shown. */
  function cell(from: string, to: string): string {
    const lines = out.split('\n');
    const head = lines.findIndex((line) => line.startsWith('  from \\ to'));
    const columns = (line = ''): string[] => line.trim().split(/ {2,}/);
    const at = columns(lines[head]).indexOf(to);
    const rows = lines.slice(head + 1, lines.indexOf('', head)).map(columns);
    const text = rows.find(([name]) => name === from)?.[at];
    if (text === undefined) throw new Error(`no cell for ${from} and ${to} in:\n${out}`);
    return text;
  }

  it('ends well and soon, and leaves nothing behind', () => {
    expect(code, err).to.equal(0);
    expect(seconds).to.be.lessThan(SECONDS_MAX);
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('shows what was programmed and that every endpoint is up', () => {
    expect(out).to.match(/^Felix \(Calico head\) said 56 messages; all are applied\.$/m);
    expect(out)
      .to.match(/^ {2}policyBinding +4$/m)
      .and.to.match(/\bApplyBatch \d/);
    const up = [...out.matchAll(/^ {2}up +k8s\/(.*)\/eth0$/gm)].map(([, name]) => name);
    expect(up).to.have.members(Object.keys(ADDRESSES).filter((name) => name !== 'host'));
    expect(out).to.not.match(/^ {2}(down|error) /m);
  });

  it('shows who may talk to whom, as the policies of the recording say', () => {
    expect(cell('shop/frontend-1', 'shop/backend-1')).to.equal('tcp/8080');
    expect(cell('shop/backend-1', 'shop/db-1')).to.equal('tcp/5432');
    expect(cell('shop/frontend-1', 'shop/db-1')).to.equal('-');
    expect(cell('monitoring/prom-1', 'shop/backend-1')).to.equal('tcp/9090');
    expect(cell('host', 'shop/db-1')).to.equal('all');
    expect(cell('outside', 'shop/backend-1')).to.equal('-');
    expect(out).to.match(
      /^ {2}policy\/default\/NetworkPolicy\/shop\/db\/ingress\/0\n {4}shop\/backend-1 > shop\/db-1 tcp\/5432$/m,
    );
  });

  it("agrees with what Felix's own data plane did to real packets", () => {
    const { probes } = parseProbes(readFileSync(VERDICTS, 'utf8'));
    const labels = new Set([...out.matchAll(/\b(?:tcp|udp)\/\d+\b/g)].map(([label]) => label));
    const shown = probes.filter((probe) => isShown(probe) && labels.has(labelOf(probe)));
    expect(shown.length).to.be.greaterThan(10);
    for (const probe of shown) {
      const { from, to, allowed } = probe;
      const services = cell(from, to);
      const passes = services === 'all' || services.split(' ').includes(labelOf(probe));
      expect(passes, `${from} > ${to} ${labelOf(probe)}: ${services}`).to.equal(allowed);
    }
  });

  it('shows what each change of policy changes', () => {
    const [, ...changes] = out.split(/^Then Felix says /m);
    const difference = (text: string): string[] =>
      text
        .trimEnd()
        .split('\n')
        .slice(1)
        .map((line) => line.trim().replaceAll(/ +/g, ' '));
    expect(changes.map(difference)).to.deep.equal([
      [
        'now passes 10.65.8.2 > shop/backend-1 tcp/8080 by policy/default/NetworkPolicy/shop/backend/ingress/0',
      ],
      ['now stops monitoring/prom-1 > shop/backend-1 tcp/9090 by tier default WORKLOAD default'],
      ['shop/db-1 is gone'],
    ]);
  });
});

/** Both ends have a row, at the address that the row stands for. */
function isShown({ from, to, packet }: Probe): boolean {
  return packet.source === ADDRESSES[from] && packet.destination === ADDRESSES[to];
}

function labelOf({ packet }: Probe): string {
  return `${PROTOCOLS[packet.protocol] ?? 'other'}/${packet.destinationPort ?? ''}`;
}
