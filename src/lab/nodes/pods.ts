/** Attaches pods to their nodes and takes them away, as a container runtime with Calico's CNI plugin does. I/O edge. */
import {
  addNamespaces,
  commandsIn,
  deleteNamespaces,
  hasLink,
  namespaceExists,
  processesIn,
  wire,
} from './kernel.js';
import { isRecorded } from './keeper.js';
import type { LabPlan, LabPod } from './model.js';
import { namespaceNames, placeKey, POD_INTERFACE } from './names.js';
import { identify, killProcesses } from './processes.js';
import { waitFor } from './wait.js';
import { moveVnic, podWiring } from './wiring.js';

const VNIC_TIMEOUT_MS = 10_000;
const END_TIMEOUT_MS = 10_000;

/** Gives every pod of the plan its namespace and interface; what is as it should be stays untouched. */
export async function attachPods(
  lab: string,
  { plan, before }: { readonly plan: LabPlan; readonly before: LabPlan },
  signal: AbortSignal,
): Promise<void> {
  const { pods, podMtu } = plan;
  const known = new Map(before.pods.map((pod) => [pod.name, JSON.stringify(pod)]));
  await addNamespaces(pods.map(({ name }) => namespaceNames.pod(lab, name)));
  for (const pod of pods) {
    const attached = await hasLink(namespaceNames.pod(lab, pod.name), POD_INTERFACE);
    if (!attached) await takeVnic(lab, pod, signal);
    else if (known.get(pod.name) === JSON.stringify(pod) && podMtu === before.podMtu) continue;
    else await flushAddresses(lab, pod);
    await wire(podWiring(lab, pod, podMtu));
  }
}

/** Removes pods that the plan has no longer: their processes, then their namespaces. The keeper must know the new plan. */
export async function removePods(
  lab: string,
  gone: readonly LabPod[],
  signal: AbortSignal,
): Promise<void> {
  for (const { name } of gone) {
    const namespace = namespaceNames.pod(lab, name);
    await waitFor(() => !isRecorded(lab, placeKey(name)), {
      what: `the end of ${name}`,
      timeoutMs: END_TIMEOUT_MS,
      signal,
    });
    if (!namespaceExists(namespace)) continue;
    const left = await processesIn(namespace);
    await killProcesses(left.flatMap((pid) => identify(pid) ?? []));
    await deleteNamespaces([namespace]);
  }
}

async function takeVnic(lab: string, pod: LabPod, signal: AbortSignal): Promise<void> {
  const host = namespaceNames.host(lab, pod.node);
  await waitFor(() => hasLink(host, pod.interfaceName), {
    what: `${pod.interfaceName} of ${pod.name}`,
    timeoutMs: VNIC_TIMEOUT_MS,
    signal,
  });
  await commandsIn(host, [moveVnic(lab, pod)]);
}

async function flushAddresses(lab: string, { name }: LabPod): Promise<void> {
  await commandsIn(namespaceNames.pod(lab, name), [`addr flush dev ${POD_INTERFACE} scope global`]);
}
