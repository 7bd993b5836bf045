/** The metrics: well formed for any scraper, and they say what the status says. */
import { expect } from 'chai';
import { ApplyLatency } from '../../src/agent/apply-latency.js';
import { metricsText } from '../../src/agent/metrics.js';
import type { AgentStatus } from '../../src/agent/status.js';

const STATUS: AgentStatus = {
  version: '0.1.0',
  pid: 7,
  mode: 'agent',
  node: 'no"de\\a\n',
  felix: {
    session: 2,
    connected: true,
    received: 40,
    applied: 39,
    inSync: false,
    calicoVersion: 'v3.32.1',
    sequenceGaps: 1,
    ignored: { service_update: 3 },
    unknown: 5,
    problems: { 'unknown-set': 4 },
  },
  xpu: {
    address: 'unix:/x',
    connected: true,
    level: 'native',
    bootId: 'b',
    reason: '',
    calls: { CreateVnic: 6, ApplyBatch: 2 },
    writes: 8,
  },
  wanted: { vnic: 3, route: 0 },
  pending: 9,
  failed: 2,
  unready: [],
  endpoints: {
    a: { status: 'up', reason: '' },
    b: { status: 'down', reason: 'x' },
    c: { status: 'up', reason: '' },
  },
  degraded: [
    { code: 'budget', subject: 'a', reason: 'x' },
    { code: 'budget', subject: 'b', reason: 'x' },
    { code: 'table-full', subject: 'b', reason: 'x' },
  ],
  configProblems: ['p'],
};

const SAMPLE = /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$/;

/** Samples by name and labels; fails on a line that is neither a sample nor a comment, or comes before its TYPE. */
function read(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  const types = new Set<string>();
  expect(text.endsWith('\n')).to.equal(true);
  for (const line of text.trimEnd().split('\n')) {
    const type = /^# TYPE (\S+) (gauge|counter|histogram)$/.exec(line);
    if (type?.[1] !== undefined) types.add(type[1]);
    if (line.startsWith('#')) {
      expect(line).to.match(/^# (HELP|TYPE) calico_xpu_[a-z_]+ \S/);
      continue;
    }
    const [, name = '', labels = '', value = ''] = SAMPLE.exec(line) ?? [];
    expect(name, line).to.match(/^calico_xpu_/);
    expect(types.has(name.replace(/_(bucket|sum|count)$/, '')) || types.has(name), line).to.equal(
      true,
    );
    expect(Number.isFinite(Number(value)), line).to.equal(true);
    expect(samples.has(`${name}{${labels}}`), line).to.equal(false);
    samples.set(`${name}{${labels}}`, Number(value));
  }
  return samples;
}

describe('metrics', () => {
  it('say what the status says', () => {
    const samples = read(metricsText(STATUS, new ApplyLatency().counts()));
    const expected: Record<string, number> = {
      'calico_xpu_info{version="0.1.0",mode="agent",node="no\\"de\\\\a\\n",calico="v3.32.1"}': 1,
      'calico_xpu_felix_connected{}': 1,
      'calico_xpu_felix_in_sync{}': 0,
      'calico_xpu_felix_sessions_total{}': 2,
      'calico_xpu_felix_frames_received_total{}': 40,
      'calico_xpu_felix_frames_applied_total{}': 39,
      'calico_xpu_felix_sequence_gaps_total{}': 1,
      'calico_xpu_felix_frames_unknown_total{}': 5,
      'calico_xpu_felix_frames_ignored_total{payload="service_update"}': 3,
      'calico_xpu_felix_problems_total{code="unknown-set"}': 4,
      'calico_xpu_xpu_connected{address="unix:/x",level="native"}': 1,
      'calico_xpu_xpu_calls_total{method="CreateVnic"}': 6,
      'calico_xpu_xpu_calls_total{method="ApplyBatch"}': 2,
      'calico_xpu_xpu_writing_calls_total{}': 8,
      'calico_xpu_objects_wanted{kind="vnic"}': 3,
      'calico_xpu_objects_wanted{kind="route"}': 0,
      'calico_xpu_objects_pending{}': 9,
      'calico_xpu_objects_failed{}': 2,
      'calico_xpu_endpoints{status="up"}': 2,
      'calico_xpu_endpoints{status="down"}': 1,
      'calico_xpu_endpoints{status="error"}': 0,
      'calico_xpu_degraded{code="budget"}': 2,
      'calico_xpu_degraded{code="table-full"}': 1,
      'calico_xpu_config_problems{}': 1,
    };
    const plain = [...samples].filter(([name]) => !name.startsWith('calico_xpu_apply_seconds'));
    expect(Object.fromEntries(plain)).to.deep.equal(expected);
  });

  it('tell how long what Felix says takes to be in force', () => {
    const latency = new ApplyLatency();
    latency.frame(1000);
    latency.frame(1003);
    const taken = latency.take();
    latency.frame(1004);
    latency.giveBack(taken);
    const again = latency.take();
    latency.applied(again, 1030);
    latency.applied(latency.take(), 1040);
    latency.frame(2000);
    latency.applied(latency.take(), 32_000);
    const samples = read(metricsText(STATUS, latency.counts()));
    const bucket = (bound: string) => samples.get(`calico_xpu_apply_seconds_bucket{le="${bound}"}`);
    expect([bucket('0.025'), bucket('0.05'), bucket('10'), bucket('+Inf')]).to.deep.equal([
      0, 1, 1, 2,
    ]);
    expect(samples.get('calico_xpu_apply_seconds_count{}')).to.equal(2);
    expect(samples.get('calico_xpu_apply_seconds_sum{}')).to.be.closeTo(30.03, 1e-9);
  });
});
