/** All commands. To add one: write its file beside this one, then its row here. */
import type { CommandEntry, CommandGroup } from './command.js';

/** In the order in which the help shows them. */
export const COMMANDS: readonly (CommandEntry | CommandGroup)[] = [
  {
    name: 'policy',
    describe: 'What policy decides, and why',
    commands: [
      {
        name: 'verdicts <recording>',
        describe: "Hold our verdicts against those of Felix's own data plane",
        load: async () => (await import('./policy-verdicts.js')).policyVerdicts,
      },
    ],
  },
  {
    name: 'felix-sim',
    describe: 'What Felix says to its driver: look at it, play it',
    commands: [
      {
        name: 'decode <file>',
        describe: 'Print a recorded stream, one JSON object per frame',
        load: async () => (await import('./felix-sim-decode.js')).felixSimDecode,
      },
    ],
  },
];
