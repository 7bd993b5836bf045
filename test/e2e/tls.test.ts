/** Mutual TLS between driver and XPU, over TCP, with certificates that openssl made. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { Authority, hasOpenssl, type Pair } from '../opi/client/certificates.js';
import { recordingNamed } from '../support/recordings.js';
import { inScene, type Scene } from './programs.js';

const HELLO = recordingNamed('head/hello').folder;

/** PEM files of one party. */
interface Files {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

function filesOf(scene: Scene, { cert, key }: Pair, ca: string): Files {
  const write = (name: string, text: string): string => {
    const file = scene.path(name);
    writeFileSync(file, text);
    return file;
  };
  return { cert: write('party.crt', cert), key: write('party.key', key), ca: write('ca.crt', ca) };
}

function settings({ cert, key, ca }: Files): Record<string, string> {
  return { FELIX_XPUTLSCERT: cert, FELIX_XPUTLSKEY: key, FELIX_XPUTLSCA: ca };
}

/** A soft-xpu on TCP that asks for certificates; gives its address. */
async function startXpu(scene: Scene, { cert, key, ca }: Files): Promise<string> {
  const tls = [cert, key, ca].join(':');
  const xpu = scene.start(['soft-xpu', '--listen', 'localhost:0', '--tls', tls, '--json']);
  if (xpu.stdout === null) throw new Error('no output');
  const [line] = (await once(createInterface({ input: xpu.stdout }), 'line')) as [string];
  const { addresses } = JSON.parse(line) as { addresses: string[] };
  return addresses[0] ?? '';
}

describe('mutual TLS, end to end', function () {
  this.timeout(120_000);
  let authority: Authority;
  let stranger: Authority;

  before(function () {
    if (!hasOpenssl()) {
      console.log('      openssl');
      this.skip();
    }
    authority = new Authority('calico-xpu tests');
    stranger = new Authority('stranger');
  });
  after(() => {
    authority?.close();
    stranger?.close();
  });

  it(
    'plays a recording over it; a client of another authority, or without certificate, gets nowhere',
    inScene(async (scene) => {
      const { cert: ca } = authority;
      const address = await startXpu(scene, filesOf(scene, authority.issue('xpu'), ca));
      const known = settings(filesOf(scene, authority.issue('driver'), ca));
      const report = await scene.replay(HELLO, ['--xpu', address], known);
      expect(report.steps.every(({ writes }) => (writes ?? 0) > 0)).to.equal(true);
      expect(report.objects?.['policyBinding']).to.equal(3);

      const args = ['felix-sim', 'replay', HELLO, '--xpu', address, '--json'];
      const foreign = settings(filesOf(scene, stranger.issue('driver'), ca));
      for (const env of [foreign, {}]) {
        const { code, stdout, stderr } = await scene.run(args, env);
        expect(code).to.equal(1);
        expect(stdout).to.equal('');
        expect(stderr).to.match(/calico-xpu: .*UNAVAILABLE|unreachable|probe|connect/i);
      }
      expect(await writesNothing(scene, address, known)).to.equal(true);
    }),
  );
});

/** The state is still that of the known client: a replay of its end has nothing to write. */
async function writesNothing(
  scene: Scene,
  address: string,
  env: Record<string, string>,
): Promise<boolean> {
  const report = await scene.replay(HELLO, ['--xpu', address, '--final'], env);
  return report.steps.every(({ writes }) => writes === 0);
}
