/** Ports: where packets enter and leave (k8s-extension: ports). */

/**
 * Name of a port. Several Vnics on the node's own interface are one host port. The tunnels are one port, too; `vpc` says
 * whose tunnel a packet comes in by, and without it the packet's domain is told by its destination.
 */
export type PortRef =
  | { readonly kind: 'vnic'; readonly id: string }
  | { readonly kind: 'host' }
  | { readonly kind: 'uplink' }
  | { readonly kind: 'tunnel'; readonly vpc?: string };

/** The host port. */
export const HOST_PORT: PortRef = { kind: 'host' };
/** The uplink port. */
export const UPLINK_PORT: PortRef = { kind: 'uplink' };
/** The inside of the tunnels. */
export const TUNNEL_PORT: PortRef = { kind: 'tunnel' };

/** Text of a port: `vnic/ID`, `host`, `uplink`, `tunnel`. */
export function portText(port: PortRef): string {
  return port.kind === 'vnic' ? `vnic/${port.id}` : port.kind;
}

/** True if both name the same port. */
export function samePort(a: PortRef, b: PortRef): boolean {
  return portText(a) === portText(b);
}
