/** What a pod or node is asked over the unix socket of its process: one JSON object per line, one answer per line. Pure. */

/** Protocols that are probed with real packets. */
export const PROBE_PROTOCOLS = ['tcp', 'udp', 'icmp'] as const;

/** One of them. */
export type ProbeProtocol = (typeof PROBE_PROTOCOLS)[number];

/** One attempt to reach an address. */
export interface ProbeTask {
  readonly protocol: ProbeProtocol;
  readonly address: string;
  /** 0 for ICMP. */
  readonly port: number;
  /** Who should answer. */
  readonly owner: string;
  readonly timeoutMs: number;
}

/** What came of it. */
export interface ProbeOutcome {
  /** The first packet came out at the owner. */
  readonly passes: boolean;
  /** For people: `reply`, `refused`, `timeout`, `no reply from OWNER but from NAME`, an error of the kernel. */
  readonly detail: string;
  /** Until the answer, or until it was given up. */
  readonly ms: number;
}

/** A question. */
export type PlaceRequest =
  | { readonly op: 'listen'; readonly tcp: readonly number[]; readonly udp: readonly number[] }
  | { readonly op: 'probe'; readonly tasks: readonly ProbeTask[] };

/** An answer. */
export type PlaceAnswer =
  | {
      readonly op: 'listen';
      /** Ports that somebody else in the pod listens on, `80/tcp`. */
      readonly taken: readonly string[];
    }
  | { readonly op: 'probe'; readonly outcomes: readonly ProbeOutcome[] }
  | { readonly op: 'error'; readonly message: string };

/** What a listener of ours says first, so that a probe knows where it came out. */
export function greeting(owner: string): string {
  return `calico-xpu lab: ${owner}\n`;
}

/** Who greeted; `undefined` for a listener that is not ours. */
export function greeter(text: string): string | undefined {
  return /^calico-xpu lab: (.*)\n/.exec(text)?.[1];
}
