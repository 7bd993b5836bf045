/** Certificates for tests, made by the openssl command. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerCredentials } from '@grpc/grpc-js';

/** True if an openssl command is there that can sign in one step (3.0 or later). */
export function hasOpenssl(): boolean {
  const version = spawnSync('openssl', ['version'], { encoding: 'utf8' }).stdout as string | null;
  return /^OpenSSL ([3-9]|\d\d)\./.test(version ?? '');
}

/** A certificate and its key as PEM text. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** An authority of a test's own. */
export class Authority {
  private readonly folder = mkdtempSync(join(tmpdir(), 'opi-ca-'));
  private serial = 0;

  constructor(name: string) {
    this.openssl(
      'req',
      '-x509',
      ...KEY,
      '-subj',
      `/CN=${name}`,
      '-days',
      '2',
      '-keyout',
      'ca.key',
      '-out',
      'ca.crt',
    );
  }

  /** PEM text of the authority's certificate. */
  get cert(): string {
    return this.read('ca.crt');
  }

  /** A certificate for `localhost`, good for both sides. */
  issue(name: string): Pair {
    this.serial += 1;
    const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-addext', 'subjectAltName=DNS:localhost'];
    this.openssl(
      'req',
      '-x509',
      ...KEY,
      '-subj',
      `/CN=${name}`,
      '-days',
      '2',
      ...signed,
      '-keyout',
      'leaf.key',
      '-out',
      'leaf.crt',
    );
    return { cert: this.read('leaf.crt'), key: this.read('leaf.key') };
  }

  /** Credentials of a server that lets in only clients of this authority. */
  serverCredentials(): ServerCredentials {
    const { cert, key } = this.issue('server');
    const pair = { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) };
    return ServerCredentials.createSsl(Buffer.from(this.cert), [pair], true);
  }

  /** Removes its files. */
  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8');
  }

  private openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { cwd: this.folder, stdio: 'pipe' });
  }
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
