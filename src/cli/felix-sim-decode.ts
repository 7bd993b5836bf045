/** `felix-sim decode`: prints a recorded stream, one line of proto3 JSON per frame. */
import { closeSync, openSync, readSync } from 'node:fs';
import { decodeStream } from '../felix-sim/decode.js';
import { parseCalicoVersion } from '../model/calico-version.js';
import { defineCommand } from './command.js';

const CHUNK_BYTES = 1 << 20;

/** Ends with an error at the first frame that cannot be read; the lines before it are printed. */
export const felixSimDecode = defineCommand({
  options: (yargs) =>
    yargs
      .positional('file', {
        type: 'string',
        demandOption: true,
        describe: 'stream file, such as stream-0.felix of a recording',
      })
      .option('calico', {
        type: 'string',
        describe: 'Calico version to assume, or "head" (default: what the stream says)',
      })
      .check(({ calico }) => calico === undefined || isVersion(calico) || versionProblem(calico)),
  run({ file, calico }, { stdout }) {
    const options = calico === undefined ? {} : { version: parseCalicoVersion(calico) };
    for (const message of decodeStream(readChunks(file), options)) {
      stdout.write(`${JSON.stringify(message)}\n`);
    }
    return Promise.resolve(0);
  },
});

function isVersion(text: string): boolean {
  return text === 'head' || /^v?\d+\.\d+/.test(text);
}

function versionProblem(text: string): string {
  return `--calico: ${JSON.stringify(text)} is no version such as v3.28.1, and not "head"`;
}

function* readChunks(file: string): Generator<Buffer> {
  const fd = openSync(file, 'r');
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const size = readSync(fd, chunk, 0, CHUNK_BYTES, null);
      if (size === 0) return;
      yield chunk.subarray(0, size);
    }
  } finally {
    closeSync(fd);
  }
}
