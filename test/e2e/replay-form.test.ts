/** The fixed form of `felix-sim replay --json` and its exit codes, as other tools rely on them. */
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import type { ReplayReport } from '../../src/lab/replay/report.js';
import { recordingNamed } from '../support/recordings.js';
import { eventually } from './felix.js';
import { inScene, outcomeOf, type Scene } from './programs.js';

const HELLO = recordingNamed('head/hello').folder;
const EXTRAS = recordingNamed('head/extras').folder;

/** Takes everything and says nothing. */
const SILENT_DRIVER = '#!/bin/sh\nexec cat <&3 >/dev/null\n';

const POD = `
      - workload_endpoint_update:
          id: { orchestrator_id: k8s, workload_id: shop/db-1, endpoint_id: eth0 }
          endpoint: { state: active, name: cali1, mac: 'ee:ee:ee:ee:ee:ee', ipv4_nets: [10.65.4.3/32] }`;

function scenarioText(messages: string): string {
  return `calico: v3.32.1\nnode: node-a\nsteps:\n  - step: start\n    messages:${messages}\n`;
}

const CONFIG = `
      - config_update: { config: { FelixHostname: node-a } }`;
const IN_SYNC = `
      - in_sync: {}`;

function script(scene: Scene, text: string): string {
  const file = scene.path('driver');
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

function scenario(scene: Scene, messages: string): string {
  const file = scene.path('scenario.yaml');
  writeFileSync(file, scenarioText(messages));
  return file;
}

describe('felix-sim replay, its form', function () {
  this.timeout(120_000);

  it(
    'counts every stream of a recording in which Felix restarted',
    inScene(async (scene) => {
      const report = await scene.replay(EXTRAS, []);
      expect(report.inSync).to.deep.equal(recordingNamed('head/extras').streams.map(() => true));
      expect(report.inSync.length).to.be.greaterThan(1);
      expect(report.steps.map(({ name }) => name)).to.deep.equal(
        recordingNamed('head/extras').steps.map(({ step }) => step),
      );
      const calls = report.calls ?? {};
      const writes = Object.entries(calls)
        .filter(([method]) => !/^(Get|List|Fetch|Lookup)/.test(method))
        .reduce((sum, [, count]) => sum + count, 0);
      const told = report.steps.reduce((sum, step) => sum + (step.writes ?? NaN), 0);
      expect(told).to.equal(writes);
      expect(report.objects?.['policyBinding']).to.be.greaterThan(0);
      for (const { status } of Object.values(report.endpoints)) expect(status).to.equal('up');
    }),
  );

  it(
    'plays at a foreign driver, of which it knows nothing but its quiet',
    inScene(async (scene) => {
      const args = ['--driver', script(scene, SILENT_DRIVER)];
      const begin = performance.now();
      const report = await scene.replay(HELLO, args);
      const steps = recordingNamed('head/hello').steps.map(({ step }) => step);
      expect(performance.now() - begin).to.be.greaterThan(500 * steps.length);
      expect(report.steps).to.deep.equal(steps.map((name) => ({ name, writes: null })));
      expect(report.calls).to.equal(null);
      expect(report.inSync).to.deep.equal([true]);
      expect(report.frames).to.equal(65);
      expect(report.objects?.['vnic']).to.equal(0);
    }),
  );

  it(
    'tells a driver that goes away',
    inScene(async (scene) => {
      const args = ['--driver', script(scene, '#!/bin/sh\nexit 7\n'), '--json'];
      const { code, stderr } = await scene.run(['felix-sim', 'replay', HELLO, ...args]);
      expect(stderr).to.contain('the driver ended (code 7)');
      expect(code).to.equal(1);
    }),
  );

  it(
    'tells a driver whose words Felix could not read',
    inScene(async (scene) => {
      // A frame of one byte that is no message.
      const text =
        "#!/bin/sh\nprintf '\\001\\000\\000\\000\\000\\000\\000\\000\\377' >&4\nexec cat <&3\n";
      const args = ['--driver', script(scene, text), '--json'];
      const { code, stderr } = await scene.run(['felix-sim', 'replay', HELLO, ...args]);
      expect(stderr).to.contain('read driver');
      expect(code).to.equal(1);
    }),
  );

  it(
    'leaves no process and no file behind when it is ended itself',
    inScene(async (scene) => {
      const temporary = scene.path('tmp');
      mkdirSync(temporary);
      // At the recorded pace it is not over before it is ended, however busy the machine is.
      const driver = ['--driver', script(scene, SILENT_DRIVER), '--speed', '1'];
      const child = scene.start(['felix-sim', 'replay', HELLO, ...driver], { TMPDIR: temporary });
      const outcome = outcomeOf(child);
      await eventually(
        () => Promise.resolve(readdirSync(temporary).length),
        (count) => count === 2,
      );
      child.kill('SIGTERM');
      expect((await outcome).code).to.equal(1);
      expect(readdirSync(temporary)).to.deep.equal([]);
    }),
  );

  it(
    'asserts what probing found, with exit code 2',
    inScene(async (scene) => {
      const native = (await scene.xpu()).address;
      const flattened = await scene.xpu({ target: 'plain', flattened: true, mode: 'strict' });
      for (const [address, ...target] of [
        [native, '--target', 'plain'],
        [flattened.address, '--target', 'native'],
        [flattened.address, '--target', 'plain'],
      ] as const) {
        const args = [HELLO, '--xpu', address, ...target, '--json'];
        const { code, stdout, stderr } = await scene.run(['felix-sim', 'replay', ...args]);
        expect(code, args.join(' ')).to.equal(2);
        expect(stderr).to.contain(address);
        expect(stdout).to.equal('');
      }
    }),
  );

  it(
    'names the place of a mistake in a scenario, with exit code 1',
    inScene(async (scene) => {
      const unsorted = scenario(
        scene,
        `${CONFIG}${IN_SYNC}
      - active_policy_remove: { id: { kind: NetworkPolicy, namespace: shop, name: db } }`,
      );
      for (const [file, place] of [
        [unsorted, 'sessions[0].steps[0].messages[2]'],
        [scenario(scene, `${CONFIG}\n      - no_such_message: {}`), 'messages[1]'],
      ] as const) {
        const { code, stderr } = await scene.run(['felix-sim', 'replay', file, '--json']);
        expect(stderr).to.contain(place);
        expect(code).to.equal(1);
      }
    }),
  );

  it(
    'fails where a stream ends before InSync, or an endpoint is not up',
    inScene(async (scene) => {
      const { code, stdout, stderr } = await scene.run([
        'felix-sim',
        'replay',
        scenario(scene, `${CONFIG}${POD}`),
        '--timeout',
        '1',
        '--json',
      ]);
      expect(code).to.equal(1);
      expect(`${stdout}${stderr}`).to.match(/InSync|not applied/);
      const inactive = scenario(scene, `${CONFIG}${POD.replace('active', 'inactive')}${IN_SYNC}`);
      const report = await scene.replay(inactive, []);
      expect(Object.keys(report.endpoints)).to.deep.equal(['k8s/shop%2Fdb-1/eth0']);
    }),
  );

  it(
    'plays a scenario in which Felix restarts, and takes --until and --final of it',
    inScene(async (scene) => {
      const file = scene.path('two.yaml');
      const session = (step: string, more: string): string =>
        `  - steps:\n      - step: ${step}\n        messages:${more.replaceAll('\n      ', '\n          ')}\n`;
      writeFileSync(
        file,
        `node: node-a\nsessions:\n${session('first', `${CONFIG}${POD}${IN_SYNC}`)}${session('second', `${CONFIG}${IN_SYNC}`)}`,
      );
      const whole: ReplayReport = await scene.replay(file, []);
      expect(whole.inSync).to.deep.equal([true, true]);
      expect(whole.endpoints).to.deep.equal({});
      expect(whole.objects?.['vnic'], 'the host port alone').to.equal(1);
      const first = await scene.replay(file, ['--until', 'first', '--final']);
      expect(first.steps.map(({ name }) => name)).to.deep.equal(['final']);
      expect(Object.keys(first.endpoints)).to.deep.equal(['k8s/shop%2Fdb-1/eth0']);
    }),
  );
});
