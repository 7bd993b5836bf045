/** MTU arithmetic, against header sizes and against the numbers that Calico's documentation gives. */
import { expect } from 'chai';
import fc from 'fast-check';
import {
  type Encapsulation,
  familiesBelowMinimum,
  innerMtu,
  podMtu,
  vxlanOverhead,
} from '../../src/overlay/mtu.js';

const ENCAPSULATIONS: readonly Encapsulation[] = ['none', 'vxlan-v4', 'vxlan-v6'];

describe('MTU arithmetic', () => {
  const table: readonly [underlay: number, Encapsulation, number][] = [
    [1500, 'none', 1500],
    [1500, 'vxlan-v4', 1450],
    [1500, 'vxlan-v6', 1430],
    [9000, 'vxlan-v4', 8950],
    [9000, 'vxlan-v6', 8930],
    [1460, 'vxlan-v4', 1410],
    [1280, 'none', 1280],
  ];
  for (const [underlay, encapsulation, expected] of table) {
    it(`${underlay} bytes, ${encapsulation}: ${expected}`, () => {
      expect(innerMtu(underlay, encapsulation)).to.equal(expected);
    });
  }

  it('VXLAN adds the headers of outer IP, UDP, VXLAN and inner Ethernet', () => {
    expect(vxlanOverhead(4)).to.equal(20 + 8 + 8 + 14);
    expect(vxlanOverhead(6)).to.equal(40 + 8 + 8 + 14);
  });

  it('what does not fit at all is 0, not negative', () => {
    expect(innerMtu(49, 'vxlan-v4')).to.equal(0);
    expect(innerMtu(50, 'vxlan-v4')).to.equal(0);
    expect(innerMtu(51, 'vxlan-v4')).to.equal(1);
  });

  it('pods have the smallest of what is in use', () => {
    expect(podMtu(1500, [])).to.equal(1500);
    expect(podMtu(1500, ['none'])).to.equal(1500);
    expect(podMtu(1500, ['vxlan-v4'])).to.equal(1450);
    expect(podMtu(1500, ['vxlan-v4', 'vxlan-v6'])).to.equal(1430);
    expect(podMtu(1500, ['vxlan-v6', 'none'])).to.equal(1430);
  });

  it('a packet of that size, encapsulated in any of them, fits the underlay; one byte more does not', () => {
    const added = { none: 0, 'vxlan-v4': 50, 'vxlan-v6': 70 };
    fc.assert(
      fc.property(
        fc.integer({ min: 1280, max: 65_535 }),
        fc.uniqueArray(fc.constantFrom(...ENCAPSULATIONS), { minLength: 1 }),
        (underlay, inUse) => {
          const mtu = podMtu(underlay, inUse);
          const worst = Math.max(...inUse.map((one) => added[one]));
          expect(mtu + worst).to.equal(underlay);
        },
      ),
    );
  });

  it('tells which families a link of that MTU may not have', () => {
    expect(familiesBelowMinimum(1280)).to.deep.equal([]);
    expect(familiesBelowMinimum(1279)).to.deep.equal([6]);
    expect(familiesBelowMinimum(innerMtu(1300, 'vxlan-v4'))).to.deep.equal([6]);
    expect(familiesBelowMinimum(67)).to.deep.equal([4, 6]);
  });
});
