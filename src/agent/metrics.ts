/** The status as metrics in Prometheus' text exposition format (version 0.0.4). Pure. */
import { LATENCY_BOUNDS, type LatencyCounts } from './apply-latency.js';
import type { AgentStatus, FelixStatus, XpuStatus } from './status.js';

/** Media type of the text. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

const NONE: Labels = {};

/** Every metric of an agent or standalone driver. Names and meanings: docs/operating.md. */
export function metricsText(status: AgentStatus, latency: LatencyCounts): string {
  const { version, mode, node, felix } = status;
  const info = { version, mode, node, calico: felix.calicoVersion };
  return [
    family('info', 'gauge', 'Who is asked; always 1.', [[info, 1]]),
    ...felixFamilies(felix),
    ...xpuFamilies(status.xpu),
    family('objects_wanted', 'gauge', 'Objects of the plan.', byLabel('kind', status.wanted)),
    gauge('objects_pending', 'Objects that the XPU does not hold as wanted yet.', status.pending),
    gauge('objects_failed', 'Objects that the XPU refused or that wait for one.', status.failed),
    family(
      'endpoints',
      'gauge',
      'Endpoints by status.',
      byLabel('status', {
        ...{ up: 0, down: 0, error: 0 },
        ...countBy(Object.values(status.endpoints).map((endpoint) => endpoint.status)),
      }),
    ),
    family(
      'degraded',
      'gauge',
      'Places where traffic is narrower than Calico asked for, by reason.',
      byLabel('code', countBy(status.degraded.map(({ code }) => code))),
    ),
    gauge(
      'config_problems',
      'Settings of Felix that fell back to their default.',
      status.configProblems.length,
    ),
    latencyFamily(latency),
  ].join('');
}

function felixFamilies(felix: FelixStatus): string[] {
  return [
    gauge('felix_connected', 'A Felix is connected.', Number(felix.connected)),
    gauge('felix_in_sync', "The newest session's InSync was received.", Number(felix.inSync)),
    counter('felix_sessions_total', 'Sessions since the process began.', felix.session),
    counter('felix_frames_received_total', 'Frames of this session.', felix.received),
    counter(
      'felix_frames_applied_total',
      'Frames of this session that the XPU acknowledged or finally refused.',
      felix.applied,
    ),
    counter('felix_sequence_gaps_total', 'Gaps of this session.', felix.sequenceGaps),
    counter('felix_frames_unknown_total', 'Frames of this session nobody knows.', felix.unknown),
    family(
      'felix_frames_ignored_total',
      'counter',
      'Frames of this session that have no effect here.',
      byLabel('payload', felix.ignored),
    ),
    family(
      'felix_problems_total',
      'counter',
      'Messages that contradict the state.',
      byLabel('code', felix.problems),
    ),
  ];
}

function xpuFamilies(xpu: XpuStatus): string[] {
  return [
    family('xpu_connected', 'gauge', 'The XPU answers.', [
      [{ address: xpu.address, level: xpu.level }, Number(xpu.connected)],
    ]),
    family('xpu_calls_total', 'counter', 'Calls by method.', byLabel('method', xpu.calls)),
    counter('xpu_writing_calls_total', 'Calls that change something.', xpu.writes),
  ];
}

function latencyFamily({ buckets, count, sumSeconds }: LatencyCounts): string {
  const name = 'calico_xpu_apply_seconds';
  const bucket = (bound: string, value: number): string =>
    sample(`${name}_bucket`, { le: bound }, value);
  return [
    head(name, 'histogram', 'From the first frame of a flush to its acknowledgement.'),
    ...LATENCY_BOUNDS.map((bound, index) => bucket(String(bound), buckets[index] ?? 0)),
    bucket('+Inf', count),
    sample(`${name}_sum`, NONE, sumSeconds),
    sample(`${name}_count`, NONE, count),
  ].join('');
}

function gauge(name: string, help: string, value: number): string {
  return family(name, 'gauge', help, [[NONE, value]]);
}

function counter(name: string, help: string, value: number): string {
  return family(name, 'counter', help, [[NONE, value]]);
}

function family(
  shortName: string,
  type: 'gauge' | 'counter',
  help: string,
  samples: readonly Sample[],
): string {
  const name = `calico_xpu_${shortName}`;
  return (
    head(name, type, help) + samples.map(([labels, value]) => sample(name, labels, value)).join('')
  );
}

function head(name: string, type: string, help: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function sample(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function byLabel(label: string, values: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(values).map(([text, value]): Sample => [{ [label]: text }, value]);
}

function countBy(texts: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return Object.fromEntries(counts);
}
