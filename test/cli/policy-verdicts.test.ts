import path from 'node:path';
import { expect } from 'chai';
import { runCli } from '../../src/cli/run.js';
import { recordingNamed } from '../support/recordings.js';

async function verdicts(...args: string[]) {
  let stdout = '';
  let stderr = '';
  const code = await runCli(['policy', 'verdicts', ...args], {
    env: {},
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
  });
  return { code, stdout, stderr };
}

describe('calico-xpu policy verdicts', () => {
  const hello = recordingNamed('head/hello').folder;

  it('prints agreed and total of each step', async () => {
    const { code, stdout } = await verdicts(hello, '--engine', 'oracle');
    expect(stdout).to.equal(
      'start 458/458\n10-new-frontend 461/461\n20-tighten 464/464\n30-db-gone 437/437\n',
    );
    expect(code).to.equal(0);
  });

  it('prints one JSON object', async () => {
    const { code, stdout } = await verdicts(hello, '--engine', 'oracle', '--json');
    const json = JSON.parse(stdout) as Record<string, unknown>;
    expect(json).to.include({ engine: 'oracle', calico: 'head', agreed: 1820, total: 1820 });
    expect(json['steps']).to.have.length(4);
    expect(code).to.equal(0);
  });

  it('prints nothing for a recording without verdict files', async () => {
    const result = await verdicts(recordingNamed('head/overlay').folder);
    expect(result).to.deep.equal({ code: 0, stdout: '', stderr: '' });
  });

  it('names a folder that is no recording', async () => {
    const { code, stderr } = await verdicts(path.join(hello, 'sources'), '--engine', 'oracle');
    expect(code).to.equal(1);
    expect(stderr).to.match(/recording\.json/);
  });

  it('refuses an engine that does not exist', async () => {
    expect((await verdicts(hello, '--engine', 'guess')).code).to.equal(2);
  });
});
