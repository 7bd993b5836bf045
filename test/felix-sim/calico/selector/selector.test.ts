/** Calico's selector language: what each operator selects, its normal form, and what is refused where. */
import { expect } from 'chai';
import fc from 'fast-check';
import { selects } from '../../../../src/felix-sim/calico/selector/evaluate.js';
import { parseSelector } from '../../../../src/felix-sim/calico/selector/parse.js';
import { formatSelector } from '../../../../src/felix-sim/calico/selector/print.js';
import { namespaceScope, prefixLabels } from '../../../../src/felix-sim/calico/selector/scope.js';
import { SelectorError } from '../../../../src/felix-sim/calico/selector/tokens.js';
import { anyLabels, anySelector } from './arbitrary.js';

/** Selector, then label sets (`a=1,b` is a: "1", b: "") it selects, then ones it does not. */
const SELECTS: readonly [string, readonly string[], readonly string[]][] = [
  ['', ['', 'a=1'], []],
  ['all()', ['', 'a=1'], []],
  ['global()', ['', 'a=1'], []],
  ['has(a)', ['a=1', 'a'], ['', 'b=1']],
  ['!has(a)', ['', 'b=a'], ['a']],
  ['a == "1"', ['a=1', 'a=1,b=2'], ['', 'a', 'a=11', 'b=1']],
  ["a == '1'", ['a=1'], ['a=2']],
  ['a == ""', ['a'], ['', 'a=1']],
  ['a != "1"', ['', 'a=2', 'a'], ['a=1']],
  ['a in {"1", "2"}', ['a=1', 'a=2'], ['', 'a=3', 'a=1, 2']],
  ['a in {"1",}', ['a=1'], ['a']],
  ['a in {}', [], ['', 'a']],
  ['a not in {"1", "2"}', ['', 'a=3'], ['a=1', 'a=2']],
  ['a notin{"1"}', ['a=2'], ['a=1']],
  ['a contains "bc"', ['a=abcd', 'a=bc'], ['', 'a=bxc']],
  ['a starts with "ab"', ['a=abc', 'a=ab'], ['', 'a=xab']],
  ['a ends with "bc"', ['a=abc', 'a=bc'], ['', 'a=bcd']],
  ['a == "1" && b == "2"', ['a=1,b=2'], ['a=1', 'b=2']],
  ['a == "1" || b == "2"', ['a=1', 'b=2'], ['', 'a=2,b=1']],
  ['a == "1" || b == "2" && c == "3"', ['a=1', 'b=2,c=3'], ['b=2', 'c=3']],
  ['(a == "1" || b == "2") && c == "3"', ['a=1,c=3'], ['a=1', 'c=3']],
  ['!a == "1" && has(b)', ['b', 'a=2,b'], ['a=1,b', '']],
  ['!!has(a)', ['a'], ['']],
  ['!(has(a) || has(b))', [''], ['a', 'b']],
  ['in in {"in"}', ['in=in'], ['in=x']],
  ['all == "all()"', ['all=all()'], ['all']],
  ['projectcalico.org/namespace == "x"', ['projectcalico.org/namespace=x'], ['x=x']],
  ['a == "it\'s" || a == \'"\'', ["a=it's", 'a="'], ['a=its']],
  ['\ta=="1"&&b=="2" ', ['a=1,b=2'], ['a=1']],
];

const NORMAL_FORMS: readonly [string, string][] = [
  ['', 'all()'],
  [' all( ) ', 'all()'],
  ["a=='1'", 'a == "1"'],
  ["a == '\"'", "a == '\"'"],
  ['a in {"c","a", "b","a"}', 'a in {"a", "b", "c"}'],
  ['a not  in { }', 'a not in {}'],
  ['a  startswith "x"', 'a starts with "x"'],
  ['!!!has(a)', '!has(a)'],
  ['!(!has(a))', '!!has(a)'],
  ['(((has(a))))', 'has(a)'],
  ['has(a)&&has(b)&&has(c)', '(has(a) && has(b) && has(c))'],
  ['(has(a)&&has(b))&&has(c)', '((has(a) && has(b)) && has(c))'],
  ['has(a)||has(b)&&has(c)', '(has(a) || (has(b) && has(c)))'],
];

