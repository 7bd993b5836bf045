/** What must hold of traffic: nothing forbidden passes, and what is allowed loses no more than it does anyway. */
import { expect } from 'chai';
import type { FlowCount, TrafficReport } from './traffic.js';

/**
 * Fails with one line per flow that was wronged. `control` is a run of the same flows on the same machine in which nothing was
 * done; of runs that did not take equally long its losses count in proportion. What the machine itself had no room for is
 * nobody's loss.
 */
export function expectUnharmed(report: TrafficReport, control: TrafficReport): void {
  const scale = Math.max(1, report.milliseconds / control.milliseconds);
  expect(report.counts.flatMap((count) => complaints(count, report, control, scale))).to.deep.equal(
    [],
  );
}

/** A line to print: how much was sent, and what was lost. */
export function reportText({ counts, milliseconds, machineDrops }: TrafficReport): string {
  const allowed = counts.filter(({ flow }) => flow.allowed);
  const sum = (some: readonly FlowCount[], of: (count: FlowCount) => number): number =>
    some.reduce((total, count) => total + of(count), 0);
  const forbidden = counts.filter(({ flow }) => !flow.allowed);
  const seconds = (milliseconds / 1000).toFixed(1);
  const lost = `${sum(allowed, lostOf)} of ${sum(allowed, ({ sent }) => sent)} allowed packets lost`;
  const passed = `${sum(forbidden, passedOf)} of ${sum(forbidden, ({ sent }) => sent)} forbidden ones passed`;
  return `${seconds} s: ${lost}, ${passed}, ${machineDrops} frames dropped by this machine`;
}

function complaints(
  count: FlowCount,
  report: TrafficReport,
  control: TrafficReport,
  scale: number,
): string[] {
  const { flow, sent, astray } = count;
  const what = `${flow.name} (${flow.from.address} to ${flow.to.address})`;
  if (sent === 0) return [`${what}: nothing was sent`];
  const passed = passedOf(count);
  if (!flow.allowed) return passed === 0 ? [] : [`${what}: ${passed} of ${sent} forbidden passed`];
  const twin = control.counts.find((other) => other.flow.name === flow.name);
  const bearable = Math.ceil((twin === undefined ? 0 : lostOf(twin)) * scale) + report.machineDrops;
  const lost = lostOf(count);
  return [
    ...(lost > bearable ? [`${what}: ${lost} of ${sent} lost, ${bearable} bearable`] : []),
    ...(astray > 0 ? [`${what}: ${astray} of ${sent} came out elsewhere`] : []),
  ];
}

function lostOf({ sent, arrived, astray }: FlowCount): number {
  return sent - arrived - astray;
}

function passedOf({ arrived, astray }: FlowCount): number {
  return arrived + astray;
}
