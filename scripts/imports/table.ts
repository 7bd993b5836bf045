/**
 * The import table: which module of `src/` may know which other. It is the architecture as data; the linter's rules
 * (`rules.ts`) and the tables of ARCHITECTURE.md (`document.ts`) are derived from it.
 */

/** One module: a folder under `src/`, or a single file at its root. */
export interface Module {
  /** Path below `src/`: `opi/client`, or `main` for `main.ts`. */
  readonly name: string;
  /** Height in the picture. A module imports lower ranks only, which also rules out cycles between modules. */
  readonly rank: number;
  /** Modules (or `module/part` for one file or folder of a module) this one may import. */
  readonly imports: readonly string[];
  /** Modules of which it may import types, but no code. */
  readonly typesOf?: readonly string[];
  /** npm packages it may import. */
  readonly packages?: readonly string[];
  /**
   * The files, without `.ts`, that may import node built-ins with I/O; `*` for all of them. `name/*` names a folder.
   * Everything else in the module is pure and tested without a process, a socket or a disk.
   */
  readonly io?: readonly string[];
  /** The one duty, as a sentence without a subject. */
  readonly duty: string;
}

/** Node built-ins that reach outside the process. */
export const IO_BUILTINS: readonly string[] = [
  'child_process',
  'cluster',
  'dgram',
  'dns',
  'fs',
  'http',
  'http2',
  'https',
  'inspector',
  'net',
  'os',
  'readline',
  'repl',
  'tls',
  'tty',
  'worker_threads',
];

/** Packages of native code, and the only files that may load them. */
export const NATIVE: { readonly packages: readonly string[]; readonly files: readonly string[] } = {
  packages: ['koffi'],
  files: ['netlink/ffi', 'soft-xpu/linux/libnftables'],
};

const PROTOBUF = ['protobufjs', 'long'];
const GRPC = ['@grpc/grpc-js', '@grpc/proto-loader', ...PROTOBUF];

