/** Network namespaces of an XPU: finding and making them, and the settings that make one a router. I/O edge. */
import { existsSync } from 'node:fs';
import { runCommand } from './command.js';
import { LinuxError } from './errors.js';
import type { Kernel } from './kernel.js';
import { NAMESPACE_ALIAS } from './names.js';

const FOLDER = '/run/netns';

/** File of a named namespace. */
export function namespacePath(name: string): string {
  return `${FOLDER}/${name}`;
}

/** File of the namespace that a process is in, as other programs can open it. */
export function processNamespacePath(pid: number): string {
  return `/proc/${pid}/ns/net`;
}

/** True if there is a namespace of this name. */
export function namespaceExists(name: string): boolean {
  return existsSync(namespacePath(name));
}

/** File of a namespace that must be there. Throws LinuxError `namespace`. */
export function existingNamespace(name: string): string {
  const path = namespacePath(name);
  if (existsSync(path)) return path;
  throw namespaceError(name, 'there is no such network namespace');
}

/**
 * Makes a named namespace unless it is there, and marks it as ours by an alias of its `lo`. Gives its file. Rejects with
 * `namespace`.
 */
export async function ensureNamespace(name: string): Promise<string> {
  const path = namespacePath(name);
  if (existsSync(path)) return path;
  await ipOrFail(name, ['netns', 'add', name]);
  await ipOrFail(name, ['-n', name, 'link', 'set', 'dev', 'lo', 'alias', NAMESPACE_ALIAS]);
  return path;
}

/** True if the namespace is there and was made by `ensureNamespace`. */
export async function isOwnNamespace(name: string): Promise<boolean> {
  if (!existsSync(namespacePath(name))) return false;
  const lo = await ipOrFail(name, ['-n', name, '-j', 'link', 'show', 'dev', 'lo']);
  return (JSON.parse(lo) as { ifalias?: string }[])[0]?.ifalias === NAMESPACE_ALIAS;
}

/** Removes a named namespace, if it is there, with everything that is in it. Rejects with `namespace`. */
export async function deleteNamespace(name: string): Promise<void> {
  if (!existsSync(namespacePath(name))) return;
  await ipOrFail(name, ['netns', 'del', name]);
}

async function ipOrFail(name: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(undefined, ['ip', ...args]);
  if (code !== 0) throw namespaceError(name, stderr.trim());
  return stdout;
}

/**
 * Settings of a namespace that is an XPU and nothing else. `default` is what netdevs get that are made later; the reflected
 * mark leads what the router itself answers back into the packet's routing domain. What it tells a pod of IPv6, that a packet is
 * too big above all, comes from the representor's own address: the only other one is that of the tunnel endpoints, which may
 * not leave.
 */
const ROUTER_SETTINGS = [
  'net/ipv4/conf/all/rp_filter=0',
  'net/ipv4/conf/default/rp_filter=0',
  'net/ipv4/conf/all/send_redirects=0',
  'net/ipv4/conf/default/send_redirects=0',
  'net/ipv4/conf/default/proxy_arp=1',
  'net/ipv6/conf/all/accept_dad=0',
  'net/ipv6/conf/default/accept_dad=0',
  'net/ipv6/conf/default/accept_ra=0',
  'net/ipv6/conf/default/use_oif_addrs_only=1',
  'net/ipv4/fwmark_reflect=1',
  'net/ipv6/fwmark_reflect=1',
  'net/netfilter/nf_conntrack_acct=1',
];

/** Settings that let packets through: they come last. */
const FORWARDING_SETTINGS = [
  'net/ipv4/ip_forward=1',
  'net/ipv6/conf/all/forwarding=1',
  'net/ipv6/conf/default/forwarding=1',
];

/** Settles how a namespace routes, before it does. What is as it should be already is not written. */
export async function prepareRouter(kernel: Kernel): Promise<void> {
  await writeSettings(kernel, ROUTER_SETTINGS);
  await kernel.read(['ip', 'link', 'set', 'dev', 'lo', 'up']);
}

/** Makes a namespace route. Its ruleset must be in force. */
export function beginRouting(kernel: Kernel): Promise<void> {
  return writeSettings(kernel, FORWARDING_SETTINGS);
}

async function writeSettings(kernel: Kernel, settings: readonly string[]): Promise<void> {
  const found = await readSettings(kernel, settings.map(pathOf));
  const missing = settings.filter((setting) => !found.has(setting));
  if (missing.length > 0) await kernel.read(['sysctl', '-q', '-w', ...missing]);
}

/** Settings as they are, `path=value`. */
export async function readSettings(
  kernel: Kernel,
  paths: readonly string[],
): Promise<ReadonlySet<string>> {
  if (paths.length === 0) return new Set();
  const { stdout } = await kernel.run(['sysctl', ...paths]);
  return new Set(stdout.split('\n').map(settingOf));
}

/** Ends the routing of a namespace. */
export async function endRouting(kernel: Kernel): Promise<void> {
  const off = FORWARDING_SETTINGS.map((setting) => setting.replace('=1', '=0'));
  await kernel.read(['sysctl', '-q', '-w', ...off]);
}

/** A machine that is not ours must forward by itself. Rejects with `forwarding` naming the settings that are off. */
export async function requireForwarding(kernel: Kernel): Promise<void> {
  const paths = ['net/ipv4/ip_forward', 'net/ipv6/conf/all/forwarding'];
  const found = await readSettings(kernel, paths);
  const off = paths.filter((path) => !found.has(`${path}=1`));
  if (off.length === 0) return;
  throw new LinuxError({
    code: 'forwarding',
    op: 'use existing netdevs',
    message: `${off.join(' and ')} must be 1; they are not ours to set`,
  });
}

/** A line of `sysctl` as we write it: `net/ipv4/ip_forward=1`. */
function settingOf(line: string): string {
  const [path = '', value = ''] = line.split(' = ');
  // Dots and slashes change places: a netdev's name may hold a dot.
  return `${path.replace(/[./]/g, (char) => (char === '.' ? '/' : '.'))}=${value}`;
}

function pathOf(setting: string): string {
  return setting.slice(0, setting.indexOf('='));
}

function namespaceError(name: string, message: string): LinuxError {
  return new LinuxError({ code: 'namespace', op: `network namespace ${name}`, message });
}
