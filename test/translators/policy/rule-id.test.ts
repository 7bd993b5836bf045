import { expect } from 'chai';
import type { RuleOrigin } from '../../../src/translators/policy/program.js';
import { parseRulePlace, ruleId } from '../../../src/translators/policy/rule-id.js';

function origin(name: string, namespace = 'shop', index = 0): RuleOrigin {
  const id = { kind: 'NetworkPolicy', namespace, name, tier: '' };
  return { source: { kind: 'policy', id, tier: 'default' }, direction: 'egress', index };
}

describe('ruleId', () => {
  it('names tier, policy, direction and index', () => {
    expect(ruleId(origin('db', 'shop', 12))).to.equal(
      'policy/default/NetworkPolicy/shop/db/egress/12',
    );
  });

  it('names a profile', () => {
    const source = { kind: 'profile', name: 'kns.default' } as RuleOrigin['source'];
    expect(ruleId({ source, direction: 'ingress', index: 0 })).to.equal(
      'profile/kns.default/ingress/0',
    );
  });

  it('escapes what parts the parts, and all that is not printable ASCII', () => {
    const id = { kind: '', namespace: '', name: 'blue/staged:default.ü', tier: 'default' };
    const text = ruleId({
      source: { kind: 'policy', id, tier: 'default' },
      direction: 'ingress',
      index: 1,
    });
    expect(text).to.equal('policy/default///blue%2Fstaged:default.%C3%BC/ingress/1');
  });

  it('stays within 128 characters and tells long names of one beginning apart', () => {
    const [a, b] = ['a', 'b'].map((end) => ruleId(origin(`${'x'.repeat(200)}${end}`, 'y', 99_999)));
    for (const text of [a!, b!]) {
      expect(text.length).to.be.at.most(128);
      expect(text).to.match(/^[\x21-\x7e]+$/);
      expect(parseRulePlace(text)).to.deep.equal({ direction: 'egress', index: 99_999 });
    }
    expect(a).to.not.equal(b);
  });

  it('is read back as the place in its list', () => {
    expect(parseRulePlace(ruleId(origin('egress', 'ingress', 7)))).to.deep.equal({
      direction: 'egress',
      index: 7,
    });
    expect(parseRulePlace('deny-all')).to.equal(undefined);
  });
});
