/** One frame with a million members, from Felix's pipe to the XPU's table. Long run only. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { encodeToDataplane } from '../../src/driver/message.js';
import { messageFromJson } from '../../src/felix-sim/message-json.js';
import type { TimedFrame } from '../../src/felix-sim/player.js';
import { applied, Felix, nodeEnvironment } from './felix.js';
import { debugging, inScene } from './programs.js';

const MEMBERS = 1_000_000;
const MIB = 1 << 20;
/** Resident bytes that driver and XPU may reach at most. */
const RESIDENT_BYTES_MAX = 1_536 * MIB;

const SET = 's:million';
const POD = {
  id: { orchestrator_id: 'k8s', workload_id: 'shop/db-1', endpoint_id: 'eth0' },
  endpoint: {
    state: 'active',
    name: 'cali1',
    mac: 'ee:ee:ee:ee:ee:ee',
    ipv4_nets: ['10.65.4.3/32'],
    tiers: [
      {
        name: 'default',
        default_action: 'Deny',
        ingress_policies: [{ kind: 'NetworkPolicy', namespace: 'shop', name: 'db' }],
      },
    ],
  },
};

function member(index: number): string {
  return `${11 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}.0/24`;
}

function frames(messages: readonly object[], from = 0): TimedFrame[] {
  return messages.map((message, index) => {
    const place = `message ${from + index}`;
    const payload = messageFromJson(message, place);
    const body = encodeToDataplane({ ...payload, sequence_number: from + index });
    return { body, atMs: 0 };
  });
}

/** Highest resident size a process has had, bytes. */
function residentBytesMax(pid: number | undefined): number {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) * 1024;
}

// A minute of two processors: part of the long run alone.
if (process.env['CALICO_XPU_LONG'] === '1') {
  describe('a frame of a million members', function () {
    this.timeout(600_000);

    it('reaches the XPU whole; one member more is one small call', async () => {
      await inScene(async (scene) => {
        const xpu = await scene.xpu();
        const { address } = xpu;
        const stateDir = scene.path('state');
        const environment = nodeEnvironment(stateDir, address);
        const felix = await Felix.start({ stateDir, environment });
        const members = Array.from({ length: MEMBERS }, (_, index) => member(index));
        const start = frames([
          { config_update: { config: { FelixHostname: 'node-a' } } },
          { ipset_update: { id: SET, type: 'NET', members } },
          {
            active_policy_update: {
              id: { kind: 'NetworkPolicy', namespace: 'shop', name: 'db' },
              policy: {
                tier: 'default',
                inbound_rules: [{ action: 'allow', src_ip_set_ids: [SET] }],
              },
            },
          },
          { workload_endpoint_update: POD },
          { in_sync: {} },
        ]);
        const bytes = Math.max(...start.map(({ body }) => body.length));
        const begin = performance.now();
        await felix.play(start);
        const before = await applied(stateDir, start.length, 1, 300_000);
        const seconds = (performance.now() - begin) / 1000;
        expect(before.endpoints).to.deep.equal({
          'k8s/shop%2Fdb-1/eth0': { status: 'up', reason: '' },
        });
        expect((await debugging(address, (debug) => debug.stats())).members).to.equal(MEMBERS);
        const sizes = [residentBytesMax(felix.driver.pid), residentBytesMax(xpu.pid)];

        await felix.play(
          frames([{ ipset_delta_update: { id: SET, added_members: ['192.0.2.7/32'] } }], 5),
        );
        const after = await applied(stateDir, start.length + 1);
        expect(after.xpu.writes - before.xpu.writes).to.equal(1);
        expect((await debugging(address, (debug) => debug.stats())).members).to.equal(MEMBERS + 1);
        const [driver = 0, server = 0] = sizes.map((size) => Math.round(size / MIB));
        console.log(
          `      frame of ${Math.round(bytes / MIB)} MiB in ${seconds.toFixed(1)} s; ` +
            `at most ${driver} MiB resident in the driver, ${server} MiB in soft-xpu`,
        );
        for (const size of sizes) expect(size).to.be.lessThan(RESIDENT_BYTES_MAX);
        await felix.stop();
      })();
    });
  });
}
