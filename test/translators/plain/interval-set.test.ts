/** Interval sets against plain sets of numbers. */
import { expect } from 'chai';
import fc from 'fast-check';
import {
  bigintDomain,
  numberDomain,
  type IntervalSet,
} from '../../../src/translators/policy/plain/interval-set.js';

const SIZE = 64;
const domain = numberDomain(SIZE);

const rangesArb = fc.array(
  fc
    .tuple(fc.integer({ min: 0, max: SIZE - 1 }), fc.integer({ min: 0, max: SIZE - 1 }))
    .map(([a, b]) => ({ low: Math.min(a, b), high: Math.max(a, b) })),
  { maxLength: 20 },
);

function values(set: IntervalSet<number>): number[] {
  return Array.from({ length: SIZE }, (_, value) => value).filter((value) => set.has(value));
}

function expected(ranges: readonly { low: number; high: number }[]): Set<number> {
  const all = new Set<number>();
  for (const { low, high } of ranges) for (let value = low; value <= high; value++) all.add(value);
  return all;
}

describe('interval sets', () => {
  it('agree with sets of numbers on every operation', () => {
    fc.assert(
      fc.property(rangesArb, rangesArb, (left, right) => {
        const [a, b] = [domain.ofRanges(left), domain.ofRanges(right)];
        const [x, y] = [expected(left), expected(right)];
        const sorted = (set: Iterable<number>): number[] => [...set].sort((m, n) => m - n);
        const common = sorted([...x].filter((value) => y.has(value)));
        expect(values(a)).to.deep.equal(sorted(x));
        expect(values(a.and(b))).to.deep.equal(common);
        expect(values(a.or(b))).to.deep.equal(sorted(new Set([...x, ...y])));
        expect(values(a.minus(b))).to.deep.equal(sorted([...x].filter((value) => !y.has(value))));
        expect(a.overlaps(b)).to.equal(common.length > 0);
        expect(a.covers(b)).to.equal([...y].every((value) => x.has(value)));
        expect(a.equals(b)).to.equal(x.size === y.size && common.length === x.size);
      }),
    );
  });

  it('keep their ranges disjoint, sorted and merged', () => {
    const set = domain.ofRanges([
      { low: 8, high: 9 },
      { low: 0, high: 3 },
      { low: 4, high: 5 },
      { low: 8, high: 8 },
    ]);
    expect([...set.ranges()]).to.deep.equal([
      { low: 0, high: 5 },
      { low: 8, high: 9 },
    ]);
    expect(set.rangeCount).to.equal(2);
    expect(set.hull().bounds).to.deep.equal([0, 10]);
  });

  it('know the full and the empty set by identity', () => {
    const half = domain.ofRanges([{ low: 0, high: 31 }]);
    expect(half.or(half.complement())).to.equal(domain.full);
    expect(half.and(half.complement())).to.equal(domain.empty);
    expect(domain.full.minus(domain.full)).to.equal(domain.empty);
  });

  it('cut a few ranges out of very many the same way', () => {
    const many = Array.from({ length: 4000 }, (_, index) => {
      const low = BigInt(index) * 4n;
      return { low, high: low + 1n };
    });
    const large = bigintDomain(32).ofRanges(many);
    const small = bigintDomain(32).ofRanges([{ low: 5n, high: 9n }]);
    expect(small.and(large).bounds).to.deep.equal([5n, 6n, 8n, 10n]);
    expect(large.and(small).bounds).to.deep.equal([5n, 6n, 8n, 10n]);
    expect(large.minus(large.complement()).equals(large)).to.equal(true);
  });
});
