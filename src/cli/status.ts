/** `calico-xpu status`: what a running driver or agent says of itself. */
import { readSettings } from '../agent/settings.js';
import { fetchStatus } from '../agent/status-client.js';
import { statusSocketPath } from '../agent/status-server.js';
import type { AgentStatus } from '../agent/status.js';
import type { OverlayReport } from '../overlay/report.js';
import { defineCommand } from './command.js';

/** The command. */
export const status = defineCommand({
  options: (yargs) =>
    yargs
      .option('state-dir', { type: 'string', describe: 'state folder of the process' })
      .option('json', { type: 'boolean', default: false, describe: 'the whole status as JSON' }),
  async run(args, context) {
    const stateDir = args.stateDir ?? readSettings(context.env).stateDir;
    const found = await fetchStatus(statusSocketPath(stateDir));
    context.stdout.write(args.json ? `${JSON.stringify(found)}\n` : statusText(found));
    return 0;
  },
});

/** The status for people. */
export function statusText(status: AgentStatus): string {
  const { felix, xpu } = status;
  const problems = [
    ...status.unready.map(({ key, state, reason }) => `  ${state} ${key} ${reason}`.trimEnd()),
    ...status.degraded.map(
      ({ subject, code, reason }) => `  narrower ${subject}: ${code}: ${reason}`,
    ),
    ...status.configProblems.map((problem) => `  setting ${problem}`),
  ];
  const endpoints = Object.entries(status.endpoints).map(([key, { status: state, reason }]) =>
    `  ${state.padEnd(5)} ${key} ${reason}`.trimEnd(),
  );
  const objects = Object.entries(status.wanted)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${kind} ${count}`)
    .join(', ');
  return [
    `calico-xpu ${status.version}, ${status.mode}, node ${status.node}`,
    `Felix      ${felix.connected ? 'connected' : 'away'}, Calico ${felix.calicoVersion || '-'}, session ${felix.session}, ` +
      `${felix.inSync ? 'in sync' : 'not in sync'}, frames ${felix.applied}/${felix.received} applied`,
    `XPU        ${xpu.address} ${xpu.connected ? `answers, ${xpu.level}` : `away: ${xpu.reason}`}, ${xpu.writes} writes`,
    `objects    ${objects || 'none'}; ${status.pending} pending, ${status.failed} failed`,
    ...(status.overlay === undefined ? [] : [`overlay    ${overlayText(status.overlay)}`]),
    `endpoints  ${endpoints.length}`,
    ...endpoints,
    ...(problems.length === 0 ? [] : ['problems', ...problems]),
    '',
  ].join('\n');
}

function overlayText(overlay: OverlayReport): string {
  const { vni, encapsulations, uplinkMtu, podMtu, tooSmallFor } = overlay;
  const families = encapsulations.map((one) => (one === 'vxlan-v4' ? 'IPv4' : 'IPv6'));
  const vxlan =
    vni === undefined ? 'no VXLAN' : `VXLAN ${vni} over ${families.join(' and ') || 'nothing yet'}`;
  const mtu = `MTU of pods at most ${podMtu} (uplink ${uplinkMtu})`;
  const tooSmall = tooSmallFor.map((family) => `, too small for IPv${family}`).join('');
  return `${vxlan}; ${mtu}${tooSmall}`;
}
