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
    describe: 'An OPI server with a data plane in memory, or in a network namespace',
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
  {
    name: 'lab',
    describe: 'Simulated nodes and pods with real packets, on this machine; needs root',
    commands: [
      {
        name: 'up',
        describe: 'Build nodes with XPUs, pods and policy; returns when all is up',
        load: async () => (await import('./lab-up.js')).labUp,
      },
      {
        name: 'ping <from> <to>',
        describe: 'Send real packets from one pod or node to another, and tell why',
        load: async () => (await import('./lab-ping.js')).labPing,
      },
      {
        name: 'exec <place> [command..]',
        describe: 'Run a command in the network of a pod or node',
        load: async () => (await import('./lab-exec.js')).labExec,
      },
      {
        name: 'matrix',
        describe: 'Real probes for every pair and port, compared with why',
        load: async () => (await import('./lab-matrix.js')).labMatrix,
      },
      {
        name: 'verdicts <recording>',
        describe: "Hold real packets against the verdicts of Felix's own data plane",
        load: async () => (await import('./lab-verdicts.js')).labVerdicts,
      },
      {
        name: 'apply [path]',
        describe: 'Apply the next step of the scenario, or files of your own',
        load: async () => (await import('./lab-apply.js')).labApply,
      },
      {
        name: 'status',
        describe: 'What runs and how it is',
        load: async () => (await import('./lab-status.js')).labStatus,
      },
      {
        name: 'down',
        describe: 'Take it all away',
        load: async () => (await import('./lab-down.js')).labDown,
      },
      {
        name: 'keeper',
        describe: false,
        load: async () => (await import('./lab-processes.js')).labKeeper,
      },
      {
        name: 'felix',
        describe: false,
        load: async () => (await import('./lab-processes.js')).labFelix,
      },
      {
        name: 'place',
        describe: false,
        load: async () => (await import('./lab-processes.js')).labPlace,
      },
    ],
  },
];
