import { expect } from 'chai';
import { OracleEngine } from '../../src/lab/verdicts/oracle-engine.js';
import { stepLines } from '../../src/lab/verdicts/format.js';
import { readRecording } from '../../src/lab/verdicts/recording.js';
import { isClean, runVerdicts } from '../../src/lab/verdicts/run.js';
import { allRecordings } from '../support/recordings.js';

describe("oracle: the verdicts of Felix's own data plane", () => {
  for (const { name, folder, verdicts } of allRecordings()) {
    if (verdicts.size === 0) continue;
    it(`agrees on every packet of ${name}`, async function () {
      this.timeout(60_000);
      let probes = 0;
      for await (const result of runVerdicts(readRecording(folder), new OracleEngine(), 'oracle')) {
        expect(isClean(result), stepLines(result, 'oracle').slice(0, 10).join('\n')).to.equal(true);
        probes += result.total;
      }
      expect(probes).to.be.greaterThan(0);
    });
  }
});
