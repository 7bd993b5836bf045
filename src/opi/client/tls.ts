/** Credentials of a connection, followed as their files change. */
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { credentials, type ChannelCredentials } from '@grpc/grpc-js';
import type { Clock } from '../../base/clock.js';
import { errorText } from '../../base/errors.js';
import type { Logger } from '../../base/log.js';
import { OpiError } from '../objects/errors.js';
import type { TlsFiles } from './options.js';

/** Credentials made of files. `current` gives new ones after a change, and the old ones while the new are unusable. */
export class TlsCredentials {
  private readonly files: TlsFiles;
  private readonly checkMs: number;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private loaded: { readonly version: string; readonly value: ChannelCredentials } | undefined;
  private checkedAtMs = -Infinity;
  private loading: Promise<void> | undefined;

  constructor(files: TlsFiles, checkMs: number, clock: Clock, logger: Logger) {
    this.files = files;
    this.checkMs = checkMs;
    this.clock = clock;
    this.logger = logger;
  }

  /**
   * Credentials to use now; the same object as long as the files stay the same. The files are looked at when the last
   * look is `checkMs` old, or when `force`d after a failure to connect.
   * @throws OpiError UNAVAILABLE if there never were usable files.
   */
  async current(force = false): Promise<ChannelCredentials> {
    const due = this.clock.monotonic() - this.checkedAtMs >= this.checkMs;
    if (this.loaded === undefined || due || force) {
      this.loading ??= this.reload().finally(() => (this.loading = undefined));
      await this.loading;
    }
    if (this.loaded !== undefined) return this.loaded.value;
    throw new OpiError({ code: 'UNAVAILABLE', op: 'read TLS files', message: 'no usable files' });
  }

  private async reload(): Promise<void> {
    this.checkedAtMs = this.clock.monotonic();
    try {
      const version = await this.version();
      if (version !== this.loaded?.version) this.loaded = { version, value: await this.read() };
    } catch (thrown) {
      if (this.loaded === undefined) {
        throw new OpiError({
          code: 'UNAVAILABLE',
          op: 'read TLS files',
          message: errorText(thrown),
          cause: thrown,
        });
      }
      this.logger.warn(
        { error: errorText(thrown) },
        'changed TLS files are not usable; the old ones stay in use',
      );
    }
  }

  /** Changes whenever a file does. */
  private async version(): Promise<string> {
    const { certFile, keyFile, caFile } = this.files;
    const stats = await Promise.all([certFile, keyFile, caFile].map((file) => stat(file)));
    return stats.map(({ ino, mtimeMs, size }) => `${ino}-${mtimeMs}-${size}`).join(' ');
  }

  private async read(): Promise<ChannelCredentials> {
    const { certFile, keyFile, caFile } = this.files;
    const [cert, key, ca] = await Promise.all([certFile, keyFile, caFile].map((f) => readFile(f)));
    // Throws where a file is half written, or the key does not belong to the certificate.
    const context = createSecureContext({ cert, key, ca, minVersion: 'TLSv1.2' });
    return credentials.createFromSecureContext(context);
  }
}
