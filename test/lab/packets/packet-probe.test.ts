import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { NetlinkError } from '../../../src/netlink/errors.js';
import {
  interfaceMac,
  PacketProbe,
  PacketProbeError,
  type ProbeSend,
} from '../../../src/lab/packets/packet-probe.js';
import { TCP_FLAG, type PacketSpec } from '../../../src/lab/packets/spec.js';
import { needs } from '../../support/root.js';

const PREFIX = `cxp-p${process.pid}`;
const [ROUTER, OUTSIDE] = [`${PREFIX}-r`, `${PREFIX}-o`];
const MAC = { a: '02:00:00:00:00:0a', b: '02:00:00:00:00:0b' } as const;
const ADDRESSES = {
  a: ['10.1.0.1', 'fd01::1'],
  b: ['10.2.0.1', 'fd02::1'],
} as const;

function run(text: string, input = ''): void {
  const [command = '', ...args] = text.split(' ');
  execFileSync(command, args, { input, stdio: ['pipe', 'ignore', 'pipe'] });
}

/** A router with ports `a` and `b`, whose other ends are in the probe's namespace, and a VXLAN device on `b`. */
function makeRouter(): void {
  for (const name of [ROUTER, OUTSIDE]) run(`ip netns add ${name}`);
  run(`ip netns exec ${ROUTER} sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1`);
  run(`ip netns exec ${OUTSIDE} sysctl -qw net.ipv6.conf.default.disable_ipv6=1`);
  for (const port of ['a', 'b'] as const) {
    run(
      `ip -n ${ROUTER} link add name ${port} type veth peer name ${port} address ${MAC[port]} netns ${OUTSIDE}`,
    );
    run(`ip -n ${OUTSIDE} link set dev ${port} up`);
    run(`ip -n ${ROUTER} link set dev ${port} up`);
    for (const address of ADDRESSES[port]) {
      const family = address.includes(':') ? '-6' : '-4';
      run(`ip -n ${ROUTER} ${family} route add ${address} dev ${port}`);
      run(`ip -n ${ROUTER} neigh add ${address} lladdr ${MAC[port]} dev ${port} nud permanent`);
    }
  }
  run(`ip -n ${ROUTER} addr add 172.16.0.1/24 dev b`);
  run(`ip -n ${ROUTER} neigh add 172.16.0.2 lladdr ${MAC.b} dev b nud permanent`);
  run(
    `ip -n ${ROUTER} link add vx type vxlan id 77 dstport 4789 local 172.16.0.1 remote 172.16.0.2 dev b nolearning`,
  );
  run(`ip -n ${ROUTER} link set vx address 66:00:00:00:00:01 up`);
  run(`ip -n ${ROUTER} route add 10.3.0.0/24 dev vx`);
  run(`ip -n ${ROUTER} neigh add 10.3.0.1 lladdr 66:00:00:00:00:02 dev vx nud permanent`);
  run(
    `ip netns exec ${ROUTER} nft -f -`,
    `table inet t { chain f { type filter hook forward priority 0
      ct state established,related accept
      ct state invalid drop
      th dport 23 drop
      icmp type echo-request icmp code 7 drop
      }
    }
    `,
  );
}

