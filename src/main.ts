/** The entry of `calico-xpu`: runs the command line on this process and ends with its exit code. */
import { describeError } from './cli/errors.js';
import { runCli } from './cli/run.js';

for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    process.stderr.write(describeError(error, process.env));
    process.exit(1);
  });
}
// Whoever reads our output may stop early (`| head`): that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.exitCode = await runCli(process.argv.slice(2), process);
