/** What the demo asks and how it tells the answers. */
import { expect } from 'chai';
import { decodeToDataplane } from '../../src/driver/message.js';
import type { ToDataplane } from '../../src/gen/felix/types.js';
import {
  askMatrix,
  differenceText,
  matrixText,
  rulesText,
  type Cell,
} from '../../src/lab/demo/matrix.js';
import { placesOf, servicesOf, type Place, type Service } from '../../src/lab/demo/probes.js';
import type { DebugClient, WalkRequest, WalkResult } from '../../src/opi/client/debug.js';
import { framesOf } from '../support/felix/wire.js';
import { session, setMessage, type World } from '../support/felix/world.js';

function messages(world: World): ToDataplane[] {
  return framesOf(session(world)).map((frame) => decodeToDataplane(frame).message);
}

const PODS = { pods: { a: {}, b: {} } };

describe('demo: places and services', () => {
  it('knows local pods, remote members of sets, the node and somebody outside', () => {
    const members = ['10.66.0.9/32', '10.66.0.0/24', '10.65.0.1/32', 'fd66::1/128'];
    const world = messages({ ...PODS, sets: { 's:1': { type: 'net', members } } });
    const places = placesOf(world, world, 'node-a');
    expect(places.map(({ name, address, isPod }) => [name, address, isPod])).to.deep.equal([
      ['default/a', '10.65.0.1', true],
      ['default/b', '10.65.0.2', true],
      ['10.66.0.9', '10.66.0.9', false],
      ['host', '172.30.0.1', false],
      ['outside', '198.51.100.7', false],
    ]);
    expect(places.map(({ port }) => port)).to.deep.equal([
      { ifname: 'calia' },
      { ifname: 'calib' },
      { port: 'UPLINK' },
      { address: '172.30.0.1' },
      { port: 'UPLINK' },
    ]);
  });

  it('asks of a remote pod from the start, and of a local one never as remote', () => {
    const now = messages({ pods: { a: {} } });
    const later = framesOf([
      setMessage('s:1', { type: 'net', members: ['10.66.0.9/32', '10.65.0.2/32'] }),
    ]).map((frame) => decodeToDataplane(frame).message);
    const story = [...messages(PODS), ...later];
    const names = placesOf(now, story, 'node-a').map(({ name }) => name);
    expect(names).to.deep.equal(['default/a', '10.66.0.9', 'host', 'outside']);
  });

  it('takes ports from rules and named ports, and one that no policy names', () => {
    const protocol = { name: 'tcp' };
    const story = messages({
      sets: { 'n:1': { type: 'port', members: ['10.65.0.1,udp:53'] } },
      policies: {
        p: { inbound: [{ protocol, dst_ports: [{ first: 8080, last: 8090 }] }] },
        q: { inbound: [{ protocol: { number: 6 }, dst_ports: [{ first: 1, last: 1 }] }] },
      },
    });
    expect(servicesOf(story)).to.deep.equal([
      { protocol: 6, port: 8080, label: 'tcp/8080' },
      { protocol: 17, port: 53, label: 'udp/53' },
      { protocol: 6, port: 22, label: 'tcp/22' },
    ]);
  });
});

const A: Place = { name: 'a', address: '10.0.0.1', port: { ifname: 'calia' }, isPod: true };
const B: Place = { name: 'b', address: '10.0.0.2', port: { ifname: 'calib' }, isPod: true };
const HOST: Place = {
  name: 'host',
  address: '10.9.0.1',
  port: { address: '10.9.0.1' },
  isPod: false,
};
const WEB: Service = { protocol: 6, port: 80, label: 'tcp/80' };
const DNS: Service = { protocol: 17, port: 53, label: 'udp/53' };

function cell(from: Place, to: Place, service: Service, allowed: boolean, by = 'rule'): Cell {
  return { from, to, service, allowed, by };
}

describe('demo: the matrix', () => {
  it('sends one new connection for each pair and service, and tells what decided', async () => {
    const asked: WalkRequest[] = [];
    const none = { exitIfname: '', dropReason: '', trace: [] };
    const decision = { direction: '', policy: '', ruleList: '' };
    const answers: WalkResult[] = [
      { ...none, verdict: 'ALLOW' },
      {
        ...none,
        verdict: 'DENY',
        dropReason: 'TIER_DEFAULT',
        decision: { ...decision, kind: 'TIER_DEFAULT', stage: 'WORKLOAD', tierId: 't', ruleId: '' },
      },
      {
        ...none,
        verdict: 'ALLOW',
        decision: { ...decision, kind: 'RULE', stage: 'WORKLOAD', tierId: 't', ruleId: 'r/0' },
      },
      { ...none, verdict: 'DENY', dropReason: 'SOURCE' },
    ];
    const debug = {
      walk: (request: WalkRequest) => Promise.resolve(answers[asked.push(request) - 1]),
    } as unknown as DebugClient;
    const cells = await askMatrix(debug, [A, B], [WEB, DNS]);
    expect(
      cells.map(({ from, to, service, allowed, by }) => [
        from.name,
        to.name,
        service.label,
        allowed,
        by,
      ]),
    ).to.deep.equal([
      ['a', 'b', 'tcp/80', true, 'no policy in the way'],
      ['a', 'b', 'udp/53', false, 'tier default WORKLOAD t'],
      ['b', 'a', 'tcp/80', true, 'r/0'],
      ['b', 'a', 'udp/53', false, 'SOURCE'],
    ]);
    expect(asked[1]).to.deep.equal({
      entry: { ifname: 'calia' },
      freshConnections: true,
      packet: {
        source: '10.0.0.1',
        destination: '10.0.0.2',
        protocol: 17,
        sourcePort: 40_000,
        destinationPort: 53,
      },
    });
  });

  it('is a table of what passes', () => {
    const cells = [
      cell(A, B, WEB, true),
      cell(A, B, DNS, false),
      cell(B, A, WEB, false),
      cell(B, A, DNS, false),
      cell(HOST, A, WEB, true),
      cell(HOST, A, DNS, true),
    ];
    expect(matrixText(cells, [A, B, HOST], [WEB, DNS]).split('\n')).to.deep.equal([
      '  from \\ to  a    b       host',
      '  a          .    tcp/80  -',
      '  b          -    .       -',
      '  host       all  -       .',
    ]);
  });

  it('tells by which rule, the first few flows of each, and not what no policy decides', () => {
    const flows = Array.from({ length: 6 }, (_, port) =>
      cell(A, B, { ...WEB, label: `tcp/${port}` }, true, 'r/1'),
    );
    const cells = [...flows, cell(B, A, WEB, false, 'r/2'), cell(HOST, A, WEB, true, 'r/3')];
    expect(rulesText(cells)).to.equal(
      '  r/1\n    a > b tcp/0, a > b tcp/1, a > b tcp/2, a > b tcp/3, and 2 more',
    );
  });

  it('differs by flows that open and close, and by places that go', () => {
    const before = [cell(A, B, WEB, true), cell(A, B, DNS, false), cell(HOST, A, WEB, true)];
    const after = [cell(A, B, WEB, false, 'no'), cell(A, B, DNS, true, 'yes')];
    expect(differenceText(before, after).split('\n')).to.deep.equal([
      '  host is gone',
      '  now stops   a > b tcp/80   by no',
      '  now passes  a > b udp/53   by yes',
    ]);
    expect(differenceText(before, before)).to.equal('  nothing');
  });
});
