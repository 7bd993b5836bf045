import { expect } from 'chai';
import { formatCidr } from '../../../src/base/ip.js';
import { ipSetId } from '../../../src/model/ids.js';
import type { Protocol, Rule, RuleSide } from '../../../src/model/policy.js';
import { normaliseRule, type Normalised } from '../../../src/translators/policy/normalise.js';
import type { RuleOrigin } from '../../../src/translators/policy/program.js';
import { anySide, policyId, rule } from '../support/model.js';

const ORIGIN: RuleOrigin = {
  source: { kind: 'policy', id: policyId('p'), tier: 'default' },
  direction: 'ingress',
  index: 3,
};

const normalise = (one: Rule): Normalised => normaliseRule(one, ORIGIN);
const source = (fields: Partial<RuleSide>) => ({ source: { ...anySide, ...fields } });
const number = (value: number): Protocol => ({ kind: 'number', number: value });
const unknown = (name: string): Protocol => ({ kind: 'unknown', name });

describe('normaliseRule: families', () => {
  const rows: [string, Partial<Rule>, readonly number[]][] = [
    ['corner 14: no fields', {}, [4, 6]],
    ['the family the rule says', { family: 6 }, [6]],
    ['corner 15: prefixes of both', source({ nets: ['10.0.0.0/8', 'fd00::/8'] }), [4, 6]],
    ['prefixes of one', source({ nets: ['10.0.0.0/8'] }), [4]],
    [
      'corner 16: both here, one there',
      {
        ...source({ nets: ['10.0.0.0/8', 'fd00::/8'] }),
        destination: { ...anySide, nets: ['10.0.0.0/8'] },
      },
      [4],
    ],
    ['corner 17: a negated list of the other family', source({ notNets: ['fd00::/8'] }), [6]],
    [
      'corner 18: a negated list that holds a family',
      source({ notNets: ['0.0.0.0/0', 'fd00::/8'] }),
      [6],
    ],
    ['both families negated whole', source({ notNets: ['0.0.0.0/0', '::/0'] }), []],
    ['a positive list may hold a family whole', source({ nets: ['0.0.0.0/0'] }), [4]],
    ['one that contradicts the prefixes', { family: 4, ...source({ nets: ['fd00::/8'] }) }, []],
    [
      'corner 29: a name that implies a family came with it',
      { family: 4, protocol: number(1) },
      [4],
    ],
    ['a protocol number implies none', { protocol: number(1) }, [4, 6]],
  ];
  for (const [title, fields, families] of rows) {
    it(title, () => {
      const { rule: result, problems } = normalise(rule('allow', fields));
      expect(result?.families ?? []).to.deep.equal(families);
      expect(problems).to.deep.equal([]);
    });
  }

  it('keeps prefixes of its own families only, sorted, without repeats and host bits', () => {
    const nets = ['10.9.9.9/8', 'fd00::/8', '10.0.0.0/8', '9.0.0.0/8'];
    const { rule: result } = normalise(
      rule('deny', { ...source({ nets }), destination: { ...anySide, nets: ['1.2.3.4'] } }),
    );
    expect(result?.source.nets.map(formatCidr)).to.deep.equal(['9.0.0.0/8', '10.0.0.0/8']);
    expect(result?.destination.nets.map(formatCidr)).to.deep.equal(['1.2.3.4/32']);
  });
});

