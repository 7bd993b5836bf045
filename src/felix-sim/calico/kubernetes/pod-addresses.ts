/** Addresses of a pod: its status, or before that is written what Calico's CNI plugin noted. */
import { parseCidr, type Cidr } from '../../../base/ip.js';
import type { Labels } from '../resources/resource.js';
import type { Field } from '../yaml/field.js';

const IPS_ANNOTATION = 'cni.projectcalico.org/podIPs';
const IP_ANNOTATION = 'cni.projectcalico.org/podIP';
const FINISHED: readonly unknown[] = ['Failed', 'Succeeded', 'Completed'];

/** Host prefixes. None for a finished pod: its addresses may already be another's. */
export function podAddresses(pod: Field, annotations: Labels): Cidr[] {
  if (isFinished(pod, annotations)) return [];
  const status = pod.at('status');
  const several = status
    .at('podIPs')
    .items()
    .map((address) => address.at('ip').cidr());
  if (several.length > 0) return several;
  const single = status.at('podIP').orAbsent;
  if (single !== undefined && single.value !== '') return [single.cidr()];
  const notes = pod.at('metadata').at('annotations');
  const listed = annotations[IPS_ANNOTATION] ?? '';
  if (listed !== '') return listed.split(',').map((text) => noted(notes.at(IPS_ANNOTATION), text));
  const one = annotations[IP_ANNOTATION] ?? '';
  return one === '' ? [] : [noted(notes.at(IP_ANNOTATION), one)];
}

/** Over, or going and already without its address, which the CNI plugin tells by an empty annotation. */
function isFinished(pod: Field, annotations: Labels): boolean {
  if (FINISHED.includes(pod.at('status').at('phase').value)) return true;
  return pod.at('metadata').at('deletionTimestamp').given && annotations[IP_ANNOTATION] === '';
}

function noted(field: Field, text: string): Cidr {
  return parseCidr(text) ?? field.refuse(`${text} is no address`);
}
