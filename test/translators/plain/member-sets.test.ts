/** IP sets as address sets: what follows from a change is what reading the whole set gives. */
import { expect } from 'chai';
import fc from 'fast-check';
import { FAMILIES, parseIp } from '../../../src/base/ip.js';
import { ipSetId } from '../../../src/model/ids.js';
import type { SetView } from '../../../src/translators/policy/lowering.js';
import {
  type MemberSet,
  MemberSets,
  materialise,
} from '../../../src/translators/policy/plain/member-sets.js';

const ID = ipSetId('s:1');

/** A set that is read once and then follows its changes. */
class Follower {
  readonly sets = new MemberSets();
  private readonly members: Set<string>;

  constructor(...members: string[]) {
    this.members = new Set(members);
    this.sets.read(() => this.view);
    for (const family of FAMILIES) this.sets.get(ID, family);
  }

  get view(): SetView {
    return { type: 'net', members: this.members };
  }

  change(added: readonly string[], removed: readonly string[]): this {
    for (const member of added) this.members.add(member);
    for (const member of removed) this.members.delete(member);
    this.sets.follow(ID, { added, removed });
    return this;
  }

  holds(address: string): boolean {
    const ip = parseIp(address)!;
    const set = this.sets.get(ID, ip.family);
    return set.kind === 'net' && set.addresses.has(ip.value);
  }
}

describe('plain lowering: members of a set', () => {
  it('an address that goes is still held by a prefix around it (corner 61)', () => {
    const set = new Follower('10.0.0.0/8', '10.1.0.1/32', '10.2.0.1/32');
    set.change([], ['10.1.0.1/32']);
    expect(set.holds('10.1.0.1')).to.equal(true);
    set.change([], ['10.0.0.0/8']);
    expect([set.holds('10.1.0.1'), set.holds('10.2.0.1')]).to.deep.equal([false, true]);
  });

  it('a prefix that goes leaves the members inside it (corner 61)', () => {
    const set = new Follower('10.0.0.0/8', '10.1.0.0/16').change([], ['10.0.0.0/8']);
    expect([set.holds('10.1.2.3'), set.holds('10.2.2.3')]).to.deep.equal([true, false]);
  });

  it('an address that goes while a prefix around it comes', () => {
    const set = new Follower('10.1.0.1/32', 'fd00::1/128');
    set.change(['10.1.0.0/24'], ['10.1.0.1/32', 'fd00::1/128']);
    expect([set.holds('10.1.0.1'), set.holds('10.1.0.2'), set.holds('fd00::1')]).to.deep.equal([
      true,
      true,
      false,
    ]);
  });

  it('keeps the object of the family that did not change', () => {
    const set = new Follower('10.1.0.1/32', 'fd00::1/128');
    const before = set.sets.get(ID, 6);
    set.change(['10.1.0.2/32'], []);
    expect(set.sets.get(ID, 6)).to.equal(before);
  });

  it('a text that is no prefix makes the set unusable for both families', () => {
    const view: SetView = { type: 'net', members: new Set(['10.0.0.1/32', 'no address']) };
    const kinds = FAMILIES.map((family) => materialise(ID, view, family).kind);
    expect(kinds).to.deep.equal(['unusable', 'unusable']);
  });

  it('random changes: the same as reading the set whole', () => {
    const member = fc.constantFrom(
      ...['10.0.0.0', '10.0.0.1', '10.0.0.2', '10.0.0.3'].map((ip) => `${ip}/32`),
      ...['10.0.0.0/30', '10.0.0.0/31', '10.0.0.2/31', '0.0.0.0/1', 'fd00::/127'],
      ...['fd00::/128', 'fd00::1/128', 'fd00::2/128'],
    );
    const steps = fc.array(fc.uniqueArray(member, { maxLength: 4 }), { maxLength: 12 });
    fc.assert(
      fc.property(fc.uniqueArray(member), steps, (first, toggles) => {
        const set = new Follower(...first);
        for (const toggle of toggles) {
          const { members } = set.view;
          const added = toggle.filter((text) => !members.has(text));
          set.change(
            added,
            toggle.filter((text) => !added.includes(text)),
          );
          for (const family of FAMILIES) {
            const whole = materialise(ID, set.view, family);
            expect(boundsOf(set.sets.get(ID, family))).to.deep.equal(boundsOf(whole));
          }
        }
      }),
    );
  });
});

function boundsOf(set: MemberSet): string[] {
  return set.kind === 'net' ? set.addresses.bounds.map(String) : [set.kind];
}
