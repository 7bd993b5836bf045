import { expect } from 'chai';
import { policyRefOf, tierPolicyRef } from '../../src/oracle/policy-ref.js';
import { policyIdBytes } from '../support/felix/wire.js';

const name = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('oracle: policy references', () => {
  it('reads a PolicyID, whatever its first field', () => {
    const cases = [
      { kind: 'NetworkPolicy', namespace: 'shop', name: 'p' },
      { kind: 'GlobalNetworkPolicy', namespace: '', name: 'p' },
      { kind: 'GlobalNetworkPolicy', namespace: '', name: '' },
      { kind: 'NetworkPolicy', namespace: 'n'.repeat(200), name: '' },
    ];
    for (const id of cases) {
      const update = policyRefOf({ tier: '', ...id });
      expect(tierPolicyRef(policyIdBytes(id), 'any').key).to.equal(update.key);
    }
  });

  it('reads a name of an older Felix; its tier is part of the key', () => {
    const old = { name: 'default.p', tier: 'default', namespace: '', kind: '' };
    expect(tierPolicyRef(name('default.p'), 'default').key).to.equal(policyRefOf(old).key);
    expect(tierPolicyRef(name('default.p'), 'other').key).not.to.equal(policyRefOf(old).key);
  });

  it('keeps equal names of two namespaces and of two kinds apart', () => {
    const keys = [
      { kind: 'NetworkPolicy', namespace: 'a', name: 'p' },
      { kind: 'NetworkPolicy', namespace: 'b', name: 'p' },
      { kind: 'KubernetesNetworkPolicy', namespace: 'a', name: 'p' },
    ].map((id) => tierPolicyRef(policyIdBytes(id), 'default').key);
    expect(new Set(keys).size).to.equal(3);
  });

  it('tells staged policies by kind, and in older names behind the namespace only', () => {
    const staged = (entry: Uint8Array): boolean => tierPolicyRef(entry, 'default').staged;
    const id = { namespace: 'blue', name: 'p' };
    expect(staged(policyIdBytes({ kind: 'StagedNetworkPolicy', ...id }))).to.equal(true);
    expect(staged(policyIdBytes({ kind: 'NetworkPolicy', ...id }))).to.equal(false);
    expect(staged(name('blue/staged:default.p'))).to.equal(true);
    expect(staged(name('staged:default.p'))).to.equal(true);
    expect(staged(name('default.staged:p'))).to.equal(false);
    expect(
      staged(policyIdBytes({ kind: 'NetworkPolicy', namespace: '', name: 'staged:p' })),
    ).to.equal(false);
  });
});
