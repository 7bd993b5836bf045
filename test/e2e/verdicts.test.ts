/** `policy verdicts` through real processes: driver, gRPC, soft-xpu. What it prints and its exit code are a fixed form. */
import { expect } from 'chai';
import { readSource } from '../../src/lab/replay/source.js';
import { allRecordings, recordingNamed } from '../support/recordings.js';
import { applied, Felix, nodeEnvironment } from './felix.js';
import { dumpOf, Scene } from './programs.js';

const LONG = process.env['CALICO_XPU_LONG'] === '1';
const FIRST = ['head/hello', 'head/host-fuzz-3'];

/** The normal run takes the recordings that shaped the packet model; the in-process suites take every one. */
const RECORDINGS = allRecordings()
  .filter(({ verdicts }) => verdicts.size > 0)
  .filter(({ name }) => LONG || FIRST.includes(name));

describe('policy verdicts, through driver, gRPC and soft-xpu', function () {
  this.timeout(LONG ? 1_800_000 : 120_000);

  let scene: Scene;
  beforeEach(() => (scene = new Scene()));
  afterEach(() => scene.end());

  for (const { name, folder, verdicts } of RECORDINGS) {
    it(`native agrees with Felix on ${name}`, async () => {
      const { code, stdout, stderr } = await scene.run(['policy', 'verdicts', folder]);
      expect(stdout.trim().split('\n'), stdout + stderr).to.have.length(verdicts.size);
      for (const line of stdout.trim().split('\n')) expect(line).to.match(/^\S+ (\d+)\/\1$/);
      expect(code).to.equal(0);
    });

    // Millions of rules, minutes for each step; the in-process suites compare its verdicts.
    if (name.endsWith('/many-policies')) continue;
    it(`plain agrees with Felix on ${name}, or is narrower for a reason`, async () => {
      const words = ['policy', 'verdicts', folder, '--engine', 'plain', '--json'];
      const { code, stdout, stderr } = await scene.run(words);
      expect(code, stdout + stderr).to.equal(0);
      const { agreed, narrower, total } = JSON.parse(stdout) as Record<string, number>;
      expect(agreed! + narrower!).to.equal(total);
      if (!/host|hep/.test(name)) expect(narrower).to.equal(0);
    });
  }

  it('corner 66: at SIGTERM the driver is gone in under 4 s and the XPU keeps its state', async () => {
    const { frames } = readSource(recordingNamed('head/hello').folder).streams[0]!;
    const xpu = await scene.xpu();
    const stateDir = scene.path('state');
    const environment = nodeEnvironment(stateDir, xpu.address);
    const felix = await Felix.start({ stateDir, environment });
    await felix.play(frames);
    await applied(stateDir, frames.length);
    const before = await dumpOf(xpu.address);
    expect(await felix.stop()).to.be.lessThan(4000);
    expect(await dumpOf(xpu.address)).to.equal(before);
    expect(before).to.match(/policyBinding/);
  });
});
