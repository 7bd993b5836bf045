import { expect } from 'chai';
import type { LogFields } from '../../src/base/log.js';
import { silentLogger } from '../../src/base/log.js';
import { DesiredStore } from '../../src/desired/store.js';
import type { DirtySet } from '../../src/desired/state.js';
import type { Delta } from '../../src/model/delta.js';
import { ipSetId, policyKey, profileName } from '../../src/model/ids.js';
import type { Route } from '../../src/model/network.js';
import {
  hostEndpoint,
  hostMetadata,
  policy,
  policyId,
  profile,
  rule,
  workload,
} from '../translators/support/model.js';

const IN_SYNC: Delta = { type: 'in-sync' };
const SET = ipSetId('s:one');

/** A store whose first session is in sync and flushed. */
function synced(...deltas: readonly Delta[]): DesiredStore {
  const store = new DesiredStore();
  store.beginSession();
  fold(store, ...deltas, IN_SYNC);
  store.takeDirty();
  return store;
}

function fold(store: DesiredStore, ...deltas: readonly Delta[]): void {
  for (const delta of deltas) store.fold(delta);
}

function takeMarks(store: DesiredStore): DirtySet {
  const dirty = store.takeDirty();
  if (dirty === undefined || dirty === 'replaced') throw new Error(`got ${String(dirty)}`);
  return dirty;
}

const net = (...members: string[]): Delta => ({ type: 'ip-set', id: SET, setType: 'net', members });
const change = (added: string[], removed: string[]): Delta => ({
  type: 'ip-set-delta',
  id: SET,
  added,
  removed,
});

const ROUTE: Route = {
  destination: '10.65.0.0/26',
  kinds: ['local-workload'],
  pool: 'vxlan',
  nodeName: 'node-a',
  nodeIp: '172.30.0.1',
  sameSubnet: false,
  natOutgoing: true,
  localWorkload: false,
  borrowed: false,
  tunnels: [],
};

describe('DesiredStore: sessions', () => {
  it('shows no state and nothing dirty before the first InSync', () => {
    const store = new DesiredStore();
    store.beginSession();
    fold(store, net('10.0.0.0/8'), { type: 'policy', policy: policy('p') });
    expect(store.state).to.equal(undefined);
    expect(store.inSync).to.equal(false);
    expect(store.takeDirty()).to.equal(undefined);
    fold(store, IN_SYNC);
    expect(store.inSync).to.equal(true);
    expect(store.takeDirty()).to.equal('replaced');
    expect(store.state?.policies.size).to.equal(1);
    expect(store.takeDirty()).to.equal(undefined);
  });

  it('keeps the old state in force until a new session is in sync', () => {
    const store = synced({ type: 'policy', policy: policy('old') });
    store.beginSession();
    fold(store, { type: 'policy', policy: policy('new') });
    expect([...(store.state?.policies.keys() ?? [])]).to.deep.equal([policyKey(policyId('old'))]);
    expect(store.sessionInSync).to.equal(false);
    expect(store.takeDirty()).to.equal(undefined);
    fold(store, IN_SYNC);
    expect(store.sessionInSync).to.equal(true);
    expect(store.takeDirty()).to.equal('replaced');
    expect([...(store.state?.policies.keys() ?? [])]).to.deep.equal([policyKey(policyId('new'))]);
  });

  it('forgets a session that ended before its InSync', () => {
    const store = synced();
    store.beginSession();
    fold(store, { type: 'policy', policy: policy('half') });
    store.beginSession();
    fold(store, IN_SYNC);
    expect(store.state?.policies.size).to.equal(0);
  });

  it('tells what was dirty in the old state as part of the replacement', () => {
    const store = synced();
    fold(store, { type: 'policy', policy: policy('late') });
    store.beginSession();
    fold(store, IN_SYNC);
    expect(store.takeDirty()).to.equal('replaced');
    expect(store.takeDirty()).to.equal(undefined);
  });

  it('tells the configuration of the newest session before its InSync', () => {
    const store = synced({ type: 'config', values: new Map([['FelixHostname', 'a']]) });
    store.beginSession();
    fold(store, { type: 'config', values: new Map([['FelixHostname', 'b']]) });
    expect(store.config.get('FelixHostname')).to.equal('b');
    expect(store.state?.config.get('FelixHostname')).to.equal('a');
  });

  it('counts a second InSync and goes on', () => {
    const store = synced();
    fold(store, IN_SYNC);
    expect(store.problems.count('repeated-in-sync')).to.equal(1);
    expect(store.takeDirty()).to.equal(undefined);
  });

  it('refuses a Delta before the first session: that is a fault of the caller', () => {
    expect(() => new DesiredStore().fold(IN_SYNC)).to.throw('before the first session');
  });

  it('corner 65: a second ConfigUpdate changes the configuration and resets nothing', () => {
    const store = synced({ type: 'policy', policy: policy('p') });
    fold(store, { type: 'config', values: new Map([['ClusterGUID', 'x']]) });
    const dirty = takeMarks(store);
    expect(dirty.config).to.equal(true);
    expect(dirty.policies.size).to.equal(0);
    expect(store.state?.policies.size).to.equal(1);
  });
});

