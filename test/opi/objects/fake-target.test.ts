/** What FakeTarget offers beside the contract: failures on request, observers, inspection, limits. */
import { expect } from 'chai';
import { OpiError } from '../../../src/opi/objects/errors.js';
import { FakeTarget, type FakeCall } from '../../../src/opi/objects/fake-target.js';
import { dumpPlan } from '../../../src/opi/objects/plan.js';

const vpc = { key: { kind: 'vpc', id: 'one' }, spec: {} } as const;
const group = { key: { kind: 'addressGroup', id: 'set' }, spec: { memberType: 'PREFIX' } } as const;

async function codeOf(call: Promise<unknown>): Promise<string | undefined> {
  const thrown: unknown = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  return thrown instanceof OpiError ? thrown.code : undefined;
}

describe('FakeTarget', () => {
  it('fails the next call, before or after its work', async () => {
    const target = new FakeTarget();
    target.failNext('create', { code: 'UNAVAILABLE' });
    expect(await codeOf(target.create(vpc))).to.equal('UNAVAILABLE');
    expect(target.object(vpc.key)).to.equal(undefined);
    target.failNext('create', { code: 'UNAVAILABLE', lostAnswer: true });
    expect(target.failuresLeft).to.equal(1);
    expect(await codeOf(target.create(vpc))).to.equal('UNAVAILABLE');
    expect(target.object(vpc.key)).to.deep.equal(vpc);
    expect(target.failuresLeft).to.equal(0);
  });

  it('refuses one object until it accepts it again, but never its deletion', async () => {
    const target = new FakeTarget();
    await target.create(vpc);
    target.refuse(vpc.key, 'INVALID');
    expect(await codeOf(target.update(vpc))).to.equal('INVALID');
    expect(await codeOf(target.delete(vpc.key))).to.equal(undefined);
    target.refuse(group.key, 'EXHAUSTED');
    const thrown = await target
      .applyBatch([
        { op: 'delete', key: group.key },
        { op: 'create', object: group },
      ])
      .catch((error: unknown) => error);
    expect((thrown as OpiError).operation).to.equal(1);
    target.accept(group.key);
    await target.applyBatch([{ op: 'create', object: group }]);
  });

  it('shows every call to observers, with the state that it left', async () => {
    const target = new FakeTarget();
    const seen: [FakeCall, number][] = [];
    const stop = target.observe((call) => seen.push([call, target.entries().length]));
    await target.create(vpc);
    await target.list('vpc');
    stop();
    await target.delete(vpc.key);
    expect(seen).to.deep.equal([
      [{ method: 'create', operations: ['create vpc/one'] }, 1],
      [{ method: 'list', operations: ['list vpc'] }, 1],
    ]);
    expect(target.writes.map(({ operations }) => operations)).to.deep.equal([
      ['create vpc/one'],
      ['delete vpc/one'],
    ]);
  });

  it('dumps as the plan that made it does', async () => {
    const target = new FakeTarget();
    const entries = [
      { object: vpc, origins: [] },
      { object: group, origins: [], members: new Set(['10.0.0.0/8', '10.0.0.1/32']) },
    ];
    target.seed(entries);
    expect(target.dump()).to.equal(dumpPlan(entries));
    target.tamperMembers(group.key, ['10.0.0.9/32']);
    expect(await target.fetchMembers(group.key)).to.deep.equal(new Set(['10.0.0.9/32']));
    target.lose(group.key);
    expect(target.entries().map(({ object }) => object.key.id)).to.deep.equal(['one']);
  });

  it('loses everything, uploads included, and changes its boot id when it restarts', async () => {
    const target = new FakeTarget();
    await target.applyBatch([{ op: 'create', object: group }]);
    const token = await target.uploadMembers(group.key, ['10.0.0.1/32']);
    const before = await target.probe();
    target.restart();
    expect((await target.probe()).bootId).to.not.equal(before.bootId);
    expect(target.dump()).to.equal('\n');
    await target.applyBatch([{ op: 'create', object: group }]);
    const swap = { op: 'replaceMembers', key: group.key, uploadToken: token } as const;
    expect(await codeOf(target.applyBatch([swap]))).to.equal('PRECONDITION');
  });

  it('keeps its table limits and undoes a batch that goes beyond them', async () => {
    const target = new FakeTarget({ limits: { addressGroup: 1, groupMembers: 2 } });
    const second = { ...group, key: { kind: 'addressGroup', id: 'second' } } as const;
    const both = [group, second].map((object) => ({ op: 'create', object }) as const);
    const refused = await target.applyBatch(both).catch((error: unknown) => error);
    expect(refused).to.include({ code: 'EXHAUSTED', operation: 1 });
    expect(target.dump()).to.equal('\n');
    await target.applyBatch([{ op: 'create', object: group, members: ['10.0.0.1/32'] }]);
    const added = ['10.0.0.2/32', '10.0.0.3/32'];
    const grow = { op: 'modifyMembers', key: group.key, added, removed: [] } as const;
    expect(await codeOf(target.applyBatch([grow]))).to.equal('EXHAUSTED');
    expect(target.members(group.key)).to.deep.equal(new Set(['10.0.0.1/32']));
  });
});