/** The table, lowest rank first. Modules that do not exist yet are listed: their place is decided. */
export const MODULES: readonly Module[] = [
  {
    name: 'base',
    rank: 0,
    imports: [],
    io: ['ip'], // net.isIP alone: the platform's strict address check
    duty: 'words every module shares and no domain owns: bytes, addresses, clock, backoff, errors',
  },
  {
    name: 'gen/felix',
    rank: 0,
    imports: [],
    packages: PROTOBUF,
    duty: "generated wire types of Felix's protocol; committed, regenerated and compared in the tests",
  },
  {
    name: 'gen/opi',
    rank: 0,
    imports: [],
    packages: GRPC,
    duty: 'generated wire types of OPI and of our network/k8s extension',
  },
  {
    name: 'gen/kube',
    rank: 0,
    imports: [],
    packages: PROTOBUF,
    duty: "generated wire types of kubelet's device plugin API",
  },
  {
    name: 'model',
    rank: 1,
    imports: ['base'],
    duty: "Calico's nouns, with branded ids, and the `Delta` union",
  },
  {
    name: 'opi/objects',
    rank: 1,
    imports: ['base'],
    duty: "OPI's nouns: key, spec, refs, plan; and `Target`, the port the reconciler writes to",
  },
  {
    name: 'netlink',
    rank: 1,
    imports: ['base'],
    packages: ['koffi'],
    io: ['ffi', 'socket', 'netns'],
    duty: 'speak to the kernel of any network namespace: raw frames, and later rtnetlink',
  },
  {
    name: 'driver',
    rank: 2,
    imports: ['base', 'model', 'gen/felix'],
    packages: PROTOBUF,
    io: ['pipes', 'relay', 'lock', 'recorder', 'endpoint-status-files'],
    duty: 'Felix bytes to Deltas, status to bytes, the relay',
  },
  {
    name: 'services',
    rank: 2,
    imports: ['base', 'model'],
    packages: ['@kubernetes/client-node'],
    io: ['watch'],
    duty: 'Kubernetes Services and EndpointSlices to Deltas',
  },
  {
    name: 'vf-manager',
    rank: 2,
    imports: ['base', 'model', 'netlink', 'gen/kube'],
    packages: GRPC,
    io: ['sysfs', 'ledger', 'rpc-server'],
    duty: 'own the VFs, say who has which, keep the pool filled',
  },
  {
    name: 'desired',
    rank: 2,
    imports: ['base', 'model'],
    duty: 'remember what is wanted now; nothing leaves before in-sync',
  },
  {
    name: 'overlay',
    rank: 2,
    imports: ['base', 'model'],
    duty: 'tunnels, VNI and MTU arithmetic',
  },
  {
    name: 'reconciler',
    rank: 2,
    imports: ['base', 'opi/objects'],
    duty: 'make the target equal the plan: adopt, diff, order, apply, retry, prune',
  },
  {
    name: 'oracle',
    rank: 2,
    imports: ['base', 'gen/felix'],
    duty: "Calico's semantics evaluated on Felix messages: the judge, sharing no code with what it judges",
  },
  {
    name: 'opi/codec',
    rank: 2,
    imports: ['base', 'opi/objects', 'gen/opi'],
    packages: ['@grpc/proto-loader', ...PROTOBUF],
    duty: 'OPI wire messages to specs and back, for the client and for soft-xpu',
  },
  {
    name: 'opi/client',
    rank: 3,
    imports: ['base', 'opi/objects', 'opi/codec', 'gen/opi'],
    packages: GRPC,
    io: ['tls'],
    duty: 'carry objects over gRPC',
  },
  {
    name: 'soft-xpu',
    rank: 3,
    imports: ['base', 'opi/objects', 'opi/codec', 'gen/opi', 'netlink'],
    packages: [...GRPC, '@grpc/reflection', 'koffi'],
    io: ['server', 'linux/*'],
    duty: 'be a believable XPU',
  },
  {
    name: 'translators',
    rank: 3,
    imports: ['base', 'model', 'overlay', 'opi/objects'],
    typesOf: ['desired'],
    duty: 'say the same thing in OPI: policy compiler, IP sets, endpoints, routes, services',
  },
  {
    name: 'cni',
    rank: 3,
    imports: ['base', 'model', 'netlink', 'vf-manager/rpc'],
    packages: GRPC,
    io: ['main', 'agent'],
    duty: "obey the CNI spec, and Calico's gRPC hook",
  },
  {
    name: 'felix-sim',
    rank: 3,
    // The frame and message codec is one, for both ends of the pipe; nothing else of the driver is known here.
    imports: [
      'base',
      'model',
      'gen/felix',
      'driver/frame',
      'driver/message',
      'driver/tier-entry',
      'driver/wire-types',
    ],
    packages: [...PROTOBUF, 'yaml'],
    io: ['driver-process', 'pipe-pair', 'recording'],
    duty: 'be a believable Felix',
  },
  {
    name: 'agent',
    rank: 4,
    imports: [
      'base',
      'model',
      'driver',
      'desired',
      'translators',
      'reconciler',
      'opi/objects',
      'opi/client',
    ],
    io: ['felix-socket', 'relay-fifos', 'status-client', 'status-server', 'unix-socket'],
    duty: 'wire the resident pipeline and its status socket',
  },
  {
    name: 'lab',
    rank: 5,
    imports: ['*'],
    packages: [...GRPC, 'yaml'],
    io: [
      'xpu-process',
      'demo/demo',
      'explain/capabilities',
      'replay/*',
      'packets/packet-probe',
      'verdicts/*',
      'nodes/kernel',
      'nodes/lab-files',
      'nodes/processes',
      'nodes/keeper',
      'nodes/probe',
      'nodes/place-client',
      'nodes/place-server',
    ],
    duty: 'simulated nodes, replay and verdict runs: orchestration only',
  },
  {
    name: 'cli',
    rank: 6,
    imports: ['*'],
    packages: ['bunyan', 'yaml', 'yargs'],
    io: ['*'],
    duty: 'the commands: read arguments, wire modules, print',
  },
  {
    name: 'main',
    rank: 7,
    imports: ['base', 'cli'],
    io: ['*'],
    duty: 'the entry: start the command line, end with its exit code',
  },
];
