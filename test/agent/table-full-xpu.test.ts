/** The same over gRPC: a soft-xpu with short tables, an agent with the real client, packets, the status socket. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { NodeAgent } from '../../src/agent/node-agent.js';
import { systemClock } from '../../src/base/clock.js';
import { silentLogger } from '../../src/base/log.js';
import { connectXpu } from '../../src/cli/xpu-connection.js';
import { statusText } from '../../src/cli/status.js';
import { encodeFrame } from '../../src/driver/frame.js';
import { createMemoryXpu, type MemoryXpu } from '../../src/soft-xpu/memory-xpu.js';
import { packetOf } from '../../src/soft-xpu/memory/packet.js';
import { UPLINK_PORT } from '../../src/soft-xpu/memory/port.js';
import { startServer, type RunningServer } from '../../src/soft-xpu/server.js';
import type { Limits } from '../../src/soft-xpu/store/limits.js';
import { frames, until } from './bench.js';

const SSH = { protocol: 6, sourcePort: 40_000, destinationPort: 22 };
const HTTP = { ...SSH, destinationPort: 80 };

describe('a soft-xpu without room', () => {
  let folder: string;
  let server: RunningServer | undefined;
  let agent: NodeAgent | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cx-room-'));
  });
  afterEach(async () => {
    await agent?.stop();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Plays the recording's first step; gives the XPU and the agent once everything is applied or refused. */
  async function play(name: string, limits: Limits, extension: boolean) {
    const xpu = createMemoryXpu({ limits, extension });
    const address = `unix:${join(folder, 'opi.sock')}`;
    server = await startServer(xpu, { listen: [address], mode: 'strict' });
    const node = new NodeAgent({
      mode: 'agent',
      version: 'test',
      environment: { FELIX_XPUSTATEDIR: folder, FELIX_XPUADDRESS: address },
      hostname: 'fallback',
      clock: systemClock,
      logger: silentLogger,
      connect: (settings, name_) => connectXpu(settings, name_, silentLogger),
      onFatal: (error) => {
        throw error;
      },
    });
    agent = node;
    const input = new PassThrough();
    void node.serve({ input, output: new PassThrough() } as never);
    const bodies = frames(name, 'start');
    for (const body of bodies) input.write(encodeFrame(body));
    await until(() => node.felixStatus().applied >= bodies.length);
    return { xpu, status: node.status() };
  }

  function passes(xpu: MemoryXpu, destination: string, transport: typeof SSH): boolean {
    const packet = packetOf({ source: '198.51.100.7', destination, ...transport });
    return xpu.dataPlane.walk(UPLINK_PORT, packet, { fresh: true }).verdict === 'ALLOW';
  }

  for (const extension of [true, false]) {
    const limits: Limits = extension ? { networkPolicy: 1 } : { securityPolicy: 6 };
    it(`${extension ? 'native' : 'plain'}: the node keeps its failsafes and nothing else, and the status says why`, async () => {
      const { xpu, status } = await play('head/host-endpoints', limits, extension);
      expect(passes(xpu, '172.30.0.1', SSH), 'ssh to the node').to.equal(true);
      expect(passes(xpu, '172.30.0.1', HTTP), 'http to the node').to.equal(false);
      expect(passes(xpu, '10.65.4.1', HTTP), 'http to a pod').to.equal(false);
      expect(status.endpoints['host/a-eth0']).to.include({ status: 'down' });
      expect(status.failed).to.be.greaterThan(0);
      const full = status.degraded.filter(({ code }) => code === 'table-full');
      expect(full.map(({ subject }) => subject)).to.include('host/a-eth0');
      expect(statusText(status)).to.match(/\n {2}narrower host\/a-eth0: table-full: /);
    });
  }
});
