import { execFileSync } from 'node:child_process';
import { readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { NetlinkError } from '../../src/netlink/errors.js';
import { PacketSocket } from '../../src/netlink/packet-socket.js';
import { needs } from '../support/root.js';

const PREFIX = `cxp-${process.pid}`;
const [LEFT, RIGHT] = [`${PREFIX}-l`, `${PREFIX}-r`];

function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** An Ethernet frame of an experimental protocol, which no kernel answers. */
function frame(payload: string, length = 0): Uint8Array {
  const bytes = Buffer.alloc(Math.max(length, 14 + payload.length));
  bytes.fill(0xff, 0, 6);
  bytes.set([2, 0, 0, 0, 0, 1], 6);
  bytes.writeUInt16BE(0x88b5, 12);
  bytes.write(payload, 14);
  return bytes;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(14)).toString().replaceAll('\0', '');
}

function errorOf(action: () => unknown): NetlinkError {
  try {
    action();
  } catch (error) {
    expect(error).to.be.instanceOf(NetlinkError);
    return error as NetlinkError;
  }
  throw new Error('it did not fail');
}

describe('packet sockets in namespaces', () => {
  const opened: PacketSocket[] = [];
  const open = (...args: Parameters<typeof PacketSocket.open>): PacketSocket => {
    const one = PacketSocket.open(...args);
    opened.push(one);
    return one;
  };

  before(needs('root', 'ip'));
  before(() => {
    for (const name of [LEFT, RIGHT]) ip('netns', 'add', name);
    for (const [here, there] of [
      ['a0', 'b0'],
      ['a1', 'b1'],
    ] as const) {
      ip('-n', LEFT, 'link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', RIGHT);
      // Without IPv6 the kernel says nothing of its own accord.
      for (const [netns, name] of [
        [LEFT, here],
        [RIGHT, there],
      ] as const) {
        ip('netns', 'exec', netns, 'sysctl', '-qw', `net.ipv6.conf.${name}.disable_ipv6=1`);
        ip('-n', netns, 'link', 'set', name, 'up');
      }
    }
  });
  after(() => {
    for (const name of ip('netns', 'list').split('\n')) {
      const [first = ''] = name.split(' ');
      if (first.startsWith(PREFIX)) ip('netns', 'del', first);
    }
  });
  afterEach(() => opened.splice(0).forEach((one) => one.close()));

  it('opens where it is told to and leaves the thread where it was', () => {
    const home = readlinkSync('/proc/thread-self/ns/net');
    open({ netns: LEFT });
    expect(readlinkSync('/proc/thread-self/ns/net')).to.equal(home);
    expect(errorOf(() => open().interfaceIndex('a0'))).to.include({ errno: 'ENODEV' });
  });

  it('carries frames between namespaces, both ways, and tells by which interface each came', async () => {
    const left = open({ netns: LEFT });
    const right = open({ netns: RIGHT });
    left.send(left.interfaceIndex('a1'), frame('one'));
    left.send(left.interfaceIndex('a0'), frame('two'));
    right.send(right.interfaceIndex('b0'), frame('three'));
    expect(await right.readable(1000)).to.equal(true);
    const arrived = [right.receive(), right.receive()];
    expect(arrived.map((one) => one && [one.interfaceIndex, textOf(one.frame)])).to.deep.equal([
      [right.interfaceIndex('b1'), 'one'],
      [right.interfaceIndex('b0'), 'two'],
    ]);
    expect(await left.readable(1000)).to.equal(true);
    expect(textOf(left.receive()!.frame)).to.equal('three');
  });

  it('does not receive what it sends', async () => {
    const left = open({ netns: LEFT });
    left.send(left.interfaceIndex('a0'), frame('mine'));
    expect(await left.readable(20)).to.equal(false);
    expect(left.receive()).to.equal(undefined);
  });

  it('bound to one interface, hears no other', async () => {
    const left = open({ netns: LEFT });
    const right = open({ netns: RIGHT, ifname: 'b1' });
    left.send(left.interfaceIndex('a0'), frame('elsewhere'));
    left.send(left.interfaceIndex('a1'), frame('here'));
    expect(await right.readable(1000)).to.equal(true);
    expect(textOf(right.receive()!.frame)).to.equal('here');
    expect(right.receive()).to.equal(undefined);
  });

  it('tells the MAC address of an interface', () => {
    const mac = /link\/ether ([0-9a-f:]+)/.exec(ip('-n', LEFT, 'link', 'show', 'a0'))?.[1];
    const bytes = open({ netns: LEFT }).hardwareAddress('a0');
    expect([...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':')).to.equal(mac);
  });

  it('counts what found no room, once', async () => {
    const left = open({ netns: LEFT });
    const right = open({ netns: RIGHT, receiveBufferBytes: 4096 });
    const index = left.interfaceIndex('a0');
    for (let count = 0; count < 200; count++) left.send(index, frame('many', 1000));
    await right.readable(1000);
    let received = 0;
    while (right.receive() !== undefined) received++;
    expect(received).to.be.within(1, 199);
    expect(right.takeDropCount()).to.equal(200 - received);
    expect(right.takeDropCount()).to.equal(0);
  });

  it('keeps thousands of frames while nobody reads', async () => {
    const left = open({ netns: LEFT });
    const right = open({ netns: RIGHT });
    const index = left.interfaceIndex('a0');
    for (let count = 0; count < 5000; count++) left.send(index, frame(`frame ${count}`));
    let received = 0;
    while (received < 5000 && (await right.readable(1000))) {
      while (right.receive() !== undefined) received++;
    }
    expect([received, right.takeDropCount()]).to.deep.equal([5000, 0]);
  });

  it('lets the event loop go on while it waits', async () => {
    const left = open({ netns: LEFT });
    let turns = 0;
    const timer = setInterval(() => turns++, 2);
    expect(await left.readable(60)).to.equal(false);
    clearInterval(timer);
    expect(turns).to.be.greaterThan(5);
  });

  it('says what is wrong, with the kernel reason', () => {
    const left = open({ netns: LEFT });
    ip('-n', LEFT, 'link', 'set', 'a1', 'down');
    const index = left.interfaceIndex('a1');
    expect(errorOf(() => left.send(index, frame('x')))).to.include({
      code: 'call',
      op: 'send frame',
      errno: 'ENETDOWN',
    });
    ip('-n', LEFT, 'link', 'set', 'a1', 'up');
    expect(errorOf(() => open({ netns: LEFT, ifname: 'b0' }))).to.include({ errno: 'ENODEV' });
    expect(errorOf(() => left.interfaceIndex('a-name-that-is-too-long')).errno).to.equal('ENODEV');
    expect(errorOf(() => open({ netns: `${PREFIX}-none` }))).to.include({
      code: 'namespace',
      errno: 'ENOENT',
    });
    left.close();
    left.close();
    expect(errorOf(() => left.receive()).code).to.equal('closed');
  });

  it('refuses a file that is no namespace', () => {
    const file = join(tmpdir(), PREFIX);
    writeFileSync(file, '');
    expect(errorOf(() => open({ netns: file }))).to.include({ code: 'namespace', errno: 'EINVAL' });
    rmSync(file);
  });

  it('leaves no descriptor open, whether it succeeds or fails', () => {
    open({ netns: LEFT }).close();
    const count = openDescriptors();
    for (let round = 0; round < 20; round++) {
      PacketSocket.open({ netns: LEFT }).close();
      errorOf(() => PacketSocket.open({ netns: LEFT, ifname: 'none' }));
      errorOf(() => PacketSocket.open({ netns: `${PREFIX}-none` }));
      errorOf(() => PacketSocket.open({ netns: '/dev/null' }));
    }
    expect(openDescriptors()).to.equal(count);
  });

  it('lets a namespace go when it is closed', () => {
    const name = `${PREFIX}-gone`;
    ip('netns', 'add', name);
    const one = open({ netns: name });
    ip('netns', 'del', name);
    one.close();
    const threads = readdirSync('/proc/self/task');
    const namespaces = threads.map((id) => readlinkSync(`/proc/self/task/${id}/ns/net`));
    expect(new Set(namespaces).size, 'threads in other namespaces').to.equal(1);
  });
});
