/** Memberships and uploads: idempotent, atomic, and as quick at a million members as at ten. */
import { expect } from 'chai';
import fc from 'fast-check';
import { cidrContains, formatCidr, parseCidr, parseIp, type Cidr } from '../../../src/base/ip.js';
import { Address } from '../../../src/soft-xpu/store/address.js';
import { StoreError } from '../../../src/soft-xpu/store/errors.js';
import { canonicalMember } from '../../../src/soft-xpu/store/members.js';
import type { ObjectStore } from '../../../src/soft-xpu/store/object-store.js';
import { PrefixSet } from '../../../src/soft-xpu/store/prefix-set.js';
import type { HandClock } from '../node-fixture.js';
import { key, object, TestNode } from '../node-fixture.js';

const SET = key('addressGroup', 'set-1');

function storeWith(members: readonly string[], type: 'PREFIX' | 'IP_PORT' = 'PREFIX'): ObjectStore {
  const { store } = new TestNode().xpu;
  store.apply({
    op: 'create',
    object: object('addressGroup', 'set-1', { memberType: type }),
    members: { members },
  });
  return store;
}

function texts(store: ObjectStore): string[] {
  return [...(store.group('set-1')?.members.texts() ?? [])].sort();
}

const cidr = fc
  .tuple(fc.constantFrom(4, 6), fc.bigInt(0n, (1n << 128n) - 1n), fc.integer({ min: 0, max: 128 }))
  .map(([family, value, length]) => {
    const bits = family === 4 ? 32 : 128;
    const parts = { family: family, value: value % (1n << BigInt(bits)) };
    return parseCidr(formatCidr({ ...parts, length: length % (bits + 1) }))!;
  });

