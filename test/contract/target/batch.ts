/** The contract's part on ApplyBatch: all or nothing. */
import { expect } from 'chai';
import type { Target } from '../../../src/opi/objects/target.js';
import { createAll, expectListed, idsOf, refused, type Use } from './contract.js';
import {
  binding,
  group,
  namer,
  object,
  otherGroup,
  otherRules,
  policy,
  portGroup,
  uplinkBinding,
  vnicKey,
} from './samples.js';

const GROUPS = [
  { op: 'create', object: group, members: ['10.0.0.1/32', 'fd00::1/128'] },
  { op: 'create', object: otherGroup },
  { op: 'create', object: portGroup, members: ['10.0.0.1,6:8080'] },
] as const;

/** Everything of the extension in one batch. */
const EVERYTHING = [
  ...GROUPS,
  { op: 'create', object: policy },
  { op: 'create', object: binding },
  { op: 'create', object: uplinkBinding },
] as const;

/** Declares the tests of batches. */
export function batchContract(use: Use): void {
  it(
    'applies groups, policies and bindings in one batch, spec for spec',
    use(async (target) => {
      await createAll(target);
      await target.applyBatch(EVERYTHING);
      for (const { object: wanted } of EVERYTHING) await expectListed(target, wanted);
      const again = [...EVERYTHING].map(({ object: wanted }) => ({
        op: 'create' as const,
        object: wanted,
      }));
      await target.applyBatch(again);
      for (const { object: wanted } of EVERYTHING) await expectListed(target, wanted);
    }),
  );

  it(
    'judges references by the end of the batch, not by its order',
    use(async (target) => {
      await createAll(target);
      await target.applyBatch([...EVERYTHING].reverse());
      await expectListed(target, binding);
    }),
  );

  it(
    'updates and deletes together, and takes deletes of what is not there',
    use(async (target) => {
      await createAll(target);
      await target.applyBatch(EVERYTHING);
      const changed = { ...policy, spec: { ingressRules: otherRules, egressRules: [] } };
      await target.applyBatch([
        { op: 'delete', key: uplinkBinding.key },
        { op: 'update', object: changed },
        { op: 'delete', key: group.key },
        { op: 'delete', key: namer.key('networkPolicy', 'never-there') },
      ]);
      await expectListed(target, changed);
      expect(await idsOf(target, 'addressGroup')).to.not.include(group.key.id);
      expect(await idsOf(target, 'policyBinding')).to.deep.equal([binding.key.id]);
    }),
  );

  it(
    'makes an object anew within one batch',
    use(async (target) => {
      await target.applyBatch(GROUPS);
      const anew = object('addressGroup', 'set', { memberType: 'IP_PORT' });
      await target.applyBatch([
        { op: 'delete', key: group.key },
        { op: 'create', object: anew, members: ['10.0.0.1,17:53'] },
      ]);
      await expectListed(target, anew);
      expect(await target.fetchMembers(anew.key)).to.deep.equal(new Set(['10.0.0.1,17:53']));
    }),
  );

  refusals(use);
}

function refusals(use: Use): void {
  it(
    'applies nothing of a batch that would leave a reference dangling',
    use(async (target) => {
      await createAll(target);
      await target.applyBatch(EVERYTHING);
      const before = await everything(target);
      const error = await refused(
        target.applyBatch([
          { op: 'modifyMembers', key: otherGroup.key, added: ['10.7.0.0/16'], removed: [] },
          { op: 'delete', key: uplinkBinding.key },
          { op: 'delete', key: group.key },
        ]),
        ['PRECONDITION'],
      );
      expect([undefined, 2]).to.include(error.operation);
      expect(await everything(target)).to.deep.equal(before);
    }),
  );

  it(
    'applies nothing of a batch with an object that has no referent',
    use(async (target) => {
      await refused(target.applyBatch([GROUPS[0], { op: 'create', object: policy }]), [
        'PRECONDITION',
      ]);
      expect(await everything(target)).to.deep.equal([[], [], [], undefined]);
    }),
  );

  it(
    'refuses an update of what is not there, and names the operation if any',
    use(async (target) => {
      const error = await refused(
        target.applyBatch([GROUPS[0], GROUPS[1], GROUPS[2], { op: 'update', object: policy }]),
        ['NOT_FOUND'],
      );
      expect([undefined, 3]).to.include(error.operation);
      expect(await idsOf(target, 'addressGroup')).to.deep.equal([]);
    }),
  );

  it(
    'refuses a create over another spec',
    use(async (target) => {
      await target.applyBatch([...GROUPS, { op: 'create', object: policy }]);
      const other = { ...policy, spec: { ingressRules: [], egressRules: [] } };
      await refused(target.applyBatch([{ op: 'create', object: other }]), ['ALREADY_EXISTS']);
      await expectListed(target, policy);
    }),
  );

  it(
    'refuses a second binding of one port',
    use(async (target) => {
      await createAll(target);
      await target.applyBatch(EVERYTHING);
      const second = object('policyBinding', 'second', {
        ...binding.spec,
        port: { vnic: vnicKey },
      });
      await refused(target.applyBatch([{ op: 'create', object: second }]), [
        'PRECONDITION',
        'ALREADY_EXISTS',
        'INVALID',
      ]);
      expect(await idsOf(target, 'policyBinding')).to.have.length(2);
      await target.applyBatch([
        { op: 'delete', key: binding.key },
        { op: 'create', object: second },
      ]);
      await expectListed(target, second);
    }),
  );

  it(
    'refuses a group of the wrong form in a rule',
    use(async (target) => {
      const [rule] = policy.spec.ingressRules;
      const source = { ...rule!.match.source, groups: [portGroup.key] };
      const wrong = object('networkPolicy', 'wrong', {
        ingressRules: [{ ...rule!, match: { ...rule!.match, source } }],
        egressRules: [],
      });
      await refused(target.applyBatch([...GROUPS, { op: 'create', object: wrong }]), ['INVALID']);
      expect(await idsOf(target, 'addressGroup')).to.deep.equal([]);
    }),
  );

  it(
    'refuses to delete a vNIC that a binding names',
    use(async (target) => {
      await createAll(target);
      await target.applyBatch(EVERYTHING);
      await refused(target.delete(vnicKey), ['PRECONDITION', 'UNKNOWN']);
      await expectListed(target, binding);
    }),
  );
}

async function everything(target: Target): Promise<unknown> {
  const groups = await idsOf(target, 'addressGroup');
  return [
    groups,
    await idsOf(target, 'networkPolicy'),
    await idsOf(target, 'policyBinding'),
    groups.includes(otherGroup.key.id) ? await target.fetchMembers(otherGroup.key) : undefined,
  ];
}
