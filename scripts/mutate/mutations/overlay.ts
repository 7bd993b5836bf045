/** Wrong ways between nodes. */
import type { Mutation } from '../mutation.js';

const WAY = 'src/overlay/way.ts';
const ROUTES = 'src/translators/routes.ts';

/** Routes, tunnels and what is not sent. */
export const OVERLAY_MUTATIONS: readonly Mutation[] = [
  {
    name: 'addresses of a block without a pod leave by the uplink',
    why: 'packets for a pod that is gone go to the wire',
    file: WAY,
    find: "if (kinds.includes('local-workload')) return { kind: 'local' };",
    replace: "if (kinds.includes('local-workload')) return { kind: 'underlay' };",
  },
  {
    name: 'remote blocks of IPIP pools are reached as they are',
    why: 'what Calico encapsulates is on the wire as it is',
    file: WAY,
    find: "if (sameSubnet || pool === 'no-encap' || pool === 'none')",
    replace: "if (sameSubnet || pool !== 'vxlan')",
  },
  {
    name: 'WireGuard is not looked at',
    why: 'what Calico encrypts is on the wire in clear',
    file: WAY,
    find: 'if (isEncrypted(nodeName, family, facts)) {',
    replace: "if (isEncrypted('', family, facts)) {",
  },
  {
    name: 'a block whose node has no address leaves by the uplink',
    why: "a pod's packets go to the wire in clear until Felix knows the node",
    file: WAY,
    find: "if (nodeIp === '') return blocked(",
    replace: "if (nodeIp === '') return { kind: 'underlay' }; else if (false) return blocked(",
  },
  {
    name: 'a block without a VTEP leaves by the uplink',
    why: "a pod's packets go to the wire in clear until Felix knows the VTEP",
    file: WAY,
    find: 'return blocked(cause, found.reason);',
    replace:
      "return cause === 'unsupported' ? blocked(cause, found.reason) : { kind: 'underlay' };",
  },
  {
    name: 'IPIP pools without routes leave by the uplink',
    why: 'in a cluster of IPIP alone everything between pods is in clear',
    file: ROUTES,
    find: "if (way.kind === 'blocked') return way;",
    replace: "if (way.kind === 'blocked') continue;",
  },
  {
    name: 'a route whose tunnel the XPU refuses is left out',
    why: 'what belongs into the tunnel is on the wire in clear',
    file: ROUTES,
    find: "const closed = 'tunnel' in via ? { closed: route(NOWHERE) } : {};",
    replace: 'const closed = {};',
  },
  {
    name: 'blocks in our own subnet go through the tunnel',
    why: 'CrossSubnet is Always: the forward tiers of the interface are not asked',
    file: WAY,
    find: "if (sameSubnet || pool === 'no-encap' || pool === 'none')",
    replace: "if (pool === 'no-encap' || pool === 'none')",
  },
  {
    name: "inner frames go to our own VTEP's MAC",
    why: 'the other node drops what arrives',
    file: 'src/overlay/tunnels.ts',
    find: 'return { tunnel, mac: remote.mac };',
    replace: 'return { tunnel, mac: local.mac };',
  },
  {
    name: 'routes do not follow a WireGuard key',
    why: 'a peer that begins to encrypt is sent to in clear',
    file: ROUTES,
    find: 'for (const node of [...nodes, ...peers]) {',
    replace: 'for (const node of nodes) {',
  },
];
