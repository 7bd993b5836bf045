import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { buildFrame, buildPacket } from '../../../src/lab/packets/build.js';
import { crc32c, internetChecksum } from '../../../src/lab/packets/checksum.js';
import { fragmentPacket } from '../../../src/lab/packets/fragment.js';
import { Marker } from '../../../src/lab/packets/marker.js';
import { parseFrame, parsePacket } from '../../../src/lab/packets/parse.js';
import { PROTOCOL, SCTP_CHUNK, TCP_FLAG, type PacketSpec } from '../../../src/lab/packets/spec.js';
import { decapsulate, encapsulate } from '../../../src/lab/packets/vxlan.js';
import { needs } from '../../support/root.js';

const text = (words: string): Uint8Array => new TextEncoder().encode(words);
const V4 = { source: '10.65.4.1', destination: '192.0.2.200' } as const;
const V6 = { source: 'fd65:0:0:1::1', destination: '2001:db8:ffff::fffe' } as const;

/** What tcpdump says of frames, one text each. It checks every checksum that it shows. */
function tcpdump(frames: readonly Uint8Array[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'cxp-pcap-'));
  try {
    const file = join(folder, 'frames.pcap');
    writeFileSync(file, pcap(frames));
    const args = ['-nvvv', '-t', '-e', '-r', file];
    const all = execFileSync('tcpdump', args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return all.split(/\n(?=\S)/).filter((one) => one !== '');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function pcap(frames: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(24);
  [0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1].forEach((word, at) => head.writeUInt32LE(word, 4 * at));
  const records = frames.map((frame) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(frame.length, 8);
    record.writeUInt32LE(frame.length, 12);
    return Buffer.concat([record, frame]);
  });
  return Buffer.concat([head, ...records]);
}

const framed = (packet: Uint8Array): Uint8Array =>
  buildFrame('02:00:00:00:00:01', 'ee:ee:ee:ee:ee:ee', packet);
const shown = (spec: PacketSpec): string => tcpdump([framed(buildPacket(spec))])[0] ?? '';

describe('packets as tcpdump reads them', () => {
  before(needs('tcpdump'));

  const payload = text('odd length payload!');

  it('TCP of both families: addresses, ports, flags, numbers, checksums', () => {
    for (const [addresses, between] of [
      [V4, '10.65.4.1.40000 > 192.0.2.200.443'],
      [V6, 'fd65:0:0:1::1.40000 > 2001:db8:ffff::fffe.443'],
    ] as const) {
      const tcp = { flags: TCP_FLAG.syn | TCP_FLAG.ack, sequence: 7, acknowledgement: 99 };
      const spec = { protocol: 6, sourcePort: 40000, destinationPort: 443, tcp, payload };
      const line = shown({ ...addresses, ...spec });
      expect(line).to.include(between).and.include('(correct)').and.include('Flags [S.]');
      expect(line)
        .to.match(/seq 7:26, ack 99/)
        .and.not.match(/bad|incorrect|truncated/);
    }
  });

  it('UDP of both families', () => {
    for (const addresses of [V4, V6]) {
      const line = shown({
        ...addresses,
        protocol: 17,
        sourcePort: 5000,
        destinationPort: 6000,
        payload,
      });
      expect(line).to.match(/\.5000 > .*\.6000: \[udp sum ok\] UDP, length 19/);
    }
  });

  it('SCTP with INIT and with DATA', () => {
    const ports = { protocol: 132, sourcePort: 5000, destinationPort: 6000, payload };
    const init = shown({ ...V4, ...ports });
    expect(init)
      .to.match(/sctp\s+1\) \[INIT\] \[init tag: 1\]/)
      .and.not.match(/bad/i);
    expect(shown({ ...V6, ...ports, sctpChunk: SCTP_CHUNK.abort })).to.match(/\[ABORT\]/);
  });

  it('ICMP: echo, timestamp, mask, redirect, and errors about a packet', () => {
    const icmp = (type: number, more = {}): string =>
      shown({ ...V4, protocol: 1, icmp: { type, ...more }, payload });
    expect(icmp(8, { id: 77, sequence: 3 })).to.include('echo request, id 77, seq 3');
    expect(icmp(13)).to.match(/time stamp query/);
    expect(icmp(17)).to.match(/address mask request/);
    const quoted = buildPacket({ ...V4, protocol: 17, sourcePort: 1111, destinationPort: 2222 });
    expect(icmp(3, { code: 4, mtu: 1450, quoted })).to.match(/need to frag \(mtu 1450\)/);
    expect(icmp(3, { code: 3, quoted })).to.match(/udp port 2222 unreachable[^]*\.1111 > .*\.2222/);
    for (const type of [0, 3, 5, 8, 11, 13]) {
      expect(icmp(type))
        .to.match(/ICMP/)
        .and.not.match(/wrong|bad|trunc/);
    }
  });

  it('ICMPv6: echo, errors, neighbour discovery with hop limit 255', () => {
    const icmp = (type: number, more = {}): string =>
      shown({ ...V6, protocol: 58, icmp: { type, ...more }, payload });
    expect(icmp(128, { id: 5, sequence: 6 })).to.include(
      '[icmp6 sum ok] ICMP6, echo request, id 5',
    );
    const quoted = buildPacket({ ...V6, protocol: 17, sourcePort: 1111, destinationPort: 2222 });
    expect(icmp(2, { mtu: 1400, quoted })).to.match(/sum ok\] ICMP6, packet too big, mtu 1400/);
    expect(icmp(1, { code: 4, quoted })).to.match(/unreachable port.* udp port 2222/);
    expect(icmp(135)).to.match(
      /hlim 255.*sum ok\] ICMP6, neighbor solicitation.*who has 2001:db8:ffff::fffe/,
    );
    for (const type of [1, 3, 4, 129, 133, 134, 136]) {
      expect(icmp(type))
        .to.match(/sum ok/)
        .and.not.match(/wrong|bad|trunc/);
    }
  });

  it('GRE, and protocols that it knows nothing of', () => {
    expect(shown({ ...V4, protocol: 47, payload: new Uint8Array(40) })).to.match(/GREv0/);
    expect(shown({ ...V6, protocol: 253, payload })).to.match(/unknown \(253\).*ip-proto-253 19/);
  });

  it('hop limit, identification and don’t fragment as told', () => {
    const spec = { ...V4, protocol: 17, hopLimit: 3, identification: 4242 };
    expect(shown(spec)).to.match(/ttl 3, id 4242,.*flags \[DF\]/);
    expect(shown({ ...spec, dontFragment: false })).to.match(/flags \[none\]/);
  });

  it('fragments of both families', () => {
    const big = { protocol: 17, sourcePort: 1, destinationPort: 2, payload: new Uint8Array(100) };
    const [first, second, third] = tcpdump(
      fragmentPacket(buildPacket({ ...V4, ...big }), 68, 9).map(framed),
    );
    expect(first).to.match(/id 9, offset 0, flags \[\+\]/);
    expect(second).to.match(/id 9, offset 48, flags \[\+\]/);
    expect(third).to.match(/id 9, offset 96, flags \[none\].*length 32/);
    const v6 = tcpdump(fragmentPacket(buildPacket({ ...V6, ...big }), 120, 0x12345).map(framed));
    expect(v6.map((one) => /frag \(([^)]*)\)/.exec(one)?.[1])).to.deep.equal([
      '0x00012345:0|72',
      '0x00012345:72|36',
    ]);
  });

  it('VXLAN over both families, with what is inside', () => {
    const inner = framed(buildPacket({ ...V4, protocol: 17, sourcePort: 7, destinationPort: 8 }));
    for (const outer of [
      { source: '172.30.0.2', destination: '172.30.0.1', vni: 4096 },
      { source: 'fd30::2', destination: 'fd30::1', vni: 4096, sourcePort: 61000 },
    ]) {
      const line = tcpdump([framed(encapsulate(outer, inner))]).join('\n');
      expect(line).to.match(/\[udp sum ok\] VXLAN, flags \[I\] \(0x08\), vni 4096/);
      expect(line).to.match(/10\.65\.4\.1\.7 > 192\.0\.2\.200\.8: \[udp sum ok\]/);
    }
  });
});

