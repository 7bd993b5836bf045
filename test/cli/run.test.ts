/** The command line on its own: choice of command, help, wrong use, errors. */
import { expect } from 'chai';
import { defineCommand } from '../../src/cli/command.js';
import type { CommandEntry, CommandGroup } from '../../src/cli/command.js';
import { runCli } from '../../src/cli/run.js';

/** Runs `calico-xpu ARGS` on a small table of commands. */
async function run(
  args: string,
  env: Record<string, string> = {},
): Promise<{ code: number; out: string; err: string; loaded: string[] }> {
  const loaded: string[] = [];
  let out = '';
  let err = '';
  const context = {
    env,
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
  };
  const words = args.split(' ').filter((word) => word !== '');
  const code = await runCli(words, context, commands(loaded));
  return { code, out, err, loaded };
}

function commands(loaded: string[]): (CommandEntry | CommandGroup)[] {
  const greet = defineCommand({
    options: (yargs) =>
      yargs
        .positional('name', { type: 'string', demandOption: true, describe: 'whom to greet' })
        .option('times', { type: 'number', default: 1, describe: 'how often' }),
    run: (args, context) => {
      context.stdout.write(`hello ${args.name} `.repeat(args.times));
      return Promise.resolve(7);
    },
  });
  const broken = defineCommand({
    options: (yargs) => yargs,
    run: () => Promise.reject(new Error('no such\n  file', { cause: new Error('disk is gone') })),
  });
  const entry = (name: string, command: typeof greet): CommandEntry => ({
    name,
    describe: `does ${name}`,
    load: () => {
      loaded.push(name);
      return Promise.resolve(command);
    },
  });
  return [
    entry('greet <name>', greet),
    entry('broken', broken),
    { name: 'many', describe: 'groups', commands: [entry('greet <name>', greet)] },
    { name: 'unbuilt', describe: 'cannot load', load: () => Promise.reject(new Error('bad file')) },
  ];
}

describe('command line', () => {
  it('runs the command that is named and gives its exit code', async () => {
    const { code, out, loaded } = await run('greet world --times 2');
    expect(code).to.equal(7);
    expect(out).to.equal('hello world hello world ');
    expect(loaded).to.deep.equal(['greet <name>']);
  });

  it('runs a command inside a group', async () => {
    expect((await run('many greet you')).out).to.equal('hello you ');
  });

  it('shows the help of everything, of a group and of a command, on stdout, with code 0', async () => {
    const all = await run('--help');
    expect(all.code).to.equal(0);
    expect(all.out)
      .to.match(/greet <name>\s+does greet/)
      .and.match(/many\s+groups/);
    expect(all.loaded).to.be.empty;
    expect((await run('many --help')).out).to.match(/calico-xpu many greet <name>\s+does/);
    const one = await run('greet --help');
    expect(one.out).to.contain('how often').and.to.contain('whom to greet');
    expect(one.code).to.equal(0);
    expect((await run('many greet --help')).out).to.contain('how often');
  });

  it('shows the version of the package', async () => {
    const { code, out } = await run('--version');
    expect(code).to.equal(0);
    expect(out).to.match(/^\d+\.\d+\.\d+\n$/);
  });

  const misuse: [args: string, message: string][] = [
    ['', 'Name a command.'],
    ['nonsense', 'Unknown command: nonsense'],
    ['many', 'Name a command of many.'],
    ['many nonsense', 'Unknown command: nonsense'],
    ['greet', 'Not enough non-option arguments'],
    ['greet world --tmies 2', 'Unknown argument: tmies'],
    ['greet a b', 'Unknown command: b'],
  ];
  for (const [args, message] of misuse) {
    it(`refuses "calico-xpu ${args}" with code 2 and the help on stderr`, async () => {
      const { code, out, err } = await run(args);
      expect(code).to.equal(2);
      expect(out).to.equal('');
      expect(err).to.contain('--help').and.to.contain(message);
    });
  }

  it('offers the nearest command for a misspelt one', async () => {
    expect((await run('graet world')).err).to.contain('Did you mean greet?');
  });

  it('shows an error with its causes as one line, with code 1', async () => {
    const { code, out, err } = await run('broken');
    expect(code).to.equal(1);
    expect(out).to.equal('');
    expect(err).to.equal('calico-xpu: no such file: disk is gone\n');
  });

  it('adds the stack when debugging', async () => {
    const { err } = await run('broken', { CALICO_XPU_LOG: 'debug' });
    expect(err).to.match(
      /^calico-xpu: no such file: disk is gone\nError: no such\n {2}file\n +at /,
    );
  });

  it('shows that a command cannot be loaded', async () => {
    const { code, err } = await run('unbuilt');
    expect(code).to.equal(1);
    expect(err).to.equal('calico-xpu: bad file\n');
  });
});
