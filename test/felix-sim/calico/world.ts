/** Small clusters in YAML for tests, and what Felix says of them. */
import { decodeToDataplane } from '../../../src/driver/message.js';
import { readCalicoScenario } from '../../../src/felix-sim/calico/scenario.js';
import { messageJson } from '../../../src/felix-sim/decode.js';
import { NEWEST_CALICO } from '../../../src/model/calico-version.js';
import { SessionReader } from './states.js';

/** Messages of the protocol as JSON, for expectations. */
export type Json = Readonly<Record<string, unknown>>;

/** What Felix says in each step: messages without sequence numbers, ConfigUpdate and InSync included. */
export function said(files: Readonly<Record<string, string>>): Record<string, Json[]> {
  const scenario = readCalicoScenario(
    Object.entries(files).map(([name, text]) => ({ name, text })),
    { node: 'node-a' },
  );
  const read = scenario.streams.map(() => 0);
  return Object.fromEntries(
    scenario.steps.map(({ name, stream, frames }) => {
      const bodies = scenario.streams[stream]!.slice(read[stream], frames);
      read[stream] = frames;
      return [name, bodies.map(bodyJson)];
    }),
  );
}

/** The objects of one state, by kind and key, as the JSON of the message's content. */
export function stateOf(text: string): Map<string, Json> {
  const { streams } = readCalicoScenario([{ name: '00.yaml', text }], { node: 'node-a' });
  const state = new SessionReader(streams[0]!).after(streams[0]!.length);
  return new Map(
    [...state].map(([key, { json }]) => {
      const [content] = Object.values(JSON.parse(json) as Record<string, Json>);
      return [key, content!];
    }),
  );
}

/** The rules of a policy in a state, ids left out; `key` names kind, namespace and name. */
export function rulesOf(text: string, key: readonly [string, string, string]) {
  const policy = stateOf(text).get(`policy ${JSON.stringify(['', ...key])}`)?.['policy'] as
    { inbound_rules?: Json[]; outbound_rules?: Json[] } | undefined;
  const plain = (rules: Json[] = []): Json[] => rules.map(({ rule_id: _, ...rule }) => rule);
  return { inbound: plain(policy?.inbound_rules), outbound: plain(policy?.outbound_rules) };
}

/** A workload endpoint; `more` are lines of its spec, indented by two. */
export function workload(
  name: string,
  ip: string,
  labels: string,
  more = '',
  node = 'node-a',
): string {
  return `
apiVersion: projectcalico.org/v3
kind: WorkloadEndpoint
metadata: { name: ${node.replace('-', '--')}-k8s-${name}-eth0, namespace: shop, labels: { projectcalico.org/namespace: shop, ${labels} } }
spec:
  { node: ${node}, orchestrator: k8s, pod: ${name}, endpoint: eth0, interfaceName: cali${name}, ipNetworks: [${ip}], profiles: [kns.shop]${more && `, ${more}`} }
---`;
}

/** A NetworkPolicy of Calico in namespace `shop`; `spec` in flow style. */
export function networkPolicy(name: string, spec: string): string {
  return `
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: { name: ${name}, namespace: shop }
spec: ${spec}
---`;
}

/** Any cluster-wide resource of Calico. */
export function global(kind: string, name: string, spec: string, labels = '{}'): string {
  return `
apiVersion: projectcalico.org/v3
kind: ${kind}
metadata: { name: ${name}, labels: ${labels} }
spec: ${spec}
---`;
}

/** Namespace `shop` of Kubernetes. */
export const SHOP = `
apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { team: red } }
---`;

function bodyJson(body: Uint8Array): Json {
  const { sequence_number: _, ...json } = messageJson(
    decodeToDataplane(body).message,
    NEWEST_CALICO,
  );
  return json;
}