const REFUSED: readonly [string, RegExp][] = [
  ['a', /expected an operator, found end at offset 1/],
  ['a = "1"', /expected an operator after the label at offset 2/],
  ['a == 1', /expected a quoted text, found label at offset 5/],
  ['a == "1', /unexpected text without its closing quote at offset 5/],
  ['a == "1" b', /expected end, found label at offset 9/],
  ['a == "1" &&', /unexpected end at offset 11/],
  ['a == "1" & b', /unexpected & at offset 9/],
  ['(has(a)', /expected \), found end at offset 7/],
  ['has(a))', /expected end, found \) at offset 6/],
  ['has()', /.+/],
  ['a in "1"', /expected \{, found text at offset 5/],
  ['a in {"1"', /expected \}, found end/],
  ['a in {"1" "2"}', /expected \}, found text at offset 10/],
  ['all', /expected an operator, found end/],
  ['a like "1"', /expected an operator after the label at offset 2/],
  ['ä == "1"', /unexpected ä at offset 0/],
  [`${'('.repeat(600)}all()${')'.repeat(600)}`, /nested too deeply/],
];

describe('selector language', () => {
  for (const [text, selected, others] of SELECTS) {
    it(`${JSON.stringify(text)} selects`, () => {
      const selector = parseSelector(text);
      const judge = (labels: string) => selects(selector, (label) => labelsOf(labels).get(label));
      expect(
        selected.filter((labels) => !judge(labels)),
        'should be selected',
      ).to.deep.equal([]);
      expect(others.filter(judge), 'should not be selected').to.deep.equal([]);
    });
  }

  for (const [text, normal] of NORMAL_FORMS) {
    it(`${JSON.stringify(text)} in normal form`, () => {
      expect(formatSelector(parseSelector(text))).to.equal(normal);
    });
  }

  for (const [text, problem] of REFUSED) {
    it(`refuses ${JSON.stringify(text.slice(0, 20))}`, () => {
      expect(() => parseSelector(text)).to.throw(SelectorError, problem);
    });
  }

  it('means what its text says, however it is spelled; the normal form means the same', () => {
    fc.assert(
      fc.property(anySelector, fc.array(anyLabels, { minLength: 3 }), (meant, labelSets) => {
        const selector = parseSelector(meant.text);
        const again = parseSelector(formatSelector(selector));
        for (const labels of labelSets) {
          const lookup = (label: string) => labels.get(label);
          expect(selects(selector, lookup)).to.equal(meant.selects(labels));
          expect(selects(again, lookup)).to.equal(meant.selects(labels));
        }
      }),
      { interruptAfterTimeLimit: 5_000, numRuns: 3_000 },
    );
  });

  it('is printed so that reading it again changes nothing, but for double negations', () => {
    fc.assert(
      fc.property(anySelector, ({ text }) => {
        const once = formatSelector(parseSelector(text));
        const twice = formatSelector(parseSelector(once));
        expect(twice).to.equal(once.replace(/!!/g, ''));
      }),
      { interruptAfterTimeLimit: 3_000, numRuns: 2_000 },
    );
  });
});

describe('selectors over namespaces and accounts', () => {
  const forms: readonly [string, string][] = [
    ['team == "a"', 'pcns.team == "a"'],
    ['all()', 'has(projectcalico.org/namespace)'],
    ['!all()', '!has(projectcalico.org/namespace)'],
    ['global()', '!has(projectcalico.org/namespace)'],
    ['!global()', 'has(projectcalico.org/namespace)'],
    ['global() || has(x)', '(!has(projectcalico.org/namespace) || has(pcns.x))'],
    ['x not in {"a"} && y starts with "b"', '(pcns.x not in {"a"} && pcns.y starts with "b")'],
  ];
  for (const [text, normal] of forms) {
    it(`namespaceSelector ${text}`, () => {
      expect(formatSelector(namespaceScope(parseSelector(text)))).to.equal(normal);
    });
  }

  it('prefixes every label, and drops what is negated twice', () => {
    const selector = prefixLabels(parseSelector('!(!has(a)) && b != "c"'), 'pcsa.');
    expect(formatSelector(selector)).to.equal('(has(pcsa.a) && pcsa.b != "c")');
  });
});

function labelsOf(text: string): ReadonlyMap<string, string> {
  if (text === '') return new Map();
  return new Map(
    text.split(/,(?! )/).map((entry) => {
      const at = entry.indexOf('=');
      return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}
