/** `calico-xpu policy check`: dry-runs a recording, a scenario or resources against what a target can do and hold. */
import { existsSync, readFileSync } from 'node:fs';
import { checkPolicy } from '../lab/explain/check.js';
import { checkText } from '../lab/explain/check-text.js';
import { namedCapabilities, readCapabilities } from '../lab/explain/capabilities.js';
import { readExplainSource } from '../lab/explain/source.js';
import type { TargetCapabilities } from '../opi/objects/target.js';
import { parseLimits } from '../soft-xpu/store/limits.js';
import { defineCommand } from './command.js';

interface CheckArguments {
  readonly target: 'native' | 'plain';
  readonly flattened: boolean;
  readonly capabilities?: string | undefined;
  readonly limits?: string | undefined;
}

/** Exit code 0: everything fits and nothing is narrower; 1: otherwise. */
export const policyCheck = defineCommand({
  options: (yargs) =>
    yargs
      .positional('source', {
        type: 'string',
        demandOption: true,
        describe: "a recording's folder, a scenario, or resources as files",
      })
      .option('step', {
        type: 'string',
        describe: 'state at the end of this step; default the last',
      })
      .option('node', {
        type: 'string',
        describe: 'node whose Felix it is, for resources as files',
      })
      .option('target', { choices: ['native', 'plain'] as const, default: 'native' as const })
      .option('flattened', {
        type: 'boolean',
        default: false,
        describe: 'plain without COMPACT rules',
      })
      .option('capabilities', {
        type: 'string',
        describe: 'a description of the target (YAML or JSON) in place of --target',
      })
      .option('limits', { type: 'string', describe: 'table sizes: kind=n,... or a file of such' })
      .option('rule-budget', { type: 'number', describe: 'most rules of one list, plain targets' })
      .option('json', { type: 'boolean', default: false, describe: 'the outcome as JSON' })
      .check(({ capabilities, flattened }) => {
        if (capabilities === undefined || !flattened) return true;
        throw new Error(
          '--capabilities says whether the target takes COMPACT rules, not --flattened.',
        );
      }),
  run(args, { env, stdout }) {
    const { step, node, ruleBudget } = args;
    const source = readExplainSource(args.source, { step, node, environment: env });
    const check = checkPolicy(source, { capabilities: capabilitiesOf(args), ruleBudget });
    stdout.write(args.json ? `${JSON.stringify(check)}\n` : checkText(check));
    return Promise.resolve(check.fits ? 0 : 1);
  },
});

function capabilitiesOf({
  target,
  flattened,
  capabilities: file,
  limits,
}: CheckArguments): TargetCapabilities {
  const named = file === undefined ? namedCapabilities(target, flattened) : readCapabilities(file);
  if (limits === undefined) return named;
  const text = existsSync(limits) ? readFileSync(limits, 'utf8') : limits;
  return { ...named, limits: { ...named.limits, ...parseLimits(text) } };
}
