/** What real packets met on Felix's own data plane, against a packet walk over what the translator planned. */
import { expect } from 'chai';
import { stepLines } from '../../src/lab/verdicts/format.js';
import { readRecording } from '../../src/lab/verdicts/recording.js';
import { isClean, runVerdicts } from '../../src/lab/verdicts/run.js';
import { allRecordings } from '../support/recordings.js';
import { NATIVE } from './support/play.js';
import { XpuEngine } from './support/xpu-engine.js';

describe("translator, native target: the verdicts of Felix's own data plane", () => {
  for (const { name, folder, verdicts } of allRecordings()) {
    if (verdicts.size === 0) continue;
    it(`agrees on every packet of ${name}`, async function () {
      this.timeout(120_000);
      const engine = new XpuEngine(NATIVE);
      for await (const result of runVerdicts(readRecording(folder), engine, 'native')) {
        expect(isClean(result), stepLines(result, 'native').slice(0, 10).join('\n')).to.equal(true);
      }
    });
  }
});