describe('soft-xpu store: prefix sets', () => {
  it('agree with a list of prefixes, add by add and delete by delete', () => {
    const change = fc.record({ add: fc.boolean(), at: fc.integer({ min: 0, max: 7 }) });
    fc.assert(
      fc.property(
        fc.array(cidr, { minLength: 8, maxLength: 8 }),
        fc.array(change, { maxLength: 30 }),
        (prefixes, changes) => {
          const set = new PrefixSet();
          const model = new Map<string, Cidr>();
          for (const { add, at } of changes) {
            const prefix = prefixes[at]!;
            const text = formatCidr(prefix);
            expect(add ? set.add(prefix) : set.delete(prefix)).to.equal(add !== model.has(text));
            if (add) model.set(text, prefix);
            else model.delete(text);
          }
          expect([...set.texts()].sort()).to.deep.equal([...model.keys()].sort());
          expect(set.size).to.equal(model.size);
          for (const { family, value } of prefixes) {
            const wanted = [...model.values()].some((held) =>
              cidrContains(held, { family, value }),
            );
            expect(set.contains(new Address({ family, value }))).to.equal(wanted);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('IPv6 networks that share their low bits do not collide: 100,000 /64 stay quick', () => {
    const set = new PrefixSet();
    for (let net = 0n; net < 100_000n; net++) {
      set.add({ family: 6, value: net << 64n, length: 64 });
    }
    const begun = performance.now();
    for (let net = 0n; net < 20_000n; net++) {
      expect(set.contains(new Address({ family: 6, value: (net << 64n) | 7n }))).to.equal(true);
    }
    expect(performance.now() - begun).to.be.lessThan(2000);
  });
});

describe('soft-xpu store: members', () => {
  it('canonical forms', () => {
    expect(canonicalMember('PREFIX', '10.1.2.3/8')).to.equal('10.0.0.0/8');
    expect(canonicalMember('PREFIX', 'fd00:0:0::1')).to.equal('fd00::1/128');
    expect(canonicalMember('PREFIX', '10.0.0.1,6:80')).to.equal(undefined);
    expect(canonicalMember('IP_PORT', 'fd00:0::1,17:53')).to.equal('fd00::1,17:53');
    for (const bad of ['10.0.0.1', '10.0.0.1,6', '10.0.0.1,300:1', '10.0.0.1,6:70000', 'x,6:1']) {
      expect(canonicalMember('IP_PORT', bad), bad).to.equal(undefined);
    }
  });

  it('adding what is there and removing what is not succeed and change no generation', () => {
    const store = storeWith(['10.0.0.0/8']);
    const before = store.group('set-1')?.generation;
    const { members } = store.apply({
      op: 'modifyMembers',
      key: SET,
      added: { members: ['10.0.0.0/8'] },
      removed: { members: ['10.9.0.0/16'] },
    });
    expect(members).to.include({ addedCount: 0, removedCount: 0, generation: before });
  });

  it('a member in both lists ends removed', () => {
    const store = storeWith(['10.0.0.0/8']);
    const both = { members: ['10.0.0.0/8', '10.1.0.0/16'] };
    store.apply({ op: 'modifyMembers', key: SET, added: both, removed: both });
    expect(texts(store)).to.deep.equal([]);
  });

  it('a stale generation is ABORTED and changes nothing', () => {
    const store = storeWith(['10.0.0.0/8']);
    const change = () =>
      store.apply({
        op: 'modifyMembers',
        key: SET,
        added: { members: ['10.1.0.0/16'] },
        removed: {},
        expectedGeneration: 999,
      });
    expect(change).to.throw(StoreError, 'generation').with.property('code', 'ABORTED');
    expect(texts(store)).to.deep.equal(['10.0.0.0/8']);
  });

  it('a generation never comes back, not even for a group made anew', () => {
    const store = storeWith([]);
    const first = store.group('set-1')!.generation;
    store.apply({ op: 'delete', key: SET });
    store.apply({
      op: 'create',
      object: object('addressGroup', 'set-1', { memberType: 'PREFIX' }),
    });
    expect(store.group('set-1')!.generation).to.be.greaterThan(first);
  });

  it('one member costs the same in a set of 200,000', () => {
    const { store } = new TestNode().xpu;
    const address = (n: number): string => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}/32`;
    const members = Array.from({ length: 200_000 }, (_, n) => address(n));
    const made = object('addressGroup', 'set-1', { memberType: 'PREFIX' });
    store.apply({ op: 'create', object: made, members: { members } });
    const begun = performance.now();
    for (let round = 0; round < 1000; round++) {
      const [added, removed] = [{ members: ['11.0.0.1/32'] }, { members: [address(round)] }];
      store.apply({ op: 'modifyMembers', key: SET, added, removed });
    }
    expect(performance.now() - begun).to.be.lessThan(1500);
    expect(store.group('set-1')?.members.size).to.equal(200_000 - 1000 + 1);
  });
});

describe('soft-xpu store: uploads', () => {
  it('pieces under a token are seen by nobody until a call names it, and the token is then used up', () => {
    const store = storeWith(['10.0.0.0/8']);
    const token = store.uploads.stage('', ['10.1.0.0/16']);
    expect(store.uploads.stage(token, ['10.2.0.0/16'])).to.equal(token);
    expect(texts(store)).to.deep.equal(['10.0.0.0/8']);
    const swap = () =>
      store.apply({ op: 'replaceMembers', key: SET, members: { uploadToken: token } });
    swap();
    expect(texts(store)).to.deep.equal(['10.1.0.0/16', '10.2.0.0/16']);
    expect(swap).to.throw(StoreError).with.property('code', 'NOT_FOUND');
  });

  it('staged members are added to the given ones, also as a delta', () => {
    const store = storeWith(['10.0.0.0/8']);
    const added = { members: ['10.1.0.0/16'], uploadToken: store.uploads.stage('', ['fd00::/8']) };
    const removed = { uploadToken: store.uploads.stage('', ['10.0.0.0/8']) };
    store.apply({ op: 'modifyMembers', key: SET, added, removed });
    expect(texts(store)).to.deep.equal(['10.1.0.0/16', 'fd00::/8']);
  });

  it('a refused batch leaves the upload as it was', () => {
    const store = storeWith([]);
    const token = store.uploads.stage('', ['10.1.0.0/16']);
    const members = { uploadToken: token, members: ['10.2.0.0/16'] };
    const batch = () =>
      store.applyBatch([
        { op: 'replaceMembers', key: SET, members },
        { op: 'delete', key: key('vpc', 'nobody') },
      ]);
    expect(batch).to.throw(StoreError);
    store.apply({ op: 'replaceMembers', key: SET, members: { uploadToken: token } });
    expect(texts(store)).to.deep.equal(['10.1.0.0/16']);
  });

  it('members of the wrong form are refused when the token is used', () => {
    const store = storeWith([], 'IP_PORT');
    const uploadToken = store.uploads.stage('', ['10.1.0.0/16']);
    expect(() => store.apply({ op: 'replaceMembers', key: SET, members: { uploadToken } }))
      .to.throw(StoreError)
      .with.property('code', 'INVALID_ARGUMENT');
  });

  it('a malformed piece stages nothing', () => {
    const store = storeWith([]);
    const token = store.uploads.stage('', ['10.1.0.0/16']);
    expect(() => store.uploads.stage(token, ['10.2.0.0/16', 'nonsense'])).to.throw(StoreError);
    expect([...store.uploads.staged(token).PREFIX.texts()]).to.deep.equal(['10.1.0.0/16']);
  });

  it('unused tokens expire, every piece moves that on', () => {
    const node = new TestNode();
    const clock: HandClock = node.clock;
    const { uploads } = node.xpu.store;
    const token = uploads.stage('', ['10.1.0.0/16']);
    clock.ms += 299_000;
    uploads.stage(token, ['10.2.0.0/16']);
    clock.ms += 299_000;
    expect(uploads.size).to.equal(1);
    clock.ms += 2000;
    expect(uploads.size).to.equal(0);
    expect(() => uploads.stage(token, []))
      .to.throw(StoreError)
      .with.property('code', 'NOT_FOUND');
  });
});

describe('soft-xpu store: addresses', () => {
  it('have prefix keys that tell prefixes of one length apart', () => {
    const keyOf = (text: string, length: number) => new Address(parseIp(text)!).prefixKey(length);
    expect(keyOf('10.1.2.3', 16)).to.equal(keyOf('10.1.9.9', 16));
    expect(keyOf('10.1.2.3', 16)).to.not.equal(keyOf('10.2.2.3', 16));
    expect(keyOf('200.1.2.3', 0)).to.equal(keyOf('10.2.2.3', 0));
    expect(keyOf('fd00::1', 64)).to.equal(keyOf('fd00::2', 64));
    expect(keyOf('fd00::1', 128)).to.not.equal(keyOf('fd00::2', 128));
  });
});
