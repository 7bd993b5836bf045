/** The launchers as others start them: by file name, from any folder, built or not. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';

const ROOT = path.resolve(import.meta.dirname, '../..');

describe('launchers', () => {
  let folder: string;

  beforeEach(() => (folder = mkdtempSync(path.join(os.tmpdir(), 'calico-xpu-launch-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Copies a launcher to a package of its own, whose main program prints how it was called. */
  function installFake(...files: string[]): void {
    for (const file of files) cpSync(path.join(ROOT, file), path.join(folder, 'lib', file));
    mkdirSync(path.join(folder, 'lib/dist'), { recursive: true });
    writeFileSync(path.join(folder, 'lib/package.json'), '{"type":"module"}');
    writeFileSync(
      path.join(folder, 'lib/dist/main.js'),
      'console.log(JSON.stringify([process.argv.slice(2), process.env.FELIX_A])); process.exitCode = 5;',
    );
  }

  it('the bin runs the built program in place', () => {
    const { stdout, status } = spawnSync(
      process.execPath,
      [path.join(ROOT, 'bin/calico-xpu.js'), '--version'],
      { cwd: folder, encoding: 'utf8' },
    );
    expect(stdout).to.match(/^\d+\.\d+\.\d+\n$/);
    expect(status).to.equal(0);
  });

  it('the bin says how to build what is not built', () => {
    cpSync(path.join(ROOT, 'bin'), path.join(folder, 'bin'), { recursive: true });
    writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}');
    const { stderr, status } = spawnSync(
      process.execPath,
      [path.join(folder, 'bin/calico-xpu.js')],
      {
        encoding: 'utf8',
      },
    );
    expect(stderr).to.contain('npm run build');
    expect(status).to.equal(1);
  });

  it('the driver file calls the bin with "driver", through a link, with environment and exit code', () => {
    installFake('bin/calico-xpu.js', 'packaging/calico-xpu-driver');
    symlinkSync('lib/packaging/calico-xpu-driver', path.join(folder, 'felix-driver'));
    const { stdout, status } = spawnSync(path.join(folder, 'felix-driver'), [], {
      cwd: '/',
      env: { PATH: '/usr/bin:/bin', CALICO_XPU_NODE: process.execPath, FELIX_A: 'x' },
      encoding: 'utf8',
    });
    expect(stdout).to.equal('[["driver"],"x"]\n');
    expect(status).to.equal(5);
  });
});
