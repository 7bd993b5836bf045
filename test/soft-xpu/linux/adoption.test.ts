/** The command, killed and started again under traffic: it takes over what is there. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { OWN_BIN } from '../../../src/lab/own-programs.js';
import { dumpStore } from '../../../src/soft-xpu/store/dump.js';
import { needs } from '../../support/root.js';
import { TestNode } from '../node-fixture.js';
import { key, object, POD_A, POD_B } from '../node-words.js';
import { outputOf, TestNamespaces } from './namespaces.js';

/** A soft-xpu in a process of its own. */
class Server {
  readonly bootId: string;
  private readonly child: ChildProcess;
  private readonly ended: Promise<void>;

  private constructor(child: ChildProcess, bootId: string, ended: Promise<void>) {
    this.child = child;
    this.bootId = bootId;
    this.ended = ended;
  }

  static async start(args: readonly string[]): Promise<Server> {
    const argv = [OWN_BIN, 'soft-xpu', '--datapath', 'linux', '--json', ...args];
    const env = { ...process.env, CALICO_XPU_LOG: 'warn' };
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'], env });
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const line = await new Promise<string>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`soft-xpu ended with ${code}`)));
      createInterface({ input: child.stdout }).once('line', resolve);
    });
    return new Server(child, (JSON.parse(line) as { bootId: string }).bootId, ended);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    this.child.kill(signal);
    await this.ended;
  }
}

/** Runs the command to its end. */
function command(args: readonly string[]): Promise<number | null> {
  const argv = [OWN_BIN, 'soft-xpu', '--datapath', 'linux', ...args];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'inherit'] });
  return new Promise((resolve) => child.once('exit', resolve));
}

describe('soft-xpu linux: adoption', function () {
  this.timeout(30_000);
  let namespaces: TestNamespaces;
  let folder: string;
  let args: string[];
  let server: Server | undefined;
  before(needs('root', 'ip', 'nft', 'conntrack', 'sysctl', 'nsenter', 'ping'));
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cxn-'));
    namespaces = new TestNamespaces();
    const [netns, hostNetns] = [namespaces.name('x'), await namespaces.add('h')];
    const state = ['--state-dir', join(folder, 'state'), '--listen', `unix:${join(folder, 's')}`];
    args = ['--netns', netns, '--host-netns', hostNetns, ...state];
    const node = new TestNode();
    const router = { v4RouterIp: '169.254.1.1' };
    node.put(object('subnet', 'pool', { vpc: key('vpc', 'cluster'), ...router }));
    writeFileSync(join(folder, 'dump'), dumpStore(node.xpu.store));
    server = await Server.start([...args, '--state', join(folder, 'dump')]);
    for (const [pod, ip] of [
      ['a', POD_A],
      ['b', POD_B],
    ] as const) {
      const name = await namespaces.add(pod);
      await namespaces.batch('h', `link set dev cali-${pod} netns ${name} name eth0`);
      await namespaces.batch(
        pod,
        'link set dev eth0 up',
        `addr add ${ip}/32 dev eth0`,
        'route add 169.254.1.1 dev eth0 scope link',
        'route add default via 169.254.1.1 dev eth0',
      );
    }
  });
  after(async () => {
    await server?.end('SIGKILL');
    await namespaces?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it('takes over after SIGKILL: same boot id, no packet lost, nothing written', async () => {
    const bootId = server?.bootId;
    const ping = outputOf(
      namespaces.spawn('a', 'ping', '-c', '150', '-i', '0.02', '-W', '1', POD_B),
    );
    const watches = [
      namespaces.spawn('x', 'nft', 'monitor'),
      namespaces.spawn('x', 'ip', 'monitor', 'link', 'address', 'route', 'rule'),
    ];
    const seen = watches.map(outputOf);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await server?.end('SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 200));
    const inside = (await namespaces.run('x', 'ip', 'netns', 'pids', namespaces.name('x'))).split(
      '\n',
    );
    const ours = watches.map(({ pid }) => String(pid));
    expect(inside.filter((pid) => pid !== '' && !ours.includes(pid)).length).to.be.at.most(1);
    server = await Server.start(args);
    expect(server.bootId).to.equal(bootId);
    expect(await ping).to.contain('150 received, 0% packet loss');
    for (const watch of watches) watch.kill('SIGTERM');
    expect((await Promise.all(seen)).join('').trim()).to.equal('');
  });

  it('replaces a table that is not where the state file is, without a packet lost', async () => {
    await server?.end('SIGKILL');
    const text = await namespaces.run('x', 'nft', 'list', 'chains');
    const at = /at-\d+/.exec(text)?.[0] ?? '';
    await namespaces.run('x', 'nft', 'delete', 'chain', 'inet', 'calico-xpu', at);
    await namespaces.run('x', 'nft', 'add', 'chain', 'inet', 'calico-xpu', 'at-99999');
    const ping = outputOf(
      namespaces.spawn('a', 'ping', '-c', '100', '-i', '0.02', '-W', '1', POD_B),
    );
    server = await Server.start(args);
    expect(await ping).to.contain('100 received, 0% packet loss');
    expect(await namespaces.run('x', 'nft', 'list', 'chains')).not.to.contain('at-99999');
  });

  it('refuses a second server on the same state', async () => {
    expect(await command([...args, '--listen', `unix:${join(folder, 't')}`])).to.equal(1);
  });

  it('makes good what was taken away while nobody looked', async () => {
    await server?.end('SIGTERM');
    await namespaces.run('x', 'ip', 'route', 'flush', 'table', '1002');
    await namespaces.run('x', 'ip', 'route', 'add', '10.9.9.9/32', 'dev', 'lo', 'proto', '199');
    expect(await namespaces.pings('a', POD_B)).to.be.false;
    server = await Server.start(args);
    expect(await namespaces.pings('a', POD_B)).to.be.true;
    expect(await namespaces.run('x', 'ip', 'route', 'show', '10.9.9.9')).to.equal('');
  });

  it('leaves nothing behind when it is removed', async () => {
    await server?.end('SIGTERM');
    expect(await namespaces.pings('a', POD_B)).to.be.true;
    expect(await command([...args, '--remove'])).to.equal(0);
    server = undefined;
    expect((await namespaces.try('x', 'true')).code).not.to.equal(0);
    expect(await namespaces.run('h', 'ip', '-br', 'link')).not.to.match(/cali|host0/);
    expect(await namespaces.run('a', 'ip', '-br', 'link')).not.to.contain('eth0');
    expect(await command([...args, '--remove'])).to.equal(0);
  });
});
