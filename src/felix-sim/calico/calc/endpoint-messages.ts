/** Local endpoints as messages. */
import { formatCidr, formatIp, type Family } from '../../../base/ip.js';
import type {
  Draft,
  HostEndpointUpdate,
  QoSControls,
  WorkloadBpfSkipRedir,
  WorkloadEndpointUpdate,
} from '../../../gen/felix/types.js';
import { given } from '../given.js';
import type { HostEndpointResource, WorkloadResource } from '../resources/resource.js';
import type { EndpointTiers } from './tiers.js';

/** KubeVirt's label of a pod that holds a virtual machine. */
const VM_LABEL = ['kubevirt.io', 'virt-launcher'] as const;

/** A workload endpoint. */
export function workloadMessage(
  workload: WorkloadResource,
  { normal }: EndpointTiers,
): Draft<WorkloadEndpointUpdate> {
  const { nats, nets } = workload;
  const netsOf = (family: Family): string[] =>
    nets.filter((net) => net.family === family).map(formatCidr);
  const natsOf = (isV6: boolean) =>
    nats
      .filter(({ internal }) => internal.includes(':') === isV6)
      .map(({ external, internal }) => ({ ext_ip: external, int_ip: internal }));
  return {
    id: {
      orchestrator_id: workload.orchestrator,
      workload_id: workload.workload,
      endpoint_id: workload.endpoint,
    },
    endpoint: given({
      state: 'active',
      name: workload.interfaceName,
      mac: workload.mac,
      profile_ids: workload.profiles,
      ipv4_nets: netsOf(4),
      ipv6_nets: netsOf(6),
      tiers: normal,
      ipv4_nat: natsOf(false),
      ipv6_nat: natsOf(true),
      allow_spoofed_source_prefixes: workload.spoofedPrefixes,
      annotations: workload.annotations,
      qos_controls: workload.qos,
      skip_redir: skipRedirection(workload),
    }),
  };
}

/** A host endpoint. */
export function hostEndpointMessage(
  endpoint: HostEndpointResource,
  tiers: EndpointTiers,
): Draft<HostEndpointUpdate> {
  const addressesOf = (family: Family): string[] =>
    endpoint.nets.filter((net) => net.family === family).map(formatIp);
  return {
    id: { endpoint_id: endpoint.name },
    endpoint: given({
      name: endpoint.interfaceName,
      profile_ids: endpoint.profiles,
      expected_ipv4_addrs: addressesOf(4),
      expected_ipv6_addrs: addressesOf(6),
      tiers: tiers.normal,
      untracked_tiers: tiers.untracked,
      pre_dnat_tiers: tiers.preDnat,
      forward_tiers: tiers.forward,
    }),
  };
}

/** Only Felix's BPF data plane looks at it: rate limits and virtual machines need the slow way. */
function skipRedirection({
  qos,
  labels,
}: WorkloadResource): Draft<WorkloadBpfSkipRedir> | undefined {
  const isVm = labels[VM_LABEL[0]] === VM_LABEL[1];
  const Ingress = isVm || limits(qos, 'IngressBandwidth', 'IngressPacketRate');
  const Egress = limits(qos, 'EgressBandwidth', 'EgressPacketRate');
  return Ingress || Egress ? given({ Egress, Ingress }) : undefined;
}

function limits(
  qos: Draft<QoSControls> | undefined,
  ...names: readonly (keyof QoSControls)[]
): boolean {
  return names.some((name) => Number(qos?.[name] ?? 0) > 0);
}
