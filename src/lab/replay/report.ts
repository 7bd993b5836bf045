/** Outcome of a replay: the fixed JSON form that other tools read. */
import type { EndpointStatus } from '../../agent/status.js';
import type { Degradation } from '../../translators/degradation.js';

/** One step: its calls that change something; `null` with a driver that has no status socket. */
export interface StepReport {
  readonly name: string;
  readonly writes: number | null;
}

/** What a replay found. */
export interface ReplayReport {
  /** Frames played, all streams. */
  readonly frames: number;
  /** Whether each stream played reached InSync. */
  readonly inSync: readonly boolean[];
  /** By `k8s/NS%2FPOD/eth0` and `host/NAME`. */
  readonly endpoints: Readonly<Record<string, EndpointStatus>>;
  readonly steps: readonly StepReport[];
  /** Calls to the XPU by method, all drivers of the replay together. */
  readonly calls: Readonly<Record<string, number>> | null;
  /** Objects on the XPU by kind; `null` where it offers no dump. */
  readonly objects: Readonly<Record<string, number>> | null;
  readonly degraded: readonly Degradation[];
}

/**
 * What is wrong with a replay's end, one line each; none = success. Degraded endpoints count as up. A host endpoint may be
 * in error, which says that Calico's own rules resolve it to no interface.
 */
export function replayProblems(report: ReplayReport): string[] {
  const streams = report.inSync.flatMap((synced, index) =>
    synced ? [] : [`stream ${index} did not reach InSync`],
  );
  const endpoints = Object.entries(report.endpoints).flatMap(([key, { status, reason }]) => {
    const fine = status === 'up' || (status === 'error' && key.startsWith('host/'));
    return fine ? [] : [`${key} is ${status}: ${reason}`];
  });
  return [...streams, ...endpoints];
}

/** The report for people. */
export function reportText(report: ReplayReport): string {
  const steps = report.steps.map(({ name, writes }) => `  ${name}: ${writes ?? '?'} writes`);
  const objects = Object.entries(report.objects ?? {}).filter(([, count]) => count > 0);
  const statuses = Object.entries(report.endpoints).map(([key, { status, reason }]) =>
    `  ${status.padEnd(5)} ${key} ${reason}`.trimEnd(),
  );
  return [
    `${report.frames} frames in ${report.inSync.length} streams`,
    ...steps,
    `objects: ${objects.map(([kind, count]) => `${kind} ${count}`).join(', ') || '-'}`,
    'endpoints:',
    ...statuses,
    ...report.degraded.map(
      ({ subject, code, reason }) => `narrower: ${subject}: ${code}: ${reason}`,
    ),
    '',
  ].join('\n');
}
