/** A lab's status for people. Pure. */
import type { LabReport } from './status.js';

/** Several lines, without a newline at the end. */
export function statusText({ name, phase, keeper, steps, nodes, pods }: LabReport): string {
  const width = Math.max(...[...nodes, ...pods].map((one) => one.name.length));
  const process = (pid: number | undefined): string => (pid === undefined ? '-' : String(pid));
  return [
    `lab ${name}: ${phase}, ${steps} step${steps === 1 ? '' : 's'} applied, keeper ${process(keeper)}`,
    ...(keeper === undefined
      ? ['  ! the keeper does not run: lab ping, matrix or apply starts it']
      : []),
    ...nodes.flatMap((node) => [
      `  ${node.name.padEnd(width)}  ${node.addresses.join(' ')}  soft-xpu ${process(node.softXpu)}, ` +
        `felix-sim ${process(node.felixSim)}, driver ${process(node.driver)}`,
      ...node.problems.map((problem) => `    ! ${problem}`),
    ]),
    ...pods.flatMap((pod) => [
      `  ${pod.name.padEnd(width)}  ${pod.addresses.join(' ')}  on ${pod.node}`,
      ...pod.problems.map((problem) => `    ! ${problem}`),
    ]),
  ].join('\n');
}
