/** What Felix tells of the cluster beside policy: nodes, pools, namespaces, service accounts, services. */
import { formatCidr } from '../../../base/ip.js';
import type { Draft, Encapsulation, ToDataplane } from '../../../gen/felix/types.js';
import { given } from '../given.js';
import type {
  Labels,
  PoolResource,
  ProfileResource,
  NodeResource,
  ServiceResource,
} from '../resources/resource.js';
import { NAMESPACE_PROFILE_PREFIX, SERVICE_ACCOUNT_PROFILE_PREFIX } from '../resources/sets.js';
import { NAMESPACE_PREFIX, SERVICE_ACCOUNT_PREFIX } from '../selector/scope.js';

/** A node with at least one address. */
export function nodeMessages(node: NodeResource): Draft<ToDataplane>[] {
  const { name, ipv4, ipv6, asNumber, labels } = node;
  if (ipv4 === '' && ipv6 === '') return [];
  const update = given({
    hostname: name,
    ipv4_addr: ipv4,
    ipv6_addr: ipv6,
    asnumber: asNumber,
    labels,
  });
  return [{ host_metadata_update: update }];
}

/** An IP pool. */
export function poolMessage(pool: PoolResource): Draft<ToDataplane> {
  const cidr = formatCidr(pool.cidr);
  return {
    ipam_pool_update: {
      id: cidr.replace('/', '-'),
      pool: given({
        cidr,
        masquerade: pool.natOutgoing,
        ipip_mode: pool.ipipMode,
        vxlan_mode: pool.vxlanMode,
        allowed_uses: pool.allowedUses,
      }),
    },
  };
}

/** Encapsulations that the pools use. */
export function encapsulationOf(pools: readonly PoolResource[]): Draft<Encapsulation> {
  const uses = (family: number, mode: 'ipipMode' | 'vxlanMode'): boolean =>
    pools.some((pool) => pool.cidr.family === family && pool[mode] !== '');
  return given({
    ipip_enabled: uses(4, 'ipipMode'),
    vxlan_enabled: uses(4, 'vxlanMode'),
    vxlan_enabled_v6: uses(6, 'vxlanMode'),
  });
}

/** The namespace or service account that a profile stands for. */
export function profileSubject(profile: ProfileResource): Draft<ToDataplane>[] {
  const { name, labelsToApply } = profile;
  if (name.startsWith(NAMESPACE_PROFILE_PREFIX)) {
    const id = { name: name.slice(NAMESPACE_PROFILE_PREFIX.length) };
    return [{ namespace_update: { id, labels: inherited(labelsToApply, NAMESPACE_PREFIX) } }];
  }
  const [prefix, namespace = '', ...rest] = name.split('.');
  if (`${prefix ?? ''}.` !== SERVICE_ACCOUNT_PROFILE_PREFIX || rest.length === 0) return [];
  const id = { namespace, name: rest.join('.') };
  const labels = inherited(labelsToApply, SERVICE_ACCOUNT_PREFIX);
  return [{ service_account_update: { id, labels } }];
}

/** A service. */
export function serviceMessage(service: ServiceResource): Draft<ToDataplane> {
  return {
    service_update: given({
      name: service.name,
      namespace: service.namespace,
      type: service.type,
      cluster_ips: service.clusterIps,
      loadbalancer_ip: service.loadBalancerIp,
      external_ips: service.externalIps,
      ports: service.ports.map(({ protocol, port, nodePort }) => ({
        Protocol: protocol,
        Port: port,
        ...(nodePort === 0 ? {} : { NodePort: nodePort }),
      })),
    }),
  };
}

function inherited(labels: Labels, prefix: string): Labels {
  return Object.fromEntries(
    Object.entries(labels)
      .filter(([label]) => label.startsWith(prefix))
      .map(([label, value]) => [label.slice(prefix.length), value]),
  );
}