function errorOf(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('packet probe through a router of the kernel', () => {
  let probe: PacketProbe;
  let routerMac: Readonly<Record<'a' | 'b', string>>;

  before(needs('root', 'ip', 'nft'));
  before(async () => {
    makeRouter();
    routerMac = { a: interfaceMac(ROUTER, 'a'), b: interfaceMac(ROUTER, 'b') };
    probe = PacketProbe.open({ netns: OUTSIDE });
    await probe.collect(50);
  });
  after(() => {
    probe?.close();
    for (const name of [ROUTER, OUTSIDE]) errorOf(() => run(`ip netns del ${name}`));
  });

  const from = (port: 'a' | 'b', packet: Partial<PacketSpec>, family: 4 | 6 = 4): ProbeSend => {
    const [own, other] = port === 'a' ? [ADDRESSES.a, ADDRESSES.b] : [ADDRESSES.b, ADDRESSES.a];
    const at = family === 4 ? 0 : 1;
    const addresses = { source: own[at], destination: other[at] };
    return {
      via: port,
      destinationMac: routerMac[port],
      packet: { protocol: 17, ...addresses, ...packet },
    };
  };
  const ways = async (...sends: ProbeSend[]): Promise<string[]> => {
    const outcomes = await probe.exchange(sends);
    return outcomes.map(({ arrivals }) => arrivals.map(({ via }) => via).join());
  };

  it('tells by which interface each packet comes out, and which does not', async () => {
    const ports = { sourcePort: 1000, destinationPort: 80 };
    const denied = { sourcePort: 1001, destinationPort: 23 };
    expect(
      await ways(
        from('a', ports),
        from('a', denied),
        from('b', { ...ports, protocol: 6 }),
        from('b', { ...denied, protocol: 6 }),
        from('a', ports, 6),
        from('a', denied, 6),
        from('a', { ...ports, protocol: 132 }),
        from('a', { ...denied, protocol: 132 }, 6),
        from('a', { destination: '10.9.0.1' }),
      ),
    ).to.deep.equal(['b', '', 'a', '', 'b', '', 'b', '', '']);
  });

  it('is believed by the kernel: connection tracking verifies checksums', async () => {
    const protocols = [1, 6, 17, 47, 132, 253];
    expect(
      await ways(
        ...protocols.map((protocol) => from('a', { protocol, sourcePort: 9, destinationPort: 9 })),
      ),
    ).to.deep.equal(protocols.map(() => 'b'));
    const v6 = [6, 17, 47, 58, 132, 253];
    expect(
      await ways(
        ...v6.map((protocol) => from('b', { protocol, sourcePort: 9, destinationPort: 9 }, 6)),
      ),
    ).to.deep.equal(v6.map(() => 'a'));
  });

  it('tells the packet as it came: one hop less, addressed to the owner of the port', async () => {
    const [outcome] = await probe.exchange([
      from('a', { sourcePort: 5, destinationPort: 6, hopLimit: 9 }),
    ]);
    expect(outcome?.arrivals).to.have.length(1);
    expect(outcome?.arrivals[0]).to.deep.include({
      via: 'b',
      destinationMac: MAC.b,
      sourceMac: routerMac.b,
    });
    expect(outcome?.arrivals[0]?.packet).to.include({
      hopLimit: 8,
      source: '10.1.0.1',
      sourcePort: 5,
    });
  });

  it('lets replies and related errors be sent, and forged ones be seen to fail', async () => {
    const tcp = { protocol: 6, sourcePort: 2000, destinationPort: 2001 };
    const back = { protocol: 6, sourcePort: 2001, destinationPort: 2000 };
    const reply = { ...back, tcp: { flags: TCP_FLAG.syn | TCP_FLAG.ack, acknowledgement: 1 } };
    const forged = { ...back, sourcePort: 2002, tcp: { flags: TCP_FLAG.rst | TCP_FLAG.ack } };
    expect(await ways(from('a', tcp), from('b', reply))).to.deep.equal(['b', 'a']);
    expect(await ways(from('b', forged))).to.deep.equal(['']);
    expect(await ways(from('b', { protocol: 1, icmp: { type: 3, code: 3 } }))).to.deep.equal(['']);
  });

  it('tells an ICMP error about a packet from the packet', async () => {
    run(`ip -n ${ROUTER} addr add 10.1.0.254 dev a`);
    const [outcome] = await probe.exchange([
      from('a', { hopLimit: 1, sourcePort: 5, destinationPort: 99 }),
    ]);
    await probe.collect(20);
    expect(outcome?.arrivals).to.have.length(0);
    expect(outcome?.errors.map(({ via, packet }) => [via, packet.icmp?.type])).to.deep.equal([
      ['a', 11],
    ]);
  });

  it('sends fragments, and sees what comes out of them', async () => {
    const big = { payload: new Uint8Array(3000), sourcePort: 7, destinationPort: 8 };
    const pieces = (one: ProbeSend): ProbeSend => ({ ...one, fragmentBytes: 1280 });
    const denied = { ...big, destinationPort: 23 };
    expect(
      await ways(pieces(from('a', big)), pieces(from('a', big, 6)), pieces(from('a', denied))),
    ).to.deep.equal(['b', 'b', '']);
  });

  it('opens VXLAN on the way out, and goes through it on the way in', async () => {
    const packet = { protocol: 17, source: '10.1.0.1', destination: '10.3.0.1', sourcePort: 1 };
    const [out] = await probe.exchange([from('a', packet)]);
    expect(out?.arrivals[0]).to.deep.include({
      via: 'b',
      destinationMac: '66:00:00:00:00:02',
      forAnother: false,
      tunnel: { source: '172.16.0.1', destination: '172.16.0.2', vni: 77 },
    });
    const back = { source: '10.3.0.1', destination: '10.1.0.1', destinationPort: 1 };
    const tunnel = {
      source: '172.16.0.2',
      destination: '172.16.0.1',
      vni: 77,
      innerSourceMac: '66:00:00:00:00:02',
      innerDestinationMac: '66:00:00:00:00:01',
    };
    expect(await ways({ ...from('b', back), tunnel })).to.deep.equal(['a']);
  });

  it('tells a frame that is addressed to somebody else', async () => {
    run(`ip -n ${ROUTER} neigh replace ${ADDRESSES.b[0]} lladdr ${MAC.a} dev b nud permanent`);
    const [outcome] = await probe.exchange([from('a', { sourcePort: 71, destinationPort: 72 })]);
    run(`ip -n ${ROUTER} neigh replace ${ADDRESSES.b[0]} lladdr ${MAC.b} dev b nud permanent`);
    expect(outcome?.arrivals.map(({ via, forAnother }) => [via, forAnother])).to.deep.equal([
      ['b', true],
    ]);
  });

  it('fails for an interface that is not there or is down', async () => {
    const none = await probe
      .exchange([{ ...from('a', {}), via: 'none' }])
      .catch((error: unknown) => error);
    expect(none).to.be.instanceOf(NetlinkError).and.include({ errno: 'ENODEV' });
  });

  it('says that frames were lost before anybody takes that for a deny', async () => {
    const tight = PacketProbe.open({ netns: OUTSIDE, receiveBufferBytes: 8192 });
    const sends = Array.from({ length: 300 }, (_, at) =>
      from('a', { sourcePort: 3000 + at, destinationPort: 80, payload: new Uint8Array(1000) }),
    );
    const result = await tight.exchange(sends).catch((error: unknown) => error);
    tight.close();
    expect(result).to.be.instanceOf(PacketProbeError).and.include({ code: 'dropped' });
  });

  it('carries thousands of probes a second', async () => {
    const sends = Array.from({ length: 4000 }, (_, at) =>
      from('a', { sourcePort: 10000 + at, destinationPort: at % 2 === 0 ? 80 : 23 }),
    );
    const started = performance.now();
    const arrived = await ways(...sends);
    expect(arrived).to.deep.equal(sends.map((_, at) => (at % 2 === 0 ? 'b' : '')));
    expect(sends.length / (performance.now() - started)).to.be.greaterThan(2);
  });
});
