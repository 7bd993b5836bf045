import { expect } from 'chai';
import { ipSetId, type IpSetId } from '../../../src/model/ids.js';
import type { Rule, RuleAction } from '../../../src/model/policy.js';
import { normaliseRule } from '../../../src/translators/policy/normalise.js';
import type { NormalRule } from '../../../src/translators/policy/program.js';
import { checkSets, type SetHealth, setUses } from '../../../src/translators/policy/set-uses.js';
import { anySide, policyId, rule } from '../support/model.js';

const SETS: Readonly<Record<string, SetHealth>> = {
  net: { type: 'net', badMembers: 0 },
  port: { type: 'ip-port', badMembers: 0 },
  spoiled: { type: 'net', badMembers: 2 },
};

function rules(...list: readonly Rule[]): NormalRule[] {
  return list.flatMap((one, index) => {
    const source = { kind: 'policy', id: policyId('p'), tier: 'default' } as const;
    return normaliseRule(one, { source, direction: 'ingress', index }).rule ?? [];
  });
}

const check = (...list: readonly Rule[]) => checkSets(rules(...list), (id: IpSetId) => SETS[id]);
const from = (...ids: string[]): Partial<Rule> => ({
  source: { ...anySide, ipSets: ids.map(ipSetId) },
});
const notFrom = (...ids: string[]): Partial<Rule> => ({
  source: { ...anySide, notIpSets: ids.map(ipSetId) },
});
const shape = (list: readonly NormalRule[]) =>
  list.map(({ action, source, origin }) => [
    origin.index,
    action,
    [...source.ipSets, ...source.notIpSets].join(),
  ]);

describe('setUses', () => {
  it('finds every use with the type it needs', () => {
    const side = (prefix: string) => ({
      ...anySide,
      ipSets: [ipSetId(`${prefix}1`)],
      notIpSets: [ipSetId(`${prefix}2`)],
      namedPorts: [ipSetId(`${prefix}3`)],
      notNamedPorts: [ipSetId(`${prefix}4`)],
    });
    const [one] = rules(
      rule('allow', {
        source: side('s'),
        destination: side('d'),
        destinationIpPortSets: [ipSetId('x')],
      }),
    );
    expect(setUses(one!).map(({ id, type, negated }) => `${id} ${type} ${negated}`)).to.deep.equal([
      's1 net false',
      's2 net true',
      's3 ip-port false',
      's4 ip-port true',
      'd1 net false',
      'd2 net true',
      'd3 ip-port false',
      'd4 ip-port true',
      'x ip-port false',
    ]);
  });
});

describe('checkSets', () => {
  it('leaves a list whose sets are there as it is', () => {
    const { rules: kept, problems } = check(
      rule('allow', from('net')),
      rule('deny', notFrom('net')),
    );
    expect(shape(kept)).to.deep.equal([
      [0, 'allow', 'net'],
      [1, 'deny', 'net'],
    ]);
    expect(problems).to.deep.equal([]);
  });

  for (const action of ['allow', 'deny', 'pass'] as const) {
    for (const [name, why] of [
      ['gone', 'is not there'],
      ['port', 'holds ip-port members'],
    ] as const) {
      it(`${action} by a set that ${why}: rules before it decide, then everything is denied`, () => {
        const { rules: kept, problems } = check(
          rule('allow', from('net')),
          rule(action, from(name)),
          rule('allow'),
        );
        expect(shape(kept)).to.deep.equal([
          [0, 'allow', 'net'],
          [1, 'deny', ''],
        ]);
        expect(
          problems.map(({ code, rule: { index }, reason }) => [code, index, reason]),
        ).to.deep.equal([
          ['missing-referent', 1, `IP set ${name} ${why}; denied from this rule on`],
        ]);
      });
    }
  }

  it('a log rule by a missing set goes silently', () => {
    const { rules: kept, problems } = check(rule('log', from('gone')), rule('allow'));
    expect([shape(kept), problems]).to.deep.equal([[[1, 'allow', '']], []]);
  });

  const spoiled: [RuleAction, Partial<Rule>, string][] = [
    ['allow', from('spoiled'), 'allow'],
    ['allow', notFrom('spoiled'), 'deny'],
    ['deny', from('spoiled'), 'deny'],
    ['deny', notFrom('spoiled'), 'deny'],
    ['pass', from('spoiled'), 'deny'],
  ];
  for (const [action, fields, result] of spoiled) {
    it(`${action} by a set with unreadable members, ${JSON.stringify(fields)}: ${result}`, () => {
      const { rules: kept, problems } = check(rule(action, fields), rule('allow'));
      expect(kept.map((one) => one.action)).to.deep.equal(
        result === 'allow' ? ['allow', 'allow'] : ['deny'],
      );
      expect(problems.map(({ code }) => code)).to.deep.equal(['invalid']);
    });
  }
});