describe('packets as we read them', () => {
  const port = fc.integer({ min: 0, max: 65535 });
  const packets = fc.record({
    addresses: fc.constantFrom(V4, V6),
    protocol: fc.constantFrom(1, 6, 17, 47, 58, 132, 136, 253),
    sourcePort: port,
    destinationPort: port.filter((one) => one !== 4789),
    payload: fc.uint8Array({ maxLength: 300 }),
    id: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  });

  it('come back as they were written, marker included, whole or in pieces', () => {
    const marker = new Marker(42);
    fc.assert(
      fc.property(packets, ({ addresses, protocol, payload, id, ...ports }) => {
        const marked = Buffer.concat([payload, marker.mark(id)]);
        const bytes = buildPacket({ ...addresses, protocol, ...ports, payload: marked });
        const parsed = parseFrame(framed(bytes))!.packet;
        expect(parsed).to.include({ ...addresses, protocol, hopLimit: 64 });
        expect(marker.read(parsed.payload)).to.equal(id);
        if ([6, 17, 132, 136].includes(protocol)) expect(parsed).to.include(ports);
        const pieces = fragmentPacket(bytes, 96, 5).map((one) => parsePacket(one)!);
        const joined = Buffer.concat(pieces.map((one) => one.payload));
        expect(joined).to.deep.equal(Buffer.from(parsed.payload));
        if (pieces.length > 1) {
          expect(pieces.map((one) => one.fragment?.more).lastIndexOf(true)).to.equal(
            pieces.length - 2,
          );
          expect(pieces.every((one) => one.protocol === protocol)).to.equal(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('never throw for cut or random bytes', () => {
    const whole = framed(
      encapsulate({ ...V6, vni: 1 }, framed(buildPacket({ ...V4, protocol: 6 }))),
    );
    for (let length = 0; length < whole.length; length++) {
      expect(parseFrame(whole.subarray(0, length))).to.equal(undefined);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        const packet = parsePacket(bytes);
        if (packet !== undefined) decapsulate(packet);
      }),
      { numRuns: 2000 },
    );
  });

  it('finds a way through IPv6 extension headers', () => {
    const udp = buildPacket({ ...V6, protocol: 17, sourcePort: 5, destinationPort: 6 });
    const hopByHop = Buffer.concat([
      udp.subarray(0, 40),
      Buffer.from([17, 0, 1, 4, 0, 0, 0, 0]),
      udp.subarray(40),
    ]);
    hopByHop[6] = 0;
    hopByHop.writeUInt16BE(hopByHop.length - 40, 4);
    expect(parsePacket(hopByHop)).to.include({ protocol: 17, sourcePort: 5, destinationPort: 6 });
  });

  it('VXLAN is opened, anything else is not', () => {
    const inner = framed(buildPacket({ ...V6, protocol: PROTOCOL.sctp }));
    const packet = parsePacket(encapsulate({ ...V4, vni: 0xabcdef }, inner))!;
    expect(decapsulate(packet)).to.deep.equal({ vni: 0xabcdef, frame: inner });
    expect(decapsulate(parsePacket(buildPacket({ ...V4, protocol: 17 }))!)).to.equal(undefined);
  });

  it('marks of another run are not ours', () => {
    expect(new Marker(1).read(new Marker(2).mark(3))).to.equal(undefined);
    expect(new Marker(1).read(new Marker(1).mark(3).subarray(0, 11))).to.equal(undefined);
  });
});

describe('checksums', () => {
  it('CRC32c: the check value of the catalogue, and 32 zeros and ones of RFC 3720', () => {
    expect(crc32c(text('123456789'))).to.equal(0xe3069283);
    expect(crc32c(new Uint8Array(32))).to.equal(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).to.equal(0x62a8ab43);
  });

  it('Internet checksum: the example of RFC 1071, and odd lengths', () => {
    expect(internetChecksum(Uint8Array.of(0, 1, 0xf2, 3, 0xf4, 0xf5, 0xf6, 0xf7))).to.equal(0x220d);
    expect(internetChecksum(Uint8Array.of(1))).to.equal(0xfeff);
  });
});
