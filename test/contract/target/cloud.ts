/** The contract's part on network/cloud: one call per object. */
import { expect } from 'chai';
import { CLOUD_KINDS, keyText } from '../../../src/opi/objects/key.js';
import type { OpiErrorCode } from '../../../src/opi/objects/errors.js';
import { specText } from '../../../src/opi/objects/plan.js';
import {
  cloud,
  createAll,
  expectListed,
  idsOf,
  refused,
  type ContractTraits,
  type Use,
} from './contract.js';
import { cloudChanges, cloudObjects, namer, object, securityPolicy } from './samples.js';

/** Declares the tests of cloud objects. */
export function cloudContract(traits: ContractTraits, use: Use): void {
  const codes = (...proper: OpiErrorCode[]): OpiErrorCode[] =>
    traits.strict ? proper : [...proper, 'UNKNOWN', 'NOT_FOUND', 'INVALID'];

  it(
    'lists nothing of any kind at first',
    use(async (target) => {
      for (const kind of CLOUD_KINDS) expect(await idsOf(target, kind), kind).to.deep.equal([]);
    }),
  );

  it(
    'lists what was created, every kind, spec for spec',
    use(async (target) => {
      await createAll(target);
      for (const sample of cloudObjects) await expectListed(target, sample);
    }),
  );

  it(
    'takes a repeated create of an equal object',
    use(async (target) => {
      await createAll(target);
      await createAll(target);
      for (const sample of cloudObjects) await expectListed(target, sample);
    }),
  );

  it(
    'never says yes to a create while another spec is there',
    use(async (target) => {
      await createAll(target);
      for (const change of cloudChanges) {
        const created = await target.create(cloud(change)).then(
          () => true,
          () => false,
        );
        if (created) await expectListed(target, change);
      }
    }),
  );

  it(
    'replaces whole specs by update, and takes the same update twice',
    use(async (target) => {
      await createAll(target);
      for (const change of [...cloudChanges, ...cloudChanges]) {
        await target.update(cloud(change));
        await expectListed(target, change);
      }
    }),
  );

  it(
    'deletes in reverse, and takes a repeated delete',
    use(async (target) => {
      await createAll(target);
      for (const { key } of [...cloudObjects].reverse())
        await target.delete(cloud({ key } as never).key);
      for (const { key } of cloudObjects) await target.delete(cloud({ key } as never).key);
      for (const kind of CLOUD_KINDS) expect(await idsOf(target, kind), kind).to.deep.equal([]);
    }),
  );

  it(
    'makes an object anew under the id of a deleted one',
    use(async (target) => {
      const name = 'again';
      await target.create(object('securityPolicy', name, securityPolicy(4, 80)));
      await target.delete(namer.key('securityPolicy', name));
      const again = object('securityPolicy', name, securityPolicy(6, 80));
      await target.create(again);
      await expectListed(target, again);
    }),
  );

  it(
    'refuses an update of an object that is not there',
    use(async (target) => {
      await refused(
        target.update(object('routeTable', 'nobody', { family: 4 })),
        codes('NOT_FOUND'),
      );
      expect(await idsOf(target, 'routeTable')).to.deep.equal([]);
    }),
  );

  it(
    'refuses an object whose referent is missing',
    use(async (target) => {
      const orphan = object('subnet', 'orphan', { vpc: namer.key('vpc', 'nobody') });
      await refused(target.create(orphan), codes('PRECONDITION'));
      expect(await idsOf(target, 'subnet')).to.deep.equal([]);
    }),
  );

  it(
    'refuses to delete what is referred to',
    use(async (target) => {
      await createAll(target);
      const vpc = cloudObjects.find(({ key }) => key.kind === 'vpc')!;
      await refused(target.delete(cloud(vpc).key), codes('PRECONDITION'));
      await expectListed(target, vpc);
    }),
  );

  it(
    'refuses a malformed object as INVALID',
    use(async (target) => {
      const broken = object('securityPolicy', 'broken', {
        ...securityPolicy(4, 80),
        rules: [0, 1].map(() => securityPolicy(4, 80).rules[0]!),
      });
      await refused(target.create(broken), codes('INVALID'));
      expect(await idsOf(target, 'securityPolicy')).to.deep.equal([]);
    }),
  );

  it(
    'shows foreign objects by their own ids',
    use(async (target) => {
      const foreign = { key: { kind: 'vpc', id: 'somebody-elses' }, spec: {} } as const;
      await target.create(foreign);
      expect((await idsOf(target, 'vpc')).map((id) => namer.isOurs(id))).to.deep.equal([false]);
      expect(await idsOf(target, 'vpc')).to.deep.equal(['somebody-elses']);
    }),
  );

  it(
    'lists more objects than fit on a page, each once',
    use(async (target) => {
      const many = Array.from({ length: 120 }, (_, index) =>
        object('securityPolicy', `many-${index}`, securityPolicy(4, index + 1)),
      );
      await Promise.all(many.map((each) => target.create(each)));
      const found = await target.list('securityPolicy');
      const text = (objects: readonly { key: unknown }[]): string[] =>
        objects
          .map(
            (each) =>
              `${keyText((each as never as (typeof many)[0]).key)} ${specText(each as never)}`,
          )
          .sort();
      expect(text(found)).to.deep.equal(text(many));
    }),
  );
}
