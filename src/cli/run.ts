/** The command line: finds the command in the table, lets yargs read its arguments, runs it. */
import yargs from 'yargs';
import type { Argv } from 'yargs';
import { UsageError } from './command.js';
import type { CliContext, Command, CommandEntry, CommandGroup } from './command.js';
import { describeError } from './errors.js';
import { COMMANDS } from './table.js';
import { packageVersion } from './version.js';

/** What yargs made of the arguments: a command to run, or text to show (help, version). */
interface Parsed {
  readonly chosen?: { readonly command: Command; readonly args: unknown };
  readonly text: string;
}

/**
 * Runs `calico-xpu ARGS`. Never rejects: errors are shown on stderr, wrong use with the help. The exit code is the
 * command's own, 1 after an error, 2 after wrong use.
 */
export async function runCli(
  args: readonly string[],
  context: CliContext,
  table: readonly (CommandEntry | CommandGroup)[] = COMMANDS,
): Promise<number> {
  try {
    const { chosen, text } = await parse(args, table);
    if (chosen !== undefined) return await chosen.command.run(chosen.args, context);
    context.stdout.write(`${text}\n`);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      context.stderr.write(`${error.help}\n\n${error.message}\n`);
      return 2;
    }
    context.stderr.write(describeError(error, context.env));
    return 1;
  }
}

async function parse(
  args: readonly string[],
  table: readonly (CommandEntry | CommandGroup)[],
): Promise<Parsed> {
  let chosen: Parsed['chosen'];
  let text = '';
  let misuse = '';
  const parser = yargs()
    .scriptName('calico-xpu')
    .locale('en')
    .wrap(100)
    .usage('$0 COMMAND [OPTIONS]')
    .version(packageVersion())
    .help()
    .strictCommands()
    .strictOptions()
    .recommendCommands()
    .demandCommand(1, 'Name a command.')
    .exitProcess(false)
    .fail((message, error) => {
      // yargs gives its own complaints as text; what a command's file threw comes as the error.
      if (message) misuse ||= message;
      else throw error;
    });
  register(parser, table, (command, parsed) => (chosen = { command, args: parsed }));
  await parser.parseAsync([...args], {}, (_error, _argv, output) => {
    text += output;
  });
  if (misuse !== '') throw new UsageError(misuse, await parser.getHelp());
  return chosen === undefined ? { text } : { chosen, text };
}

type OnChosen = (command: Command, args: unknown) => void;

function register(
  parser: Argv,
  table: readonly (CommandEntry | CommandGroup)[],
  onChosen: OnChosen,
): void {
  for (const entry of table) {
    if ('commands' in entry) registerGroup(parser, entry, onChosen);
    else registerCommand(parser, entry, onChosen);
  }
}

function registerGroup(parser: Argv, group: CommandGroup, onChosen: OnChosen): void {
  parser.command(group.name, group.describe, (inner) => {
    register(inner, group.commands, onChosen);
    return inner.demandCommand(1, `Name a command of ${group.name}.`);
  });
}

function registerCommand(parser: Argv, entry: CommandEntry, onChosen: OnChosen): void {
  let command: Command | undefined;
  parser.command(
    entry.name,
    // yargs' types have two forms for one parameter: a text, or false for what help does not show.
    entry.describe as string,
    async (inner: Argv) => {
      command = await entry.load();
      return command.options(inner);
    },
    (args) => {
      if (command !== undefined) onChosen(command, args);
    },
  );
}
