/** What a command is: options read by yargs, then one function from arguments to exit code. */
import type { ArgumentsCamelCase, Argv } from 'yargs';

/** Where text goes. `process.stdout` and `process.stderr` are such. */
export interface TextSink {
  write(text: string): unknown;
  /** True if a person is watching: progress may then be drawn. */
  readonly isTTY?: boolean | undefined;
}

/** What a command sees of the process around it. Tests give their own. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: TextSink;
  readonly stderr: TextSink;
}

/** A command ready to run, its argument types sealed inside. Made by `defineCommand`. */
export interface Command {
  /** Adds options and positionals. */
  options(yargs: Argv): Argv;
  /** Runs with the parsed arguments to the end of the command's work, and gives the exit code. */
  run(args: unknown, context: CliContext): Promise<number>;
}

/** How a command of its own file looks. `A` is what yargs infers from the options. */
export interface CommandDefinition<A> {
  /** Adds options and positionals; `yargs` is positioned inside the command. */
  options(yargs: Argv): Argv<A>;
  /** Gives the exit code: 0 done, 1 failed, 2 wrong use. Throws what should be shown as one line of error. */
  run(args: ArgumentsCamelCase<A>, context: CliContext): Promise<number>;
}

/** Seals a definition, so that commands of all argument types fit in one table. */
export function defineCommand<A>(definition: CommandDefinition<A>): Command {
  return {
    options: (yargs) => definition.options(yargs),
    run: (args, context) => definition.run(args as ArgumentsCamelCase<A>, context),
  };
}

/** One command in the table; its code is imported when it is called, and not before. */
export interface CommandEntry {
  /** Name, with positionals in yargs' notation: `decode <file>`. */
  readonly name: string;
  /** One line for the help; false for one that only our own programs call. */
  readonly describe: string | false;
  readonly load: () => Promise<Command>;
}

/** A word that only groups commands: `felix-sim decode`, `felix-sim replay`. */
export interface CommandGroup {
  readonly name: string;
  readonly describe: string;
  readonly commands: readonly CommandEntry[];
}

/** The arguments are wrong. Ends in exit code 2 with the help on stderr. */
export class UsageError extends Error {
  /** Help of the command that was meant. */
  readonly help: string;

  constructor(message: string, help: string) {
    super(message);
    this.name = 'UsageError';
    this.help = help;
  }
}
