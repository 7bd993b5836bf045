import { PATH_CASES } from '../support/corner-cases/paths.js';
import { allAgree } from './agreement.js';

describe('paths of packets: native and plain say what the oracle says', () => {
  for (const { title, expect: expected, isOracleOnly, ...trial } of PATH_CASES) {
    if (isOracleOnly === true) continue;
    it(title, () => allAgree({ ...trial, probes: expected.map(([probe]) => probe) }));
  }
});
