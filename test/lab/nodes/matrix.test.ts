/** What is probed, and how a matrix is told. */
import { expect } from 'chai';
import { LabError } from '../../../src/lab/nodes/errors.js';
import { allQuestions, type Cell } from '../../../src/lab/nodes/matrix.js';
import { matrixReport, matrixText, mismatchLines } from '../../../src/lab/nodes/matrix-text.js';
import { placesOf } from '../../../src/lab/nodes/places.js';
import { parseServices, transportOf } from '../../../src/lab/nodes/services.js';

const PLACES = placesOf('lab', {
  nodes: [{ name: 'node-a', number: 1, addresses: { 4: '172.30.0.1' } }],
  pods: [
    { name: 'ns/a', node: 'node-a', interfaceName: 'calia', addresses: ['10.65.0.1', 'fd65::1'] },
    { name: 'ns/b', node: 'node-a', interfaceName: 'calib', addresses: ['10.65.0.2', 'fd65::2'] },
  ],
  podMtu: 1450,
});

/** Cells of all pairs; `passes` and `expected` by `FROM > TO SERVICE FAMILY`. */
function cells(passes: RegExp, expected: RegExp): Cell[] {
  return allQuestions(PLACES, parseServices('icmp,80/tcp')).map((question) => {
    const text = `${question.from.name} > ${question.to.name} ${question.service.label} ${question.family}`;
    return {
      ...question,
      outcome: { passes: passes.test(text), detail: 'reply', ms: 1.5 },
      prediction: { passes: expected.test(text), by: 'a rule', explanations: [] },
    };
  });
}

describe('lab: the matrix', () => {
  it('asks every pair in every family that both have, and nobody himself', () => {
    const questions = allQuestions(PLACES, parseServices('icmp'));
    const texts = questions.map(({ from, to, family }) => `${from.name} ${to.name} ${family}`);
    expect(texts).to.deep.equal([
      'ns/a ns/b 4',
      'ns/a ns/b 6',
      'ns/a node-a 4',
      'ns/b ns/a 4',
      'ns/b ns/a 6',
      'ns/b node-a 4',
      'node-a ns/a 4',
      'node-a ns/b 4',
    ]);
  });

  it('reads ports, each once, and refuses what is none', () => {
    expect(parseServices('80, 53/udp,icmp,80/tcp').map(({ label }) => label)).to.deep.equal([
      '80/tcp',
      '53/udp',
      'icmp',
    ]);
    for (const text of ['', '0/tcp', '65536', '80/sctp', 'http', '80/', '-1', '80/tcp/x']) {
      expect(() => parseServices(text), text).to.throw(LabError, 'expected icmp or PORT/PROTOCOL');
    }
    const [icmp] = parseServices('icmp');
    expect(transportOf(icmp!, 4)).to.deep.equal({ protocol: 1, icmp: { type: 8, code: 0 } });
    expect(transportOf(icmp!, 6)).to.deep.equal({ protocol: 58, icmp: { type: 128, code: 0 } });
  });

  it('has a sign for each service: both families, one, none, contradiction, no question', () => {
    const passes = /ns\/a > ns\/b|ns\/b > ns\/a 80\/tcp 6|node-a > ns\/a icmp/;
    const text = matrixText(cells(passes, /ns\/a > ns\/b|ns\/b > ns\/a 80\/tcp 6/));
    expect(text).to.equal(
      [
        'one sign for each of: icmp, 80/tcp',
        '* passes   . is stopped   4 6 passes in that family alone   ! contradicts why   - nothing to ask',
        '',
        '    from \\ to  1  2  3',
        '  1 ns/a    -- ** ..',
        '  2 ns/b    .6 -- ..',
        '  3 node-a  !. .. --',
      ].join('\n'),
    );
  });

  it('tells contradictions in words, and cuts a long list', () => {
    const one = mismatchLines(cells(/node-a > ns\/a icmp/, /^$/));
    expect(one).to.deep.equal([
      'node-a > ns/a icmp IPv4 passes (reply), it should be stopped: a rule',
    ]);
    const other = mismatchLines(cells(/^$/, /node-a > ns\/a icmp/));
    expect(other[0]).to.contain('does not pass (reply), it should pass: a rule');
    const many = mismatchLines([...cells(/./, /^$/), ...cells(/./, /^$/)]);
    expect(many).to.have.length(21);
    expect(many[20]).to.equal('and 12 more');
  });

  it('has every probe as data', () => {
    const report = matrixReport('lab', cells(/ns\/a > ns\/b/, /^$/));
    expect(report).to.include({ lab: 'lab', passed: 4, mismatches: 4 });
    expect(report.probes[0]).to.deep.equal({
      from: 'ns/a',
      to: 'ns/b',
      family: 4,
      service: 'icmp',
      passes: true,
      expected: false,
      detail: 'reply',
      by: 'a rule',
      ms: 1.5,
    });
  });
});
