/** What a commit tells of a membership is the difference between before and after, whatever the operations between. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import type { Commit, StoreOperation } from '../../../src/soft-xpu/store/object-store.js';
import { createMemoryXpu } from '../../../src/soft-xpu/memory-xpu.js';

const KEY = { kind: 'addressGroup', id: 'g' } as const;
const OBJECT = { key: KEY, spec: { memberType: 'PREFIX' } } as const;

const members = fc.array(
  fc.integer({ min: 1, max: 6 }).map((n) => `10.0.0.${n}/32`),
  { maxLength: 4 },
);

const operation: fc.Arbitrary<StoreOperation> = fc.oneof(
  members.map((list) => ({ op: 'create', object: OBJECT, members: { members: list } }) as const),
  members.map((list) => ({ op: 'replaceMembers', key: KEY, members: { members: list } }) as const),
  fc.tuple(members, members).map(
    ([came, went]) =>
      ({
        op: 'modifyMembers',
        key: KEY,
        added: { members: came },
        removed: { members: went },
      }) as const,
  ),
  fc.constant({ op: 'delete', key: KEY } as const),
);

describe('soft-xpu store: member deltas', () => {
  it('random batches: the net delta leads from the old membership to the new one', () => {
    const batches = fc.array(fc.array(operation, { minLength: 1, maxLength: 5 }), { maxLength: 8 });
    fc.assert(
      fc.property(batches, (all) => {
        const { store } = createMemoryXpu();
        let commit: Commit | undefined;
        store.onCommit((made) => (commit = made));
        for (const batch of all) {
          const before = membersOf(store.group('g'));
          commit = undefined;
          try {
            store.applyBatch(batch);
          } catch {
            expect(membersOf(store.group('g'))).to.deep.equal(before);
            continue;
          }
          const after = membersOf(store.group('g'));
          const { added, removed } = (commit as Commit | undefined)?.groups.get('g')?.net() ?? NONE;
          expect([...added].sort()).to.deep.equal(after.filter((text) => !before.includes(text)));
          expect([...removed].sort()).to.deep.equal(before.filter((text) => !after.includes(text)));
        }
      }),
      { numRuns: 500 },
    );
  });
});

const NONE = { added: new Set<string>(), removed: new Set<string>() };

function membersOf(
  group: { readonly members: { texts(): Iterable<string> } } | undefined,
): string[] {
  return [...(group?.members.texts() ?? [])].sort();
}
