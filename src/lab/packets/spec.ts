/** A packet as whoever sends one writes it. */

/** IP protocol numbers that have a builder of their own; every other protocol is carried as bare payload. */
export const PROTOCOL = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  gre: 47,
  icmpv6: 58,
  sctp: 132,
  udplite: 136,
} as const;

/** TCP flags. */
export const TCP_FLAG = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 } as const;

/** SCTP chunk types. */
export const SCTP_CHUNK = { data: 0, init: 1, initAck: 2, abort: 6 } as const;

/** Header fields of TCP. */
export interface TcpSpec {
  /** Sum of `TCP_FLAG`; default SYN. */
  readonly flags?: number;
  readonly sequence?: number;
  readonly acknowledgement?: number;
  /** Default 65535. */
  readonly window?: number;
}

/** Fields of ICMP or ICMPv6, by the packet's family. */
export interface IcmpSpec {
  readonly type: number;
  /** Default 0. */
  readonly code?: number;
  /** Echo and its like: identifier and sequence number. */
  readonly id?: number;
  readonly sequence?: number;
  /** Frag needed, packet too big. */
  readonly mtu?: number;
  /** Errors: the packet they are about, whole or in its first bytes. Default: one that nobody sent. */
  readonly quoted?: Uint8Array;
}

/** An IP packet. Addresses are bare text of one family; ports are for protocols that have some. */
export interface PacketSpec {
  readonly source: string;
  readonly destination: string;
  /** IP protocol number. */
  readonly protocol: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly tcp?: TcpSpec;
  /** SCTP: type of the only chunk; default INIT. */
  readonly sctpChunk?: number;
  /** SCTP: default 0, as INIT has it. */
  readonly sctpTag?: number;
  readonly icmp?: IcmpSpec;
  /** Behind the transport header; may be empty. */
  readonly payload?: Uint8Array;
  /** TTL or hop limit; default 64, and 255 for neighbour discovery. */
  readonly hopLimit?: number;
  /** IPv4 only; default 0. */
  readonly identification?: number;
  /** IPv4 only; default true. */
  readonly dontFragment?: boolean;
}
