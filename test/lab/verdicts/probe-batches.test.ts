import { expect } from 'chai';
import fc from 'fast-check';
import { connectionKeys, disjointBatches } from '../../../src/lab/verdicts/probe-batches.js';

const batches = (keys: readonly string[][], sizeMax: number): number[][] =>
  disjointBatches(
    keys.map((_, index) => index),
    (index) => keys[index]!,
    sizeMax,
  );

describe('batches of probes', () => {
  it('fill up in order, and never hold one key twice', () => {
    expect(batches([['a'], ['b'], ['a'], ['c'], ['a'], ['d']], 3)).to.deep.equal([
      [0, 1, 3],
      [2, 5],
      [4],
    ]);
    expect(batches([], 3)).to.deep.equal([]);
    expect(batches([[], [], []], 1)).to.deep.equal([[0], [1], [2]]);
  });

  it('hold every item once, whatever the keys', () => {
    const keys = fc.array(fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 2 }));
    fc.assert(
      fc.property(keys, fc.integer({ min: 1, max: 4 }), (all, sizeMax) => {
        const made = batches(all, sizeMax);
        expect(made.flat().sort((a, b) => a - b)).to.deep.equal(all.map((_, index) => index));
        for (const batch of made) {
          expect(batch).to.have.length.within(1, sizeMax);
          const used = batch.flatMap((index) => [...new Set(all[index])]);
          expect(new Set(used).size).to.equal(used.length);
        }
      }),
    );
  });

  const [a, b] = ['10.0.0.1', '10.0.0.2'];
  const there = { source: a, destination: b };
  const back = { source: b, destination: a };
  const share = (one: readonly string[], other: readonly string[]): boolean =>
    one.some((key) => other.includes(key));

  it('know a packet that would be the answer to another', () => {
    const tcp = connectionKeys({ ...there, protocol: 6, sourcePort: 1, destinationPort: 2 }, 1);
    const answer = { ...back, protocol: 6, sourcePort: 2, destinationPort: 1 };
    expect(share(tcp, connectionKeys(answer, 2))).to.equal(true);
    expect(share(tcp, connectionKeys({ ...answer, protocol: 17 }, 2))).to.equal(false);
    expect(share(tcp, connectionKeys({ ...answer, sourcePort: 3 }, 2))).to.equal(false);
    expect(
      share(tcp, connectionKeys({ ...back, protocol: 6, sourcePort: 1, destinationPort: 2 }, 2)),
    ).to.equal(false);
  });

  it('know that protocols without ports have one connection for two addresses', () => {
    const gre = connectionKeys({ ...there, protocol: 47 }, 1);
    expect(share(gre, connectionKeys({ ...back, protocol: 47 }, 2))).to.equal(true);
  });

  it('tell ICMP queries apart by their id, and errors by what they quote', () => {
    const echo = (icmpType: number, id: number): string[] =>
      connectionKeys({ ...there, protocol: 1, icmpType }, id);
    expect(share(echo(8, 1), echo(8, 2))).to.equal(false);
    expect(share(echo(8, 1), connectionKeys({ ...back, protocol: 1, icmpType: 0 }, 1))).to.equal(
      true,
    );
    const quoted = { ...back, protocol: 17, sourcePort: 1, destinationPort: 1 };
    expect(share(echo(3, 1), connectionKeys(quoted, 2))).to.equal(true);
    // ICMPv6 over IPv4 is a protocol without ports.
    expect(
      share(
        connectionKeys({ ...there, protocol: 58 }, 1),
        connectionKeys({ ...there, protocol: 58 }, 2),
      ),
    ).to.equal(true);
  });
});
