/** Addresses of OPI servers. */

/** Port of OPI servers that are named without one. */
export const DEFAULT_PORT = 50151;

/** The address in the form gRPC takes: `unix:/path` or `host:port`. */
export function grpcTarget(address: string): string {
  if (address.startsWith('/')) return `unix:${address}`;
  if (/^(unix|dns|ipv4|ipv6):/.test(address)) return address;
  if (/\]:\d+$|^[^:]+:\d+$/.test(address)) return address;
  if (address.startsWith('[')) return `${address}:${DEFAULT_PORT}`;
  return address.includes(':') ? `[${address}]:${DEFAULT_PORT}` : `${address}:${DEFAULT_PORT}`;
}