describe('DesiredStore: repeats are no changes', () => {
  const repeated: Delta[] = [
    { type: 'config', values: new Map([['A', 'b']]) },
    net('10.0.0.0/8', '10.1.0.0/16'),
    { type: 'policy', policy: policy('p', { inbound: [rule('allow')] }) },
    { type: 'profile', profile: profile('kns.a', { outbound: [rule('deny')] }) },
    { type: 'workload', endpoint: workload('a/b', { annotations: new Map([['k', 'v']]) }) },
    { type: 'host-endpoint', endpoint: hostEndpoint('h') },
    { type: 'host-metadata', scope: 'all', metadata: hostMetadata('n', '1.2.3.4') },
    { type: 'route', route: ROUTE },
    {
      type: 'encapsulation',
      encapsulation: { ipip: false, vxlan: true, vxlanV6: false, noEncap: true },
    },
    {
      type: 'wireguard',
      family: 4,
      peer: { hostname: 'n', publicKey: 'k', interfaceIp: '10.0.0.1' },
    },
  ];
  for (const delta of repeated) {
    it(delta.type, () => {
      const store = synced(delta);
      fold(store, structuredClone(delta));
      expect(store.takeDirty()).to.equal(undefined);
    });
  }

  it('a set told again in another order', () => {
    const store = synced(net('10.0.0.0/8', '10.1.0.0/16'));
    fold(store, net('10.1.0.0/16', '10.0.0.0/8'));
    expect(store.takeDirty()).to.equal(undefined);
  });
});

describe('DesiredStore: sets', () => {
  it('corner 60: a whole membership for a known id replaces', () => {
    const store = synced(net('10.0.0.0/8'));
    fold(store, net('192.168.0.0/16'));
    expect([...takeMarks(store).ipSets]).to.deep.equal([SET]);
    expect([...(store.state?.ipSets.get(SET)?.members ?? [])]).to.deep.equal(['192.168.0.0/16']);
  });

  it('a set sent empty is filled by deltas before InSync', () => {
    const store = synced(net(), change(['10.0.0.0/8'], []), change(['10.1.0.0/16'], []));
    expect(store.state?.ipSets.get(SET)?.members.size).to.equal(2);
    expect(store.problems.counts().size).to.equal(0);
  });

  it('nets changes of one member until the next flush', () => {
    const store = synced(net('10.0.0.0/8', '10.1.0.0/16'));
    fold(store, change(['10.2.0.0/16'], ['10.1.0.0/16']));
    fold(store, change(['10.3.0.0/16', '10.1.0.0/16'], ['10.2.0.0/16']));
    const { members, ipSets } = takeMarks(store);
    expect(ipSets.size).to.equal(0);
    const { added, removed } = members.get(SET)!;
    expect([[...added], [...removed]]).to.deep.equal([['10.3.0.0/16'], []]);
  });

  it('changes that cancel out are no change', () => {
    const store = synced(net('10.0.0.0/8'));
    fold(store, change(['10.2.0.0/16'], []), change([], ['10.2.0.0/16']));
    expect(store.takeDirty()).to.equal(undefined);
  });

  it('a covering prefix that goes and the hidden one that comes are one step', () => {
    const store = synced(net('10.0.0.0/8'));
    fold(store, change(['10.1.0.0/16'], ['10.0.0.0/8']));
    const { added, removed } = takeMarks(store).members.get(SET)!;
    expect([[...added], [...removed]]).to.deep.equal([['10.1.0.0/16'], ['10.0.0.0/8']]);
  });

  it('a replacement swallows the deltas of the same flush', () => {
    const store = synced(net('10.0.0.0/8'));
    fold(store, change(['10.1.0.0/16'], []), net('10.9.0.0/16'), change(['10.8.0.0/16'], []));
    const dirty = takeMarks(store);
    expect(dirty.members.size).to.equal(0);
    expect([...dirty.ipSets]).to.deep.equal([SET]);
    expect([...store.state!.ipSets.get(SET)!.members]).to.deep.equal([
      '10.9.0.0/16',
      '10.8.0.0/16',
    ]);
  });

  it('a delta for an unknown set is told and has no effect', () => {
    const lines: LogFields[] = [];
    const store = new DesiredStore({ ...silentLogger, warn: (fields) => void lines.push(fields) });
    store.beginSession();
    fold(store, change(['10.0.0.0/8'], []), IN_SYNC);
    expect(store.state?.ipSets.size).to.equal(0);
    expect(lines).to.deep.equal([{ code: 'unknown-set', delta: 'ip-set-delta', subject: SET }]);
  });

  it('tells members that were there or were not, and applies the rest', () => {
    const store = synced(net('10.0.0.0/8'));
    fold(store, change(['10.0.0.0/8', '10.1.0.0/16'], ['10.7.0.0/16']));
    expect(store.problems.count('present-member')).to.equal(1);
    expect(store.problems.count('absent-member')).to.equal(1);
    expect([...takeMarks(store).members.get(SET)!.added]).to.deep.equal(['10.1.0.0/16']);
  });

  it('a removed set is gone, one removed and told again is compared whole', () => {
    const store = synced(net('10.0.0.0/8'));
    fold(store, { type: 'ip-set-remove', id: SET });
    expect(store.state?.ipSets.has(SET)).to.equal(false);
    fold(store, net('10.0.0.0/8'));
    expect([...takeMarks(store).ipSets]).to.deep.equal([SET]);
  });
});

