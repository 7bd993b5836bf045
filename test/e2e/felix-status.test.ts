/**
 * What our driver says to Felix over a whole replay. felix-sim stops at any message that Felix could not take (a missing
 * sub-message makes Felix exit), so every replay of these tests holds that; here the words themselves are looked at.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { readSource } from '../../src/lab/replay/source.js';
import { recordingNamed } from '../support/recordings.js';
import { applied, eventually, Felix, nodeEnvironment } from './felix.js';
import { inScene } from './programs.js';

const SCENARIO = `
node: node-a
steps:
  - step: start
    messages:
      - config_update: { config: { FelixHostname: node-a, ReportingIntervalSecs: '1' } }
      - in_sync: {}
`;

describe('messages to Felix', function () {
  this.timeout(120_000);

  it(
    'each endpoint is told with every sub-message, and its removal',
    inScene(async (scene) => {
      const { folder } = recordingNamed('head/host-endpoints');
      const frames = readSource(folder).streams[0]?.frames ?? [];
      const { address } = await scene.xpu();
      const stateDir = scene.path('state');
      const felix = await Felix.start({
        stateDir,
        environment: nodeEnvironment(stateDir, address),
      });
      await felix.play(frames);
      const { endpoints } = await applied(stateDir, frames.length);
      const wanted = Object.fromEntries(
        Object.entries(endpoints).map(([key, { status }]) => [key, status]),
      );
      await eventually(
        () => Promise.resolve(felix.listener.statuses.size),
        (size) => size === Object.keys(wanted).length,
      );
      expect(Object.fromEntries(felix.listener.statuses)).to.deep.equal(wanted);
      expect(Object.keys(wanted).some((key) => key.startsWith('host/'))).to.equal(true);
      expect(felix.listener.counts.get('workload_endpoint_status_update')).to.be.greaterThan(0);
      expect(felix.listener.counts.get('host_endpoint_status_update')).to.be.greaterThan(0);
      expect(felix.listener.error).to.equal(undefined);
      await felix.stop();
    }),
  );

  it(
    'the life of the process is told at ReportingIntervalSecs, also when nothing else happens',
    inScene(async (scene) => {
      const file = scene.path('scenario.yaml');
      writeFileSync(file, SCENARIO);
      const frames = readSource(file).streams[0]?.frames ?? [];
      const { address } = await scene.xpu();
      const stateDir = scene.path('state');
      const felix = await Felix.start({
        stateDir,
        environment: nodeEnvironment(stateDir, address),
      });
      const reports = (): number => felix.listener.counts.get('process_status_update') ?? 0;
      await felix.play(frames);
      await applied(stateDir, frames.length);
      await eventually(
        () => Promise.resolve(reports()),
        (count) => count >= 1,
      );
      const before = reports();
      await delay(3_200);
      expect(reports() - before).to.be.within(2, 4);
      await felix.stop();
    }),
  );
});
