/** The small words of `src/base`: canonical JSON, hashes, backoff, errors, the clock. */
import { expect } from 'chai';
import fc from 'fast-check';
import { backoffDelay } from '../../src/base/backoff.js';
import { systemClock } from '../../src/base/clock.js';
import { CodedError, errorText, InternalError, invariant } from '../../src/base/errors.js';
import { hashText } from '../../src/base/hash.js';
import { canonicalJson } from '../../src/base/json.js';

describe('canonical JSON', () => {
  it('is the same text whatever the order of keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const backwards = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(backwards)).to.equal(canonicalJson(value));
        // What JSON itself can say stays what it is.
        expect(JSON.parse(canonicalJson(value))).to.deep.equal(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('loses no member, whatever its name', () => {
    const text = '{"__proto__":null,"constructor":1}';
    expect(canonicalJson(JSON.parse(text))).to.equal(text);
  });

  it('keeps the order of lists, and none of sets and maps', () => {
    expect(canonicalJson([2, 1])).to.equal('[2,1]');
    expect(canonicalJson(new Set(['b', 'a']))).to.equal('["a","b"]');
    expect(
      canonicalJson(
        new Map([
          ['b', 1],
          ['a', 2],
        ]),
      ),
    ).to.equal('[["a",2],["b",1]]');
  });

  it('leaves out what is undefined, and writes bytes and big integers', () => {
    expect(canonicalJson({ b: undefined, a: 10n, c: new Uint8Array([255, 1]) })).to.equal(
      '{"a":"10","c":"ff01"}',
    );
  });
});

describe('hashes', () => {
  it('are base32 of SHA-256', () => {
    // SHA-256 of "abc" begins ba7816bf 8f: 10111 01001 11100 00001 01101 01111 11100 01111.
    expect(hashText('abc', 8)).to.equal('xj4bnp4p');
  });

  it('of any length up to 51 are beginnings of each other', () => {
    const whole = hashText('text', 51);
    expect(whole).to.match(/^[a-z2-7]{51}$/);
    for (const length of [1, 8, 18, 50])
      expect(hashText('text', length)).to.equal(whole.slice(0, length));
  });
});

describe('backoff', () => {
  it('doubles up to its bound, with a floor of half a step', () => {
    const limits = { firstMs: 100, maxMs: 1_000 };
    const least = [0, 1, 2, 3, 4, 100].map((attempt) => backoffDelay(attempt, limits, () => 0));
    const most = [0, 1, 2, 3, 4, 100].map((attempt) => backoffDelay(attempt, limits, () => 1));
    expect(least).to.deep.equal([50, 100, 200, 400, 500, 500]);
    expect(most).to.deep.equal([100, 200, 400, 800, 1_000, 1_000]);
  });
});

describe('errors', () => {
  it('carry code, operation and cause', () => {
    const cause = new Error('root');
    const error = new CodedError({ code: 'broken', op: 'try', message: 'it did not work', cause });
    expect(error).to.include({
      code: 'broken',
      op: 'try',
      message: 'try: it did not work',
      name: 'CodedError',
    });
    expect(error.cause).to.equal(cause);
    expect('cause' in new CodedError({ code: 'c', op: 'o', message: 'm' })).to.equal(false);
  });

  it('of our own are told apart', () => {
    expect(() => invariant(false, 'must hold')).to.throw(InternalError, 'must hold');
    expect(() => invariant(true, 'must hold')).not.to.throw();
    expect(errorText('text')).to.equal('text');
    expect(errorText(new Error('told'))).to.equal('told');
  });
});

describe('the clock', () => {
  it('runs an action after its delay, once, unless cancelled', async () => {
    const ran: string[] = [];
    systemClock.after(0, () => ran.push('soon'));
    systemClock.after(5, () => ran.push('later'));
    systemClock.after(0, () => ran.push('never')).cancel();
    systemClock.after(5, () => ran.push('never')).cancel();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(ran).to.deep.equal(['soon', 'later']);
  });
});
