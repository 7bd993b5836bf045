/** `calico-xpu why`: the decision path of a packet, from a running agent, a recording or a scenario. */
import { readSettings } from '../agent/settings.js';
import { CAPABILITIES, namedCapabilities, NATIVE } from '../lab/explain/capabilities.js';
import { Explainer, type Explanation } from '../lab/explain/explain.js';
import { explanationText } from '../lab/explain/explanation-text.js';
import { parseIcmp, parsePort, parseProtocol, type Transport } from '../lab/explain/question.js';
import { readAgentSource, readExplainSource, type ExplainSource } from '../lab/explain/source.js';
import type { TargetCapabilities } from '../opi/objects/target.js';
import { defineCommand, type CliContext } from './command.js';

/** Exit code of an answer that is "denied". */
export const DENIED = 3;

interface WhyArguments {
  readonly source?: string | undefined;
  readonly from: string;
  readonly to: string;
  readonly port?: string | undefined;
  readonly sourcePort?: number | undefined;
  readonly icmp?: string | undefined;
  readonly protocol?: string | undefined;
  readonly family?: 4 | 6 | undefined;
  readonly allPolicies: boolean;
  readonly step?: string | undefined;
  readonly node?: string | undefined;
  readonly stateDir?: string | undefined;
  readonly target?: 'native' | 'plain' | undefined;
  readonly flattened: boolean;
  readonly json: boolean;
}

/** Exit code 0: allowed, 3: denied, 1: cannot be answered. */
export const why = defineCommand({
  options: (yargs) =>
    yargs
      .positional('source', {
        type: 'string',
        describe: "a recording's folder, a scenario, resources as files; default the running agent",
      })
      .option('from', {
        type: 'string',
        demandOption: true,
        describe: 'who sends: a pod (namespace/pod), an address, a node, or "host"',
      })
      .option('to', { type: 'string', demandOption: true, describe: 'who receives' })
      .option('port', { type: 'string', describe: 'PORT/PROTOCOL, as 80/tcp' })
      .option('source-port', { type: 'number', describe: 'default 40000' })
      .option('icmp', { type: 'string', describe: 'TYPE or TYPE/CODE instead of a port' })
      .option('protocol', { type: 'string', describe: 'a protocol without ports, by number' })
      .option('family', { choices: [4, 6] as const, describe: 'where both ends have both' })
      .option('all-policies', {
        type: 'boolean',
        default: false,
        describe: 'also what stands behind what decided',
      })
      .option('step', {
        type: 'string',
        describe: 'state at the end of this step; default the last',
      })
      .option('node', {
        type: 'string',
        describe: 'node whose Felix it is, for resources as files',
      })
      .option('state-dir', { type: 'string', describe: 'state folder of the agent' })
      .option('target', {
        choices: ['native', 'plain'] as const,
        describe: "what enforces; default the agent's XPU, else native",
      })
      .option('flattened', {
        type: 'boolean',
        default: false,
        describe: 'plain without COMPACT rules',
      })
      .option('json', { type: 'boolean', default: false, describe: 'the explanation as JSON' })
      .check((args) => {
        const transport = transportOf(args);
        if (typeof transport === 'string') throw new Error(transport);
        return true;
      }),
  run: (args, context) => answer(args, context),
});

async function answer(args: WhyArguments, context: CliContext): Promise<number> {
  const transport = transportOf(args);
  if (typeof transport === 'string') throw new RangeError(transport);
  const source = await sourceOf(args, context);
  const { from, to, family, allPolicies } = args;
  const explainer = new Explainer(source, capabilitiesOf(args, source));
  const explanation = explainer.explain({ from, to, family, transport, allPolicies });
  const text = args.json ? `${JSON.stringify(explanation)}\n` : explanationText(explanation);
  context.stdout.write(text);
  return isAllowed(explanation) ? 0 : DENIED;
}

/** What is enforced counts: a plain target may be narrower. */
function isAllowed({ allow, plain }: Explanation): boolean {
  return plain === undefined ? allow : plain.allow;
}

function sourceOf(args: WhyArguments, { env }: CliContext): Promise<ExplainSource> {
  const { source, step, node, stateDir } = args;
  if (source === undefined) return readAgentSource(stateDir ?? readSettings(env).stateDir);
  return Promise.resolve(readExplainSource(source, { step, node, environment: env }));
}

function capabilitiesOf(
  { target, flattened }: WhyArguments,
  { capabilities }: ExplainSource,
): TargetCapabilities {
  if (target !== undefined) return namedCapabilities(target, flattened);
  if (flattened) return CAPABILITIES['plain-flattened'] ?? NATIVE;
  return capabilities ?? NATIVE;
}

/** The packet asked about, or what is wrong with the words for it. */
function transportOf({
  port,
  icmp,
  protocol,
  sourcePort,
}: Pick<WhyArguments, 'port' | 'icmp' | 'protocol' | 'sourcePort'>): Transport | string {
  const given = [port, icmp, protocol].filter((one) => one !== undefined).length;
  if (given !== 1) return 'Give one of --port, --icmp and --protocol.';
  if (port !== undefined) return prefixed('--port', parsePort(port, sourcePort));
  if (protocol !== undefined) return prefixed('--protocol', parseProtocol(protocol));
  const message = parseIcmp(icmp ?? '');
  return typeof message === 'string' ? `--icmp ${message}` : { protocol: 1, icmp: message };
}

function prefixed(option: string, parsed: Transport | string): Transport | string {
  return typeof parsed === 'string' ? `${option} ${parsed}` : parsed;
}
