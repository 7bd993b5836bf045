/** A lab of two nodes with real processes and real packets, used as its documentation says, then ill-treated. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { needs } from '../../support/root.js';
import { LabCommand, startLab, strayLinks, strayTables } from './support/command.js';
import { roleOf, shopAllows } from './support/shop.js';

/** Parallel runs do not meet: a lab of the run's own. */
const lab = new LabCommand(`t${process.pid.toString(36)}`);
const other = new LabCommand(`u${process.pid.toString(36)}`);

/** Three nodes, a tunnelled pool, and a host endpoint whose policy also applies on forward. */
const HOST_ENDPOINTS = 'test/recordings/head/vxlan-hep/sources';

/** Receives until the end, and tells how much and its hash. */
const RECEIVER = `
  const hash = require('crypto').createHash('sha256'); let bytes = 0;
  require('net').createServer((s) => s.on('data', (d) => { bytes += d.length; hash.update(d); })
    .on('end', () => { console.log(bytes, hash.digest('hex')); process.exit(0); })).listen(7777, '::');
  setTimeout(() => process.exit(9), 30000);`;
/** Sends 16 MiB and tells their hash. */
const SENDER = `
  const hash = require('crypto').createHash('sha256'); const piece = Buffer.alloc(1 << 20);
  const s = require('net').connect(7777, process.argv[1], async () => {
    for (let i = 0; i < 16; i++) { piece.fill(i + 1); hash.update(piece);
      if (!s.write(Buffer.from(piece))) await new Promise((r) => s.once('drain', r)); }
    s.end(() => { console.log(16 << 20, hash.digest('hex')); process.exit(0); }); });
  s.on('error', (e) => { console.log(e.message); process.exit(1); });
  setTimeout(() => process.exit(9), 25000);`;

