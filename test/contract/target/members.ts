/** The contract's part on memberships. */
import { expect } from 'chai';
import type { Target } from '../../../src/opi/objects/target.js';
import { refused, type Use } from './contract.js';
import { group, namer, portGroup } from './samples.js';

const FEW = ['10.0.0.1/32', '10.0.0.0/24', 'fd00::1/128'];

/** Declares the tests of memberships. */
export function memberContract(use: Use): void {
  it(
    'keeps the initial membership of both forms',
    use(async (target) => {
      await target.applyBatch([
        { op: 'create', object: group, members: FEW },
        { op: 'create', object: portGroup, members: ['10.0.0.1,6:80', 'fd00::1,17:53'] },
      ]);
      await expectMembers(target, FEW);
      expect(await target.fetchMembers(portGroup.key)).to.deep.equal(
        new Set(['10.0.0.1,6:80', 'fd00::1,17:53']),
      );
    }),
  );

  it(
    'adds and removes idempotently',
    use(async (target) => {
      await withGroup(target, FEW);
      const added = ['10.0.0.1/32', '10.0.0.2/32'];
      const removed = ['10.0.0.0/24', '10.0.0.3/32'];
      for (const _ of [1, 2]) {
        await target.applyBatch([{ op: 'modifyMembers', key: group.key, added, removed }]);
        await expectMembers(target, ['10.0.0.1/32', '10.0.0.2/32', 'fd00::1/128']);
      }
    }),
  );

  it(
    'swaps in an uploaded membership, which nobody sees before',
    use(async (target) => {
      await withGroup(target, FEW);
      const token = await target.uploadMembers(group.key, ['10.9.0.0/16']);
      await expectMembers(target, FEW);
      await target.applyBatch([{ op: 'replaceMembers', key: group.key, uploadToken: token }]);
      await expectMembers(target, ['10.9.0.0/16']);
      const empty = await target.uploadMembers(group.key, []);
      await target.applyBatch([{ op: 'replaceMembers', key: group.key, uploadToken: empty }]);
      await expectMembers(target, []);
    }),
  );

  it(
    'refuses a token that it did not give',
    use(async (target) => {
      await withGroup(target, FEW);
      await refused(
        target.applyBatch([{ op: 'replaceMembers', key: group.key, uploadToken: 'never-given' }]),
        ['PRECONDITION', 'NOT_FOUND', 'INVALID'],
      );
      await expectMembers(target, FEW);
    }),
  );

  it(
    'refuses a malformed member and keeps the membership',
    use(async (target) => {
      await withGroup(target, FEW);
      await refused(
        target.applyBatch([
          { op: 'modifyMembers', key: group.key, added: ['10.0.0.9/32', 'nonsense'], removed: [] },
        ]),
        ['INVALID'],
      );
      await expectMembers(target, FEW);
    }),
  );

  it(
    'knows no membership of a group that is not there',
    use(async (target) => {
      const key = namer.key('addressGroup', 'nobody');
      await refused(target.fetchMembers(key), ['NOT_FOUND']);
      await refused(
        target.applyBatch([{ op: 'modifyMembers', key, added: ['10.0.0.1/32'], removed: [] }]),
        ['NOT_FOUND'],
      );
    }),
  );

  it(
    'stages and reads a membership of many pieces',
    use(async (target) => {
      const many = Array.from(
        { length: 60_000 },
        (_, n) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}/32`,
      );
      await withGroup(target, []);
      const token = await target.uploadMembers(group.key, many);
      await target.applyBatch([{ op: 'replaceMembers', key: group.key, uploadToken: token }]);
      const held = await target.fetchMembers(group.key);
      expect(held.size).to.equal(many.length);
      expect(many.every((member) => held.has(member))).to.equal(true);
    }),
  ).timeout(30_000);
}

async function withGroup(target: Target, members: readonly string[]): Promise<void> {
  await target.applyBatch([{ op: 'create', object: group, members }]);
}

async function expectMembers(target: Target, members: readonly string[]): Promise<void> {
  expect(await target.fetchMembers(group.key)).to.deep.equal(new Set(members));
}