describe('DesiredStore: objects', () => {
  it('corner 63: a pod recreated in one flush is one update, its old addresses gone', () => {
    const store = synced({
      type: 'workload',
      endpoint: workload('w', { ipv4Nets: ['10.0.0.1/32'] }),
    });
    const again = workload('w', { ipv4Nets: ['10.0.0.2/32'], interfaceName: 'cali-new' });
    fold(store, { type: 'workload', endpoint: again });
    expect([...takeMarks(store).workloads]).to.deep.equal([again.key]);
    expect(store.state?.workloads.get(again.key)).to.deep.equal(again);
  });

  it('counts the removal of what is not there', () => {
    const store = synced();
    fold(store, { type: 'profile-remove', name: profileName('none') });
    expect(store.problems.count('absent-object')).to.equal(1);
    expect(store.takeDirty()).to.equal(undefined);
  });

  it('corner 68: policies of one name in two namespaces are two', () => {
    const make = (namespace: string): Delta => {
      const id = { kind: 'NetworkPolicy', namespace, name: 'p', tier: '' };
      return { type: 'policy', policy: { ...policy('p'), id, key: policyKey(id) } };
    };
    expect(synced(make('a'), make('b')).state?.policies.size).to.equal(2);
  });

  it('ignored and unknown payloads change nothing', () => {
    const store = synced();
    fold(
      store,
      { type: 'ignored', payload: 'service_update' },
      { type: 'unknown', fieldNumbers: [99] },
    );
    expect(store.takeDirty()).to.equal(undefined);
  });
});

describe('DesiredStore: addresses of nodes', () => {
  const v4: Delta = {
    type: 'host-metadata',
    scope: 'ipv4',
    metadata: { ...hostMetadata('n', '172.30.0.1'), ipv4PrefixLength: 24, asNumber: '64512' },
  };
  const v6: Delta = {
    type: 'host-metadata',
    scope: 'ipv6',
    metadata: hostMetadata('n', '', 'fd30::1'),
  };

  for (const [order, deltas] of Object.entries({ 'v4 first': [v4, v6], 'v6 first': [v6, v4] })) {
    it(`messages of one family are merged: ${order}`, () => {
      expect(synced(...deltas).state?.hosts.get('n')).to.deep.equal({
        ...hostMetadata('n', '172.30.0.1', 'fd30::1'),
        ipv4PrefixLength: 24,
        asNumber: '64512',
      });
    });
  }

  it('a removal of one family leaves the other', () => {
    const store = synced(v4, v6);
    fold(store, { type: 'host-metadata-remove', scope: 'ipv4', hostname: 'n' });
    const left = store.state?.hosts.get('n');
    expect([left?.ipv4, left?.ipv6, left?.ipv4PrefixLength]).to.deep.equal([
      '',
      'fd30::1',
      undefined,
    ]);
    fold(store, { type: 'host-metadata-remove', scope: 'ipv6', hostname: 'n' });
    expect(store.state?.hosts.has('n')).to.equal(false);
  });

  it('the three removals of older Calico are one removal and no oddity', () => {
    const store = synced(v4);
    for (const scope of ['ipv4', 'ipv6', 'all'] as const) {
      fold(store, { type: 'host-metadata-remove', scope, hostname: 'n' });
    }
    expect([...takeMarks(store).hosts]).to.deep.equal(['n']);
    expect(store.problems.counts().size).to.equal(0);
  });

  it('WireGuard keys of one node are kept per family', () => {
    const peer = (publicKey: string) => ({ hostname: 'n', publicKey, interfaceIp: '' });
    const store = synced(
      { type: 'wireguard', family: 4, peer: peer('four') },
      { type: 'wireguard', family: 6, peer: peer('six') },
    );
    fold(store, { type: 'wireguard-remove', family: 4, hostname: 'n' });
    expect([...store.state!.wireguard.values()]).to.deep.equal([peer('six')]);
  });
});
