/** Everything in a lab that sends and receives packets: its nodes and its pods. Pure. */
import { FAMILIES, type Family } from '../../base/ip.js';
import { LabError } from './errors.js';
import type { Addresses, LabNode, LabPlan, LabPod } from './model.js';
import { labPaths, namespaceNames } from './names.js';
import type { PlaceAddress } from './place-client.js';

/** A pod or a node. */
export interface LabPlace extends PlaceAddress {
  readonly kind: 'pod' | 'node';
  /** Name of the node that it is, or is on. */
  readonly node: string;
  readonly namespace: string;
  /** Where it is asked. */
  readonly addresses: Addresses;
}

/** All of them, pods first. */
export function placesOf(lab: string, { nodes, pods }: LabPlan): LabPlace[] {
  return [...pods.map((pod) => podPlace(lab, pod)), ...nodes.map((node) => nodePlace(lab, node))];
}

/** A node. */
export function nodePlace(lab: string, { name, addresses }: LabNode): LabPlace {
  return {
    kind: 'node',
    name,
    node: name,
    namespace: namespaceNames.host(lab, name),
    addresses,
    socketPath: labPaths(lab).place(name).socket,
  };
}

/** A pod. */
export function podPlace(lab: string, { name, node, addresses }: LabPod): LabPlace {
  return {
    kind: 'pod',
    name,
    node,
    namespace: namespaceNames.pod(lab, name),
    addresses: firstOfEach(addresses),
    socketPath: labPaths(lab).place(name).socket,
  };
}

/** By name; a pod also without its namespace where that is clear. Throws `LabError` with code `place`. */
export function findPlace(places: readonly LabPlace[], text: string): LabPlace {
  const exact = places.find(({ name }) => name === text);
  if (exact !== undefined) return exact;
  const [only, ...more] = places.filter(({ name }) => name.slice(name.indexOf('/') + 1) === text);
  if (only === undefined) {
    throw unknown(`"${text}" is no pod or node: ${places.map(({ name }) => name).join(', ')}`);
  }
  if (more.length === 0) return only;
  const all = [only, ...more].map(({ name }) => name);
  throw unknown(`"${text}" is ${all.join(' and ')}: name its namespace`);
}

/** Families that both have. */
export function commonFamilies(a: LabPlace, b: LabPlace): Family[] {
  return FAMILIES.filter(
    (family) => a.addresses[family] !== undefined && b.addresses[family] !== undefined,
  );
}

function firstOfEach(addresses: readonly string[]): Addresses {
  const v4 = addresses.find((address) => !address.includes(':'));
  const v6 = addresses.find((address) => address.includes(':'));
  return { ...(v4 === undefined ? {} : { 4: v4 }), ...(v6 === undefined ? {} : { 6: v6 }) };
}

function unknown(message: string): LabError {
  return new LabError({ code: 'place', op: 'find place', message });
}
