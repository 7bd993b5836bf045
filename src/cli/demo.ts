/** `calico-xpu demo`: the whole path in twenty seconds, without root and without hardware. */
import { fileURLToPath } from 'node:url';
import { runDemo } from '../lab/demo/demo.js';
import { defineCommand } from './command.js';

/** The command. */
export const demo = defineCommand({
  options: (yargs) =>
    yargs.option('recording', {
      type: 'string',
      default: fileURLToPath(new URL('../../examples/recordings/hello', import.meta.url)),
      defaultDescription: 'examples/recordings/hello',
      describe: 'folder of the recording to play',
    }),
  async run(args, { stdout, stderr }) {
    const live = stderr.isTTY === true;
    await runDemo(args.recording, {
      line: (text) => void (live && stderr.write('\r\u001b[K'), stdout.write(`${text}\n`)),
      progress: (text) => void stderr.write(live ? `\r\u001b[K${text} ...` : `${text} ...\n`),
    });
    return 0;
  },
});
