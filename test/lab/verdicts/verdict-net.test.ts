import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { expect } from 'chai';
import { interfaceMac, PacketProbe } from '../../../src/lab/packets/packet-probe.js';
import { runName, UPLINK_INTERFACE, VerdictNet } from '../../../src/lab/verdicts/verdict-net.js';
import { needs } from '../../support/root.js';

/** Commands in a namespace. */
function within(netns: string, command: string): void {
  const [program = '', ...args] = command.split(' ');
  execFileSync('ip', ['netns', 'exec', netns, program, ...args]);
}

describe('the network of a verdict run', () => {
  before(needs('root', 'ip'));

  const nets: VerdictNet[] = [];
  const build = async (): Promise<VerdictNet> => {
    const net = new VerdictNet(runName(), 'node-a');
    nets.push(net);
    await net.build();
    return net;
  };
  afterEach(async () => {
    for (const net of nets.splice(0)) await net.remove();
  });

  it('is a wire behind a router’s uplink, whatever is made in it later', async () => {
    const net = await build();
    // What a data plane would make: a port with a pod behind it.
    within(net.xpu, `ip link add name p1 type veth peer name p1 netns ${net.outside}`);
    within(net.xpu, 'ip link set dev p1 up');
    within(net.xpu, 'ip route add 10.1.0.1 dev p1');
    within(
      net.xpu,
      `ip neigh add 10.1.0.1 lladdr ${interfaceMac(net.outside, 'p1')} dev p1 nud permanent`,
    );
    await net.tellNeighbours([{ ifname: 'wire', addresses: ['192.0.2.1'] }]);
    within(net.xpu, `ip route add 198.51.100.0/24 via 192.0.2.1 dev ${UPLINK_INTERFACE} onlink`);
    await net.bringUp();
    const probe = PacketProbe.open({ netns: net.outside });
    const sends = (['10.9.9.9', '198.51.100.7', 'fd99::1'] as const).map((destination) => ({
      via: 'p1',
      destinationMac: net.macBehind('p1') ?? '',
      packet: {
        source: destination.includes(':') ? 'fd01::1' : '10.1.0.1',
        destination,
        protocol: 17,
      },
    }));
    const back = {
      via: 'wire',
      destinationMac: net.macBehind('wire') ?? '',
      packet: { source: '10.9.9.9', destination: '10.1.0.1', protocol: 17 },
    };
    const outcomes = await probe.exchange([...sends, back]);
    probe.close();
    const arrivals = outcomes.map(({ arrivals: [one] }) => one && [one.via, one.forAnother]);
    expect(arrivals).to.deep.equal([...sends.map(() => ['wire', false]), ['p1', false]]);
  });

  it('tells no MAC address of what is not there, or is down', async () => {
    const net = await build();
    within(net.xpu, `ip link add name p1 type veth peer name p1 netns ${net.outside}`);
    await net.bringUp();
    expect([net.macBehind('p1'), net.macBehind('p2')]).to.deep.equal([undefined, undefined]);
    expect(net.macBehind('wire')).to.equal(interfaceMac(net.xpu, UPLINK_INTERFACE));
  });

  it('leaves no namespace, and removes what was never made', async () => {
    const net = await build();
    await net.remove();
    expect(
      readdirSync('/run/netns').filter((name) => [net.xpu, net.outside].includes(name)),
    ).to.deep.equal([]);
    await net.remove();
    await new VerdictNet(runName(), 'node-b').remove();
  });

  it('has names that no other run has', () => {
    const names = Array.from({ length: 50 }, runName);
    expect(names.every((name) => /^v[a-z0-9]{1,7}$/.test(name))).to.equal(true);
    expect(new Set(names).size).to.equal(50);
  });
});
