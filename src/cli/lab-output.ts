/** What the commands of the lab share: the option that names a lab, and how progress is shown. */
import { newCourse, type Course } from '../lab/nodes/wait.js';
import type { CliContext } from './command.js';

/** The option `--name` of everything but `up`. */
export const NAME_OPTION = {
  type: 'string',
  describe: 'which lab; may be left out where there is one',
} as const;

/** How progress is shown. */
export interface Progress {
  readonly say: (text: string) => void;
  readonly end: () => void;
}

/** Progress on stderr: one line that changes for people, a line each for logs. */
export function progressOn({ stderr }: CliContext): Progress {
  const live = stderr.isTTY === true;
  return {
    say: (text) => void stderr.write(live ? `\r\u001b[K${text} ...` : `${text} ...\n`),
    end: () => {
      if (live) stderr.write('\r\u001b[K');
    },
  };
}

/** A course that ends with the process. */
export function endlessCourse(say: (text: string) => void): Course {
  return newCourse(say, new AbortController().signal);
}
