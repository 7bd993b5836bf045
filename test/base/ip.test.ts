/** Addresses and prefixes, held against the library ip-address and against known bytes. */
import { expect } from 'chai';
import fc from 'fast-check';
import { Address4, Address6 } from 'ip-address';
import {
  cidrContains,
  cidrRange,
  compareCidr,
  formatCidr,
  formatIp,
  hostCidr,
  ipFromBytes,
  ipToBytes,
  parseCidr,
  parseIp,
  type IpAddress,
} from '../../src/base/ip.js';

const ip4 = fc
  .bigInt({ min: 0n, max: 0xffff_ffffn })
  .map((value): IpAddress => ({ family: 4, value }));
/** Groups are often zero, so that runs of zeros of every length and place occur. */
const ip6 = fc
  .array(fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 0xffffn })), {
    minLength: 8,
    maxLength: 8,
  })
  .map((groups): IpAddress => ({
    family: 6,
    value: groups.reduce((all, group) => (all << 16n) | group, 0n),
  }));
const ip = fc.oneof(ip4, ip6);

function libraryValue(text: string): bigint {
  return text.includes(':') ? new Address6(text).bigInt() : new Address4(text).bigInt();
}

describe('addresses', () => {
  it('read and write what the library reads', () => {
    fc.assert(
      fc.property(ip, (address) => {
        const text = formatIp(address);
        expect(libraryValue(text)).to.equal(address.value);
        expect(parseIp(text)).to.deep.equal(address);
      }),
    );
  });

  it('write IPv6 as RFC 5952 does', () => {
    fc.assert(
      fc.property(ip6, (address) => {
        const library = Address6.fromBigInt(address.value).correctForm();
        // The library writes IPv4-mapped addresses with dots; RFC 5952 only recommends it.
        if (!library.includes('.')) expect(formatIp(address)).to.equal(library);
      }),
    );
  });

  it('read every form of IPv6', () => {
    fc.assert(
      fc.property(ip6, (address) => {
        const library = Address6.fromBigInt(address.value);
        for (const form of [library.canonicalForm(), library.correctForm(), library.to4in6()]) {
          expect(parseIp(form), form).to.deep.equal(address);
          expect(parseIp(form.toUpperCase()), form).to.deep.equal(address);
        }
      }),
    );
  });

  it('become bytes in network order and come back', () => {
    expect([...ipToBytes({ family: 4, value: 0x0a000002n })]).to.deep.equal([10, 0, 0, 2]);
    const bytes = ipToBytes({ family: 6, value: 0x20010db8_00000000_00000000_000000ffn });
    expect(Buffer.from(bytes).toString('hex')).to.equal('20010db80000000000000000000000ff');
    fc.assert(
      fc.property(ip, (address) => {
        expect(ipFromBytes(ipToBytes(address))).to.deep.equal(address);
        // Bytes that are a part of a larger buffer, as those of a message are.
        const within = Buffer.concat([
          Buffer.from([1, 2, 3]),
          ipToBytes(address),
          Buffer.from([4]),
        ]);
        expect(ipFromBytes(within.subarray(3, within.length - 1))).to.deep.equal(address);
      }),
    );
    for (const length of [0, 3, 5, 15, 17])
      expect(ipFromBytes(new Uint8Array(length))).to.equal(undefined);
  });

  for (const text of [
    '',
    '10.0.0',
    '10.0.0.256',
    '010.0.0.1',
    '0x7f.0.0.1',
    ' 10.0.0.1',
    '10.0.0.1 ',
    '1::2::3',
    ':::',
    'fe80::1%eth0',
    '12345::',
    '::1.2.3',
    'ten',
  ]) {
    it(`refuse "${text}"`, () => {
      expect(parseIp(text)).to.equal(undefined);
    });
  }
});

describe('prefixes', () => {
  const cidr = fc.oneof(
    fc.tuple(ip4, fc.integer({ min: 0, max: 32 })),
    fc.tuple(ip6, fc.integer({ min: 0, max: 128 })),
  );

  it('clear host bits, and hold what the library says they hold', () => {
    fc.assert(
      fc.property(cidr, ip, ([address, length], other) => {
        const text = `${formatIp(address)}/${length}`;
        const prefix = parseCidr(text);
        const library = address.family === 4 ? new Address4(text) : new Address6(text);
        expect(prefix?.value).to.equal(library.startAddress().bigInt());
        expect(prefix && cidrRange(prefix)).to.deep.equal({
          family: address.family,
          low: library.startAddress().bigInt(),
          high: library.endAddress().bigInt(),
        });
        expect(prefix && cidrContains(prefix, address)).to.equal(true);
        const within =
          other.family === address.family &&
          other.value >= library.startAddress().bigInt() &&
          other.value <= library.endAddress().bigInt();
        expect(prefix && cidrContains(prefix, other)).to.equal(within);
        expect(prefix && parseCidr(formatCidr(prefix))).to.deep.equal(prefix);
      }),
    );
  });

  it('of a bare address hold that address alone', () => {
    expect(parseCidr('10.0.0.1')).to.deep.equal(hostCidr({ family: 4, value: 0x0a000001n }));
    expect(parseCidr('::1')).to.deep.equal({ family: 6, value: 1n, length: 128 });
  });

  it('are ordered by family, address, length', () => {
    const sorted = ['10.0.0.0/8', '10.0.0.0/16', '10.1.0.0/16', '::/0', 'fe80::/10'];
    const shuffled = [3, 1, 4, 0, 2].map((index) => sorted[index] ?? '');
    const parsed = shuffled.flatMap((text) => parseCidr(text) ?? []);
    expect(parsed.sort(compareCidr).map(formatCidr)).to.deep.equal(sorted);
  });

  for (const text of [
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '/8',
    '10.0.0.0/ 8',
  ]) {
    it(`refuse "${text}"`, () => {
      expect(parseCidr(text)).to.equal(undefined);
    });
  }
});
