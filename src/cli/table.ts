/** All commands. To add one: write its file beside this one, then its row here. */
import type { CommandEntry, CommandGroup } from './command.js';

/** In the order in which the help shows them. */
export const COMMANDS: readonly (CommandEntry | CommandGroup)[] = [
  {
    name: 'demo',
    describe: 'The whole path in twenty seconds: a recorded Felix, our driver, a software XPU',
    load: async () => (await import('./demo.js')).demo,
  },
  {
    name: 'driver',
    describe: 'The data-plane driver that Felix starts',
    load: async () => (await import('./driver.js')).driver,
  },
  {
    name: 'agent',
    describe: 'The resident process of a node, which relays connect to',
    load: async () => (await import('./agent.js')).agent,
  },
  {
    name: 'status',
    describe: 'What a running driver or agent says of itself',
    load: async () => (await import('./status.js')).status,
  },
  {
    name: 'why [source]',
    describe: 'Why a packet passes or not: every tier, policy and rule on its way',
    load: async () => (await import('./why.js')).why,
  },
  {
    name: 'policy',
    describe: 'What policy decides, and whether it fits',
    commands: [
      {
        name: 'check <source>',
        describe: 'Whether policy can be enforced whole by a target of given capabilities',
        load: async () => (await import('./policy-check.js')).policyCheck,
      },
      {
        name: 'verdicts <recording>',
        describe: "Hold our verdicts against those of Felix's own data plane",
        load: async () => (await import('./policy-verdicts.js')).policyVerdicts,
      },
    ],
  },
  {
    name: 'soft-xpu',
    describe: 'An OPI server with a data plane in memory',
    load: async () => (await import('./soft-xpu.js')).softXpu,
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
      {
        name: 'calc <path>',
        describe: 'Print what Felix would say about Calico and Kubernetes YAML',
        load: async () => (await import('./felix-sim-calc.js')).felixSimCalc,
      },
      {
        name: 'replay <recording>',
        describe: 'Play a recording or a scenario at a driver and an XPU',
        load: async () => (await import('./felix-sim-replay.js')).felixSimReplay,
      },
    ],
  },
];
