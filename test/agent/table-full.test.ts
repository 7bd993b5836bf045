/** An XPU without room: what needs the missing entry is closed, told as down, and listed with the reason. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { AgentStatus } from '../../src/agent/status.js';
import { FakeTarget, type FakeTargetOptions } from '../../src/opi/objects/fake-target.js';
import type { PolicyBindingSpec } from '../../src/opi/objects/specs.js';
import { Bench, frames, until } from './bench.js';

describe('an XPU without room', () => {
  let stateDir: string;

  beforeEach(() => {
    stateDir = mkdtempSync(join(tmpdir(), 'cx-full-'));
  });
  afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

  async function play(name: string, options: FakeTargetOptions, step?: string) {
    const bench = new Bench(stateDir, {}, new FakeTarget(options));
    const bodies = frames(name, step);
    bench.felix().say(bodies);
    await bench.applied(bodies.length);
    await until(() => Object.keys(bench.agent.status().endpoints).length > 0);
    const status = bench.agent.status();
    await bench.agent.stop();
    return { status, target: bench.target };
  }

  const full = ({ degraded }: AgentStatus) => degraded.filter(({ code }) => code === 'table-full');

  it('native: pods whose policy has no room have no binding and are down; the others are up', async () => {
    const { status, target } = await play('head/hello', { limits: { policyBinding: 3 } }, 'start');
    const down = Object.entries(status.endpoints).filter(([, { status: at }]) => at === 'down');
    expect(down).to.have.length(1);
    expect(down[0]?.[1].reason).to.match(/^table-full: .*policyBinding/);
    expect(full(status).map(({ subject }) => subject)).to.deep.equal([down[0]?.[0]]);
    expect(kinds(target, 'policyBinding')).to.have.length(3);
    expect(status.unready.map(({ state }) => state)).to.include('failed');
  });

  it('native: an uplink whose policy has no room is closed but for its failsafes', async () => {
    const limits = { networkPolicy: 1 };
    const { status, target } = await play('head/host-endpoints', { limits }, 'start');
    const uplink = kinds(target, 'policyBinding')
      .map(({ object }) => object.spec as PolicyBindingSpec)
      .find(({ port }) => 'port' in port && port.port === 'UPLINK');
    expect(uplink?.failsafes).to.have.length.greaterThan(0);
    expect(uplink?.stages.map(({ kind }) => kind)).to.include('HOST');
    for (const { tiers, profiles } of uplink?.stages ?? []) {
      expect(profiles).to.deep.equal([]);
      expect(tiers.map(({ tierId, defaultAction }) => [tierId, defaultAction])).to.deep.equal([
        ['closed', 'DENY'],
      ]);
    }
    const hosts = Object.entries(status.endpoints).filter(([key]) => key.startsWith('host/'));
    expect(hosts.map(([, { status: at }]) => at)).to.include('down');
    expect(full(status).map(({ subject }) => subject)).to.include('host/a-eth0');
  });

  it('plain: a vNIC whose list has no room has the deny-all lists', async () => {
    const options = { level: 'plain', limits: { securityPolicy: 4 } } as const;
    const { status, target } = await play('head/hello', options, 'start');
    const policies = kinds(target, 'securityPolicy');
    expect(policies).to.have.length(4);
    const empty = policies.filter(
      ({ object }) => 'rules' in object.spec && object.spec.rules.length === 0,
    );
    expect(empty).to.have.length(2);
    const pods = Object.keys(status.endpoints);
    expect(full(status).map(({ subject }) => subject)).to.include.members(
      pods.filter((key) => status.endpoints[key]?.status === 'down'),
    );
    expect(full(status)).to.have.length.greaterThan(2);
  });

  function kinds(target: FakeTarget, kind: string) {
    return target.entries().filter(({ object }) => object.key.kind === kind);
  }
});
