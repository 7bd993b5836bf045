/** The client of soft-xpu's Debug service: what it sends, and how it reads the answers. */
import { expect } from 'chai';
import { status } from '@grpc/grpc-js';
import { connectDebug, type DebugClient } from '../../../src/opi/client/debug.js';
import { failure, ScriptedServer, type Message } from './scripted-server.js';
import { QUICK, refused } from './setup.js';

const PACKET = {
  source: '10.0.0.2',
  destination: '10.0.0.3',
  protocol: 6,
  sourcePort: 40000,
  destinationPort: 80,
} as const;

describe('OPI client: soft-xpu debug', () => {
  let server: ScriptedServer;
  let debug: DebugClient;

  beforeEach(async () => {
    server = await new ScriptedServer().start();
    debug = connectDebug({ address: server.socket, ...QUICK });
  });

  afterEach(() => {
    debug.close();
    server.close();
  });

  it('sends a packet and reads what became of it', async () => {
    server.script('Walk', {
      verdict: 'PACKET_VERDICT_DENY',
      exit_port: { vnic_name_ref: '//network.opiproject.org/vnic/n' },
      exit_ifname: 'cali2',
      decision: {
        kind: 'DECISION_KIND_RULE',
        port: { well_known_port: 'WELL_KNOWN_PORT_UPLINK' },
        direction: 'POLICY_DIRECTION_TO_PORT',
        stage: 'POLICY_STAGE_KIND_FORWARD',
        tier_id: 'default',
        policy_name_ref: 'networkPolicies/y',
        rule_id: 'r',
        rule_list: 'NETWORK_POLICY_RULE_LIST_EGRESS',
      },
      drop_reason: 'DROP_REASON_RULE',
      trace: ['one', 'two'],
    });
    const result = await debug.walk({ entry: { ifname: 'cali1' }, packet: PACKET, commit: true });
    expect(result).to.deep.equal({
      verdict: 'DENY',
      exit: { vnic: { kind: 'vnic', id: 'n' } },
      exitIfname: 'cali2',
      decision: {
        kind: 'RULE',
        port: { port: 'UPLINK' },
        direction: 'TO_PORT',
        stage: 'FORWARD',
        tierId: 'default',
        policy: 'networkPolicies/y',
        ruleId: 'r',
        ruleList: 'EGRESS',
      },
      dropReason: 'RULE',
      trace: ['one', 'two'],
    });
    const [request] = server.requests('Walk');
    expect(request).to.include({ fresh_connections: false, commit: true });
    expect(request!['entry_port']).to.include({ ifname: 'cali1' });
    expect((request!['packet'] as Message)['source_address']).to.include({ v4_addr: 167772162 });
  });

  it('names ports by address and by key, and lets a verdict it does not know deny', async () => {
    server.script('Walk', { verdict: 77, drop_reason: 99 });
    const byAddress = await debug.walk({ entry: { address: 'fd00::1' }, packet: PACKET });
    expect(byAddress).to.include({ verdict: 'DENY', dropReason: '99' });
    await debug.walk({ entry: { port: 'HOST' }, packet: PACKET });
    await debug.walk({ entry: { vnic: { kind: 'vnic', id: 'n' } }, packet: PACKET });
    const entries = server.requests('Walk').map((each) => each['entry_port'] as Message);
    expect(entries.map((each) => each['port'])).to.deep.equal(['address', 'ref', 'ref']);
    expect(entries[1]!['ref']).to.include({ well_known_port: 'WELL_KNOWN_PORT_HOST' });
    expect(entries[2]!['ref']).to.include({ vnic_name_ref: 'vnic/n' });
  });

  it('refuses a packet without a proper address before anything is sent', async () => {
    const packet = { ...PACKET, source: '10.0.0' };
    await refused(debug.walk({ entry: { port: 'UPLINK' }, packet }), 'INVALID');
    expect(server.received).to.deep.equal([]);
  });

  it('reads dumps and counts', async () => {
    server.script('Dump', { text: 'vpc/v {}\n' }).script('Load', { object_count: '3' });
    server.script('Stats', { object_counts: { vnic: '2' }, call_counts: {}, member_count: '7' });
    server.script('FlushConnections', { flushed_count: '4' });
    expect(await debug.dump()).to.equal('vpc/v {}\n');
    expect(await debug.load('vpc/v {}\n')).to.equal(3);
    expect(await debug.stats()).to.deep.equal({
      objects: { vnic: 2 },
      calls: {},
      members: 7,
      connections: 0,
      uploads: 0,
    });
    expect(await debug.flushConnections()).to.equal(4);
  });

  it('asks for limits and failures as they were meant', async () => {
    server.script('SetLimits', {}).script('InjectFailure', {}).script('ClearFailures', {});
    await debug.setLimits({ vnic: 2 });
    await debug.injectFailure({ method: '*', code: status.UNAVAILABLE, delayMs: 1500, skip: 2 });
    await debug.clearFailures();
    expect(server.requests('SetLimits')).to.deep.equal([{ limits: { vnic: '2' } }]);
    expect(server.requests('InjectFailure')[0]).to.deep.include({
      method: '*',
      skip_count: 2,
      call_count: 1,
      code: 14,
      delay: { seconds: '1', nanos: 500_000_000 },
      after_effect: false,
    });
  });

  it('never repeats a call', async () => {
    server.script('Dump', failure(status.UNAVAILABLE));
    await refused(debug.dump(), 'UNAVAILABLE');
    expect(server.requests('Dump')).to.have.length(1);
  });
});