describe('normaliseRule: conditions', () => {
  it('merges ports and sorts sets', () => {
    const { rule: result } = normalise(
      rule('allow', {
        protocol: number(6),
        ...source({
          ports: [
            { first: 90, last: 100 },
            { first: 80, last: 80 },
            { first: 81, last: 89 },
            { first: 5, last: 7 },
            { first: 6, last: 6 },
            { first: 65535, last: 65535 },
          ],
          ipSets: ['b', 'a', 'b'].map(ipSetId),
        }),
      }),
    );
    expect(result?.source.ports).to.deep.equal([
      { first: 5, last: 7 },
      { first: 80, last: 100 },
      { first: 65535, last: 65535 },
    ]);
    expect(result?.source.ipSets).to.deep.equal(['a', 'b']);
    expect(result?.protocol).to.equal(6);
  });

  it('corner 26: ICMP type 0 is a type, an absent one is none', () => {
    expect(normalise(rule('allow', { icmp: { type: 0 } })).rule?.icmp).to.deep.equal({ type: 0 });
    expect(normalise(rule('allow')).rule).to.not.have.property('icmp');
  });

  it('corner 27: a code stays beside its type', () => {
    const { rule: result } = normalise(rule('allow', { notIcmp: { type: 3, code: 0 } }));
    expect(result?.notIcmp).to.deep.equal({ type: 3, code: 0 });
  });

  it('corner 31: the HTTP part does not matter', () => {
    const { rule: result, problems } = normalise(rule('allow', { hasHttpMatch: true }));
    expect([result?.action, problems]).to.deep.equal(['allow', []]);
  });

  it('carries where the rule came from', () => {
    expect(normalise(rule('pass')).rule?.origin).to.equal(ORIGIN);
  });
});

describe('normaliseRule: what cannot be read fails closed', () => {
  it('an unknown action denies what it might match', () => {
    const { rule: result, problems } = normalise(
      rule('unknown', { actionText: 'teleport', ...source({ nets: ['10.0.0.0/8'] }) }),
    );
    expect(result?.action).to.equal('deny');
    expect(result?.source.nets.map(formatCidr)).to.deep.equal(['10.0.0.0/8']);
    expect(problems.map(({ code, rule: where }) => [code, where])).to.deep.equal([
      ['unknown-action', ORIGIN],
    ]);
    expect(problems[0]?.reason).to.contain('"teleport"');
  });

  const unreadable: [string, Partial<Rule>, string][] = [
    ['protocol name', { protocol: unknown('gre2') }, 'protocol "gre2"'],
    ['negated protocol name', { notProtocol: unknown('gre2') }, 'not_protocol "gre2"'],
    ['protocol number', { protocol: number(256) }, 'protocol "256"'],
    ['prefix', source({ nets: ['10.0.0.0/8', '10.0.0.0/33'] }), 'src_net "10.0.0.0/33"'],
    ['negated prefix', source({ notNets: ['fd00::1/x'] }), 'not_src_net "fd00::1/x"'],
    ['port range', source({ ports: [{ first: 9, last: 8 }] }), 'src_ports "9-8"'],
    ['negated port', source({ notPorts: [{ first: 0, last: 65536 }] }), 'not_src_ports'],
    ['ICMP type', { icmp: { type: 256 } }, 'icmp type 256'],
    ['ICMP code', { notIcmp: { type: 3, code: -1 } }, 'not_icmp type 3 code -1'],
  ];
  for (const [title, fields, reason] of unreadable) {
    it(`${title}: allow and log rules go, deny and pass rules deny without the condition`, () => {
      const outcome = (action: 'allow' | 'log' | 'deny' | 'pass') =>
        normalise(rule(action, { ...fields, destinationIpPortSets: [ipSetId('s')] }));
      expect(outcome('allow').rule).to.equal(undefined);
      expect(outcome('log').rule).to.equal(undefined);
      for (const action of ['deny', 'pass'] as const) {
        const { rule: result, problems } = outcome(action);
        const broad = normalise(rule('deny', { destinationIpPortSets: [ipSetId('s')] })).rule;
        expect(result).to.deep.equal(broad);
        expect(problems[0]?.reason).to.contain(reason);
      }
    });
  }

  it('a rule that exists for no family needs no excuse', () => {
    const { problems } = normalise(
      rule('deny', { family: 4, protocol: unknown('x'), ...source({ nets: ['fd00::/8'] }) }),
    );
    expect(problems).to.deep.equal([]);
  });
});