describe('lab: two nodes with four pods each', function () {
  this.timeout(90_000);
  const folder = mkdtempSync(join(tmpdir(), 'calico-xpu-lab-test-'));

  before(needs('root', 'ip', 'nft', 'conntrack', 'sysctl', 'nsenter', 'ping'));
  before(async () => {
    const { code, stdout, stderr } = await lab.run('up');
    expect(code, stderr).to.equal(0);
    expect(stdout).to.match(/^lab \w+ is up: 2 nodes, 8 pods, MTU of pods 1430\n/);
    expect(stdout).to.contain('  node-a  172.30.0.1 fd30::1  guests/guest-1 shop/backend-1');
    expect(stdout).to.contain(`calico-xpu lab down --name ${lab.name}`);
  });
  after(async () => {
    for (const one of [lab, other]) if (one.remains().length > 0) await one.run('down');
    rmSync(folder, { recursive: true, force: true });
  });

  it('is well, with every process of every node', async () => {
    const status = await lab.status();
    expect(status.nodes.flatMap(({ problems }) => problems)).to.deep.equal([]);
    expect(status.pods.flatMap(({ problems }) => problems)).to.deep.equal([]);
    const pids = status.nodes.flatMap(({ softXpu, felixSim, driver }) => [
      softXpu,
      felixSim,
      driver,
    ]);
    expect(new Set([...pids, status.keeper]).size).to.equal(7);
    expect(pids).not.to.include(undefined);
  });

  it('pings on one node and across nodes in both families', async () => {
    for (const [from, to] of [
      ['shop/db-1', 'shop/frontend-1'],
      ['shop/db-1', 'shop/frontend-2'],
      ['guest-2', 'guest-1'],
      ['node-a', 'node-b'],
      ['node-b', 'guest-1'],
    ] as const) {
      const { code, stdout, stderr } = await lab.run('ping', from, to);
      expect(code, `${from} ${to} ${stdout}${stderr}`).to.equal(0);
      expect(stdout.match(/ passes: reply/g), stdout).to.have.length(2);
    }
  });

  it('tells why a packet does not pass, of the node that stops it', async () => {
    const { code, stdout } = await lab.run(
      'ping',
      'guest-1',
      'backend-2',
      '--port',
      '8080',
      '--family',
      '4',
    );
    expect(code).to.equal(3);
    expect(stdout).to.contain('8080/tcp does not pass: timeout\n');
    expect(stdout).to.contain('asked of the cluster as node-b sees it');
    expect(stdout).to.contain('=> tier default: default action: deny');
  });

  it('has a matrix that agrees with why, and with what the policies were meant to say', async () => {
    const report = await lab.matrix();
    expect(report.probes.length).to.be.at.least(1_000);
    expect(report.probes.filter(({ passes, expected }) => passes !== expected)).to.deep.equal([]);
    expect(report.mismatches).to.equal(0);
    const nodeOf = (place: string): string => nodeOfPlace(place);
    for (const probe of report.probes) {
      const what = `${probe.from} > ${probe.to} ${probe.service} IPv${probe.family}`;
      expect(probe.passes, `${what}: ${probe.detail}, ${probe.by}`).to.equal(
        shopAllows(probe, nodeOf),
      );
    }
    const roles = new Set(report.probes.map(({ from }) => roleOf(from)));
    expect([...roles].sort()).to.deep.equal(['backend', 'db', 'frontend', 'guest', 'node']);
  });

  it('carries large transfers across nodes, also when a pod believes in larger packets', async () => {
    const fits = await lab.exec(...wholePing('1402', '10.65.2.4'));
    expect(fits.code, fits.stdout).to.equal(0);
    const tooLong = await lab.exec(...wholePing('1403', '10.65.2.4'));
    expect(tooLong.code).to.equal(1);
    expect(tooLong.stdout + tooLong.stderr).to.match(/message too long, mtu=1430/i);
    for (const address of ['10.65.2.4', 'fd65::2:4']) await transfer(address);

    for (const guest of ['guest-1', 'guest-2']) {
      expect((await lab.exec(guest, 'ip', 'link', 'set', 'eth0', 'mtu', '1500')).code).to.equal(0);
    }
    const needed = await lab.exec(...wholePing('1472', '10.65.2.4'));
    expect(needed.stdout).to.match(/Frag(mentation)? needed and DF set \(mtu = 1450\)/);
    for (const address of ['10.65.2.4', 'fd65::2:4']) await transfer(address);
  });

  it('gives the exit codes of commands in pods, and their output', async () => {
    expect((await lab.exec('shop/db-1', 'sh', '-c', 'exit 7')).code).to.equal(7);
    expect((await lab.exec('shop/db-1', 'sh', '-c', 'kill -TERM $$')).code).to.equal(143);
    const { code, stdout } = await lab.exec('node-b', 'ip', '-br', 'addr', 'show', 'host0');
    expect([code, stdout]).to.satisfy(([, text]: [number, string]) =>
      text.includes('172.30.0.2/32'),
    );
    const nobody = await lab.exec('nobody', 'true');
    expect([nobody.code, nobody.stderr]).to.satisfy(([exit, text]: [number, string]) => {
      return exit === 1 && text.includes('"nobody" is no pod or node: guests/guest-1');
    });
  });

  it("follows the steps of its scenario, and files of one's own", async () => {
    const ping = async (): Promise<string[]> =>
      (await lab.matrix('--ports', 'icmp')).probes
        .filter(
          ({ from, to, passes }) => passes && roleOf(from) === 'guest' && roleOf(to) === 'frontend',
        )
        .map(({ from, to, family }) => `${from.slice(-1)}>${to.slice(-1)} ${family}`)
        .sort();
    expect(await ping()).to.deep.equal([]);
    expect((await lab.run('apply')).stdout).to.contain('step 10-guests-may-ping is in force');
    expect(await ping()).to.have.length(8);
    expect((await lab.run('apply')).stdout).to.contain('step 20-quarantine is in force');
    expect(await ping()).to.deep.equal(['1>2 4', '1>2 6', '2>2 4', '2>2 6']);
    expect((await lab.run('apply')).code).to.equal(0);
    expect(await ping()).to.deep.equal([]);
    const none = await lab.run('apply');
    expect(none.code).to.equal(1);
    expect(none.stderr).to.contain('has no further step');
    const broken = join(folder, 'broken.yaml');
    writeFileSync(
      broken,
      'apiVersion: v1\nkind: Pod\nmetadata: { name: p }\nspec: { nodeName: far }\nstatus: { podIP: 10.65.9.9 }\n',
    );
    const refused = await lab.run('apply', broken);
    expect([refused.code, refused.stderr.includes('default/p is on far')]).to.deep.equal([1, true]);
    expect(await lab.well()).to.equal('well');
  });

  it('lets pods come and go', async () => {
    const pod = `apiVersion: v1
kind: Pod
metadata: { name: late, namespace: guests, labels: { app: guest } }
spec: { nodeName: node-b }
status: { podIPs: [{ ip: 10.65.2.40 }, { ip: 'fd65::2:40' }] }
`;
    writeFileSync(join(folder, 'late.yaml'), pod);
    writeFileSync(join(folder, 'late.delete.yaml'), pod);
    const came = await lab.run('apply', join(folder, 'late.yaml'));
    expect(came.stdout, came.stderr).to.contain('pods that came: guests/late');
    for (const from of ['guest-1', 'guest-2']) {
      expect((await lab.run('ping', from, 'late')).code, from).to.equal(0);
    }
    const went = await lab.run('apply', join(folder, 'late.delete.yaml'));
    expect(went.stdout, went.stderr).to.contain('pods that went: guests/late');
    expect(lab.remains().filter((text) => text.includes('late'))).to.deep.equal([]);
    expect(await lab.well()).to.equal('well');
  });

  it('goes on when every process of a node is killed, and has them back', async () => {
    const before = await lab.status();
    const flow = lab.exec('guest-1', 'ping', '-i', '0.05', '-c', '80', '-W', '2', '10.65.2.4');
    await delay(500);
    for (const { softXpu, felixSim, driver } of before.nodes) {
      for (const pid of [softXpu, felixSim, driver]) process.kill(pid ?? 0, 'SIGKILL');
    }
    const { stdout } = await flow;
    expect(stdout).to.contain('80 packets transmitted, 80 received, 0% packet loss');
    expect(await lab.well()).to.equal('well');
    const after = await lab.status();
    for (const [index, { softXpu, felixSim, driver }] of after.nodes.entries()) {
      const old = before.nodes[index];
      expect(old?.softXpu).not.to.equal(softXpu);
      expect(old?.felixSim).not.to.equal(felixSim);
      expect(old?.driver).not.to.equal(driver);
    }
    expect((await lab.matrix('--ports', '80/tcp,8080/tcp,icmp')).mismatches).to.equal(0);
  });

  it('starts the keeper again that was killed, and what died meanwhile with it', async () => {
    const { keeper = 0, nodes } = await lab.status();
    process.kill(keeper, 'SIGKILL');
    process.kill(nodes[0]?.felixSim ?? 0, 'SIGKILL');
    await delay(300);
    const { code, stdout } = await lab.run('status');
    expect([code, stdout.includes('! the keeper does not run')]).to.deep.equal([1, true]);
    expect((await lab.run('ping', 'guest-1', 'guest-2')).code).to.equal(0);
    expect(await lab.well()).to.equal('well');
  });

  it('leaves nothing of a lab whose building is interrupted, and builds over one that was killed', async () => {
    const interrupted = startLab('up', '--name', other.name, '--nodes', '1', '--pods', '2');
    await delay(1_500);
    interrupted.child.kill('SIGINT');
    const { code, stderr } = await interrupted.ended;
    expect(code, stderr).to.equal(1);
    expect(other.remains()).to.deep.equal([]);

    const killed = startLab('up', '--name', other.name, '--nodes', '2', '--pods', '2');
    await delay(1_500);
    killed.child.kill('SIGKILL');
    await killed.ended;
    expect(other.remains()).not.to.deep.equal([]);
    const again = await other.run('up', '--scenario', HOST_ENDPOINTS);
    expect(again.code, again.stderr).to.equal(0);
  });

  it('stands beside another lab with the same names and addresses, and with host endpoints', async () => {
    const taken = await other.run('up');
    expect([taken.code, taken.stderr.includes('is there already')]).to.deep.equal([1, true]);
    const [first, second] = await Promise.all([
      lab.matrix('--ports', '80/tcp,icmp'),
      other.matrix(),
    ]);
    expect([first.mismatches, second.mismatches]).to.deep.equal([0, 0]);
    expect([first.probes.length, second.probes.length]).to.deep.equal([360, 216]);
    // A policy of the uplink stops what arrives there, and not what comes through the tunnel.
    const passes = (from: string, to: string): boolean[] =>
      second.probes
        .filter((one) => one.from === from && one.to === to && one.service === '23/tcp')
        .map((one) => one.passes);
    expect(passes('default/r1', 'node-a')).to.deep.equal([false]);
    expect(passes('default/r1', 'default/l1')).to.deep.equal([true]);
  });

  it('leaves nothing behind: no process, namespace, file, link or table', async () => {
    const intruder = startLab('exec', 'guest-1', '--name', lab.name, '--', 'sleep', '100');
    await delay(500);
    for (const one of [other, lab]) {
      const { code, stdout, stderr } = await one.run('down');
      expect(code, stderr).to.equal(0);
      expect(stdout).to.match(/is down: \d+ processes ended, \d+ namespaces removed/);
      expect(one.remains()).to.deep.equal([]);
    }
    await intruder.ended;
    expect([...strayLinks(), ...strayTables()]).to.deep.equal([]);
    const gone = await lab.run('status');
    expect([gone.code, gone.stderr.includes('there is no lab')]).to.deep.equal([1, true]);
  });
});

/** Sends 16 MiB from guest-1 to guest-2, which get there whole. */
async function transfer(address: string): Promise<void> {
  const receiver = lab.exec('guest-2', process.execPath, '-e', RECEIVER);
  await delay(700);
  const sent = await lab.exec('guest-1', process.execPath, '-e', SENDER, address);
  expect(sent.code, `${address}: ${sent.stdout}${sent.stderr}`).to.equal(0);
  const received = await receiver;
  expect(received.code).to.equal(0);
  expect(received.stdout).to.equal(sent.stdout);
}

/** The made-up cluster numbers pods by node: 1 on node-a, 2 on node-b. */
function nodeOfPlace(place: string): string {
  return place.startsWith('node-') ? place : `node-${place.endsWith('1') ? 'a' : 'b'}`;
}

/** A ping from guest-1 that must not be fragmented, with so many bytes behind its header. */
function wholePing(bytes: string, address: string): [pod: string, ...command: string[]] {
  return ['guest-1', 'ping', '-M', 'do', '-c1', '-W2', '-s', bytes, address];
}
