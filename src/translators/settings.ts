/** Settings of the translators: what neither Felix nor the XPU can tell. */

/** One of the node's own interfaces. */
export interface HostInterface {
  readonly name: string;
  /** Bare addresses; absent = the host addresses that Felix told. */
  readonly addresses?: readonly string[];
}

/** What translation needs to know beside the desired state. */
export interface TranslatorSettings {
  /** Owner of the objects: part of every id. Default the node name. */
  readonly ownerId: string;
  /** This node's name; Felix's `FelixHostname` wins where it is sent. */
  readonly nodeName: string;
  /** Interface the uplink port stands for. */
  readonly uplink: HostInterface;
  /** Further host interfaces: known so that a host endpoint on one is told from one that matches nothing. */
  readonly otherInterfaces: readonly HostInterface[];
  /** `ifname` of the host port's Interface. */
  readonly hostPort: string;
  /** MTU of the uplink, bytes: OPI tells none. Nothing that is planned depends on it; see `Translation.overlay`. */
  readonly uplinkMtu: number;
  /** Plain target: greatest count of rules in one SecurityPolicy, at most 65,535; beyond it a list fails closed. */
  readonly ruleBudget: number;
}

/** Settings of a node, with the defaults of every other field. */
export function defaultSettings(nodeName: string): TranslatorSettings {
  return {
    ownerId: nodeName,
    nodeName,
    uplink: { name: 'eth0' },
    otherInterfaces: [],
    hostPort: 'host0',
    uplinkMtu: 1500,
    ruleBudget: 65_535,
  };
}
