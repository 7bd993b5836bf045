import { expect } from 'chai';
import fc from 'fast-check';
import { formatCidr, parseCidr } from '../../src/base/ip.js';
import { canonicalMember } from '../../src/translators/members.js';

describe('canonicalMember: prefixes', () => {
  const rows: [string, string | undefined][] = [
    ['10.0.0.1', '10.0.0.1/32'],
    ['10.0.0.1/32', '10.0.0.1/32'],
    ['255.255.255.255/32', '255.255.255.255/32'],
    ['10.0.0.9/8', '10.0.0.0/8'],
    ['0.0.0.0/1', '0.0.0.0/1'],
    ['FD00:0:0::1', 'fd00::1/128'],
    ['fd00::/8', 'fd00::/8'],
    ['10.0.0.01/32', undefined],
    ['10.0.0/32', undefined],
    ['10.0.0.0.1/32', undefined],
    ['10.0.0.256/32', undefined],
    ['10..0.1/32', undefined],
    ['.10.0.1/32', undefined],
    ['10.0.0.1/33', undefined],
    ['/32', undefined],
    ['10.0.0.1,tcp:80', undefined],
    ['', undefined],
  ];
  for (const [text, canonical] of rows) {
    it(`${JSON.stringify(text)} -> ${canonical}`, () => {
      expect(canonicalMember('net', text)).to.equal(canonical);
    });
  }

  it('agrees with the general parser on every text that looks like an IPv4 host prefix', () => {
    const part = fc.oneof(
      fc.nat(300).map(String),
      fc.constantFrom('', '00', '01', 'a', '-1', '1e1'),
    );
    fc.assert(
      fc.property(fc.array(part, { minLength: 3, maxLength: 5 }), (parts) => {
        const text = `${parts.join('.')}/32`;
        const cidr = parseCidr(text);
        expect(canonicalMember('net', text)).to.equal(cidr && formatCidr(cidr));
      }),
    );
  });
});

describe('canonicalMember: addresses with ports', () => {
  const rows: [string, string | undefined][] = [
    ['10.0.0.1,tcp:80', '10.0.0.1,6:80'],
    ['10.0.0.1,UDP:53', '10.0.0.1,17:53'],
    ['fd00:0::1,sctp:5060', 'fd00::1,132:5060'],
    ['10.0.0.1,tcp:0', '10.0.0.1,6:0'],
    ['10.0.0.1,tcp:65536', undefined],
    ['10.0.0.1,tcp:080', undefined],
    ['10.0.0.1,gre:80', undefined],
    ['10.0.0.1/32,tcp:80', undefined],
    ['10.0.0.1', undefined],
    ['fd00::1', undefined],
  ];
  for (const [text, canonical] of rows) {
    it(`${JSON.stringify(text)} -> ${canonical}`, () => {
      expect(canonicalMember('ip-port', text)).to.equal(canonical);
    });
  }
});
