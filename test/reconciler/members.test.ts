/** Membership: what differs is what is written, whatever happens while a piece is in flight. */
import { expect } from 'chai';
import fc from 'fast-check';
import { Membership } from '../../src/reconciler/members.js';

const key = { kind: 'addressGroup', id: 'g' } as const;

function known(wanted: Set<string>, held: Iterable<string> = wanted): Membership {
  const membership = new Membership(wanted);
  membership.compare(new Set(held));
  return membership;
}

describe('Membership', () => {
  it('is not settled before it was compared', () => {
    expect(new Membership(new Set()).settled).to.equal(false);
    expect(known(new Set(['a'])).settled).to.equal(true);
  });

  it('hands out the difference to what is held', () => {
    const membership = known(new Set(['a', 'b']), ['b', 'c']);
    expect(membership.take()).to.deep.equal({ added: ['a'], removed: ['c'] });
    expect(membership.settled).to.equal(false);
    membership.confirm();
    expect(membership.settled).to.equal(true);
  });

  it('cancels what came and went', () => {
    const membership = known(new Set());
    membership.note({ key, added: ['a'], removed: [] });
    membership.note({ key, added: [], removed: ['a'] });
    expect(membership.settled).to.equal(true);
  });

  it('says how the membership was when it was handed out, though the view moves on', () => {
    const wanted = new Set(['a', 'b']);
    const membership = known(wanted, []);
    membership.startWhole();
    wanted.add('c');
    wanted.delete('a');
    membership.note({ key, added: ['c'], removed: ['a'] });
    expect(new Set(membership.captured())).to.deep.equal(new Set(['a', 'b']));
    membership.confirm();
    expect(membership.take()).to.deep.equal({ added: ['c'], removed: ['a'] });
  });

  it('reads a small membership again after an unknown outcome, and writes a large one again', () => {
    const small = known(new Set(['a']), []);
    small.take();
    small.giveBack(true);
    expect(small.stale).to.equal(true);
    const large = known(new Set(Array.from({ length: 50_001 }, (_, n) => `m${n}`)));
    large.note({ key, added: ['m1', 'm2'], removed: ['x'] });
    large.take();
    large.note({ key, added: [], removed: ['m2'] });
    large.giveBack(true);
    expect(large.take()).to.deep.equal({ added: ['m1'], removed: ['m2', 'x'] });
  });

  it('converges after any changes, pieces, refusals and answers', () => {
    const names = ['a', 'b', 'c', 'd'];
    const change = fc.record({ add: fc.subarray(names), remove: fc.subarray(names) });
    const piece = fc.record({ during: change, answer: fc.constantFrom('done', 'refused', 'lost') });
    fc.assert(
      fc.property(fc.array(fc.oneof(change, piece)), fc.subarray(names), (steps, start) => {
        const wanted = new Set<string>();
        const held = new Set<string>(start);
        const membership = known(wanted, held);
        for (const step of steps) {
          if ('add' in step) tell(membership, wanted, step);
          else write(membership, wanted, held, step);
        }
        if (membership.stale) membership.compare(held);
        applyPiece(held, membership.take());
        expect(held).to.deep.equal(wanted);
      }),
    );
  });
});

interface Change {
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

function tell(membership: Membership, wanted: Set<string>, { add, remove }: Change): void {
  const added = add.filter((name) => !wanted.has(name));
  const removed = remove.filter((name) => wanted.has(name) && !add.includes(name));
  for (const name of added) wanted.add(name);
  for (const name of removed) wanted.delete(name);
  membership.note({ key, added, removed });
}

function write(
  membership: Membership,
  wanted: Set<string>,
  held: Set<string>,
  { during, answer }: { during: Change; answer: string },
): void {
  if (membership.stale) membership.compare(held);
  const taken = membership.take();
  tell(membership, wanted, during);
  if (answer !== 'refused') applyPiece(held, taken);
  if (answer === 'done') membership.confirm();
  else membership.giveBack(answer === 'lost');
}

function applyPiece(
  held: Set<string>,
  { added, removed }: { added: readonly string[]; removed: readonly string[] },
): void {
  for (const name of removed) held.delete(name);
  for (const name of added) held.add(name);
}
