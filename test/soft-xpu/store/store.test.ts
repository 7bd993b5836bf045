/** The object store: what is refused and why, atomic batches, limits, references, dumps. */
import { expect } from 'chai';
import fc from 'fast-check';
import { keyText, OBJECT_KINDS, type ObjectKey } from '../../../src/opi/objects/key.js';
import type { AnyObject, PolicyBindingSpec } from '../../../src/opi/objects/specs.js';
import { dumpStore, loadStore } from '../../../src/soft-xpu/store/dump.js';
import { StoreError } from '../../../src/soft-xpu/store/errors.js';
import { parseLimits } from '../../../src/soft-xpu/store/limits.js';
import type { StoreOperation } from '../../../src/soft-xpu/store/object-store.js';
import {
  binding,
  key,
  object,
  POD_A,
  rule,
  side,
  stage,
  TestNode,
  tier,
  toPort,
} from '../node-fixture.js';

/** The error that `action` throws. */
function refusal(action: () => unknown): StoreError {
  try {
    action();
  } catch (error) {
    expect(error).to.be.instanceOf(StoreError);
    return error as StoreError;
  }
  throw new Error('nothing was refused');
}

function create(made: AnyObject, members?: readonly string[]): StoreOperation {
  return { op: 'create', object: made, ...(members === undefined ? {} : { members: { members } }) };
}

const group = (id: string, memberType: 'PREFIX' | 'IP_PORT' = 'PREFIX') =>
  object('addressGroup', id, { memberType });
const policyOf = (id: string, groupId: string) =>
  object('networkPolicy', id, {
    ingressRules: [rule('ALLOW', { source: side({ groups: [key('addressGroup', groupId)] }) })],
    egressRules: [],
  });
const remove = (made: ObjectKey): StoreOperation => ({ op: 'delete', key: made });

describe('soft-xpu store: single writes', () => {
  it('create is idempotent for an equal spec and refuses another one', () => {
    const { store } = new TestNode().xpu;
    const first = store.apply(create(group('set-1'))).stored;
    expect(store.apply(create(group('set-1'))).stored).to.equal(first);
    const error = refusal(() => store.apply(create(group('set-1', 'IP_PORT'))));
    expect(error.code).to.equal('ALREADY_EXISTS');
  });

  it('a group is equal only if its members are, where members are given', () => {
    const { store } = new TestNode().xpu;
    store.apply(create(group('set-1'), ['10.0.0.1/32']));
    store.apply(create(group('set-1'), ['10.0.0.1/32']));
    store.apply(create(group('set-1')));
    expect(store.group('set-1')?.members.size).to.equal(1);
    const error = refusal(() => store.apply(create(group('set-1'), ['10.0.0.2/32'])));
    expect(error.code).to.equal('ALREADY_EXISTS');
  });

  it('update and delete of what is not there are NOT_FOUND unless allowed', () => {
    const { store } = new TestNode().xpu;
    const missing = group('set-1');
    expect(refusal(() => store.apply({ op: 'update', object: missing })).code).to.equal(
      'NOT_FOUND',
    );
    expect(refusal(() => store.apply(remove(missing.key))).code).to.equal('NOT_FOUND');
    store.apply({ op: 'delete', key: missing.key, allowMissing: true });
    store.apply({ op: 'update', object: missing, allowMissing: true });
    expect(store.get(missing.key)).to.not.equal(undefined);
  });

  it('an equal update changes no revision', () => {
    const node = new TestNode();
    const before = node.xpu.store.get(key('vpc', 'cluster'))?.revision;
    node.put(node.xpu.store.get(key('vpc', 'cluster'))!.object);
    expect(node.xpu.store.get(key('vpc', 'cluster'))?.revision).to.equal(before);
  });

  it('what makes an object what it is cannot be updated', () => {
    const { store } = new TestNode().xpu;
    const error = refusal(() =>
      store.apply({ op: 'update', object: object('routeTable', 'table-4', { family: 6 }) }),
    );
    expect(error.code).to.equal('INVALID_ARGUMENT');
    expect(error.message).to.include('immutable');
  });

  it('a missing referent and a used object are FAILED_PRECONDITION and name both ends', () => {
    const node = new TestNode();
    const missing = refusal(() => node.put(policyOf('policy-1', 'set-1')));
    expect(missing.code).to.equal('FAILED_PRECONDITION');
    expect(missing.message).to.include('networkPolicy/policy-1').and.include('addressGroup/set-1');
    const used = refusal(() => node.remove('vpc', 'cluster'));
    expect(used.code).to.equal('FAILED_PRECONDITION');
    expect(used.message)
      .to.include('vpc/cluster')
      .and.match(/subnet|mapping/);
  });

  it('names that one object holds cannot be taken by another', () => {
    const node = new TestNode();
    const attempts = [
      () => node.mapping('map-x', POD_A, 'vnic-b'),
      () => node.put(object('interface', 'if-x', { ifname: 'cali-a', vf: true, adminUp: true })),
      () => node.put(object('policyBinding', 'bind-x', node.bindingSpec('a'))),
    ];
    for (const attempt of attempts) {
      expect(refusal(attempt).code).to.equal('FAILED_PRECONDITION');
    }
    node.route('route-1', '10.0.0.0/8', { evalMapping: true });
    expect(refusal(() => node.route('route-2', '10.0.0.0/8', { evalMapping: true })).code).to.equal(
      'FAILED_PRECONDITION',
    );
  });

  it('the host port takes no binding', () => {
    const port = { vnic: key('vnic', 'vnic-host') };
    const made = object('policyBinding', 'bind-host', binding(port, []));
    expect(refusal(() => new TestNode().put(made)).code).to.equal('INVALID_ARGUMENT');
  });

  it('a group of the wrong form in a rule is INVALID_ARGUMENT', () => {
    const node = new TestNode().group('set-1', 'IP_PORT', []);
    const error = refusal(() => node.put(policyOf('policy-1', 'set-1')));
    expect(error.code).to.equal('INVALID_ARGUMENT');
    expect(error.violations[0]?.field).to.equal('spec.ingressRules[0].match.source.groups');
  });
});

describe('soft-xpu store: validation names the field', () => {
  const stages = (...kinds: Parameters<typeof stage>[]) => kinds.map((args) => stage(...args));
  const bindingSpec = (more: Partial<PolicyBindingSpec>) =>
    object('policyBinding', 'bind-x', { ...binding({ port: 'UPLINK' }, []), ...more });
  const cases: [string, AnyObject, string][] = [
    ['an id', group('A!'), 'id'],
    [
      'an interface name',
      object('interface', 'if-x', { ifname: 'a b', vf: true, adminUp: true }),
      'spec.ifname',
    ],
    [
      'a MAC',
      object('interface', 'if-x', { ifname: 'x', vf: true, adminUp: true, mac: 'AA' }),
      'spec.mac',
    ],
    ...['01:00:5e:00:00:01', 'ff:ff:ff:ff:ff:ff', '00:00:00:00:00:00'].map(
      (mac): [string, AnyObject, string] => [
        `the MAC ${mac}`,
        object('interface', 'if-x', { ifname: 'x', vf: true, adminUp: true, mac }),
        'spec.mac',
      ],
    ),
    ['a VNI', object('vpc', 'vpc-x', { vni: 0 }), 'spec.vni'],
    [
      'an address that is not canonical',
      object('nextHop', 'hop-x', { ip: 'fd00:0::1' }),
      'spec.ip',
    ],
    [
      'a rule id',
      object('networkPolicy', 'pol-x', { ingressRules: [rule('ALLOW', {}, '')], egressRules: [] }),
      'spec.ingressRules[0].ruleId',
    ],
    [
      'a repeated rule id',
      object('networkPolicy', 'pol-x', {
        ingressRules: [],
        egressRules: [rule('ALLOW', {}, 'r'), rule('DENY', {}, 'r')],
      }),
      'spec.egressRules.ruleId',
    ],
    [
      'a protocol',
      object('networkPolicy', 'pol-x', {
        ingressRules: [rule('ALLOW', { protocol: 256 })],
        egressRules: [],
      }),
      'spec.ingressRules[0].match.protocol',
    ],
    [
      'a port range',
      object('networkPolicy', 'pol-x', {
        ingressRules: [rule('ALLOW', toPort(9, 8))],
        egressRules: [],
      }),
      'spec.ingressRules[0].match.destination.ports[0].high',
    ],
    [
      'a stage that the port does not have',
      bindingSpec({ stages: stages(['WORKLOAD', 'FROM_PORT', []]) }),
      'spec.stages[0].kind',
    ],
    [
      'PRE_DNAT towards a port',
      bindingSpec({ stages: stages(['PRE_DNAT', 'TO_PORT', []]) }),
      'spec.stages[0].direction',
    ],
    [
      'a repeated stage',
      bindingSpec({ stages: stages(['HOST', 'TO_PORT', []], ['HOST', 'TO_PORT', []]) }),
      'spec.stages',
    ],
    [
      'profiles of FORWARD',
      bindingSpec({ stages: stages(['FORWARD', 'TO_PORT', [], ['allow-all']]) }),
      'spec.stages[0].profiles',
    ],
    [
      'a failsafe',
      bindingSpec({ failsafes: [{ direction: 'INBOUND', protocol: 6, port: 70000 }] }),
      'spec.failsafes[0].port',
    ],
    [
      'a repeated tier',
      bindingSpec({ stages: stages(['HOST', 'TO_PORT', [tier('t', []), tier('t', [])]]) }),
      'spec.stages[0].tiers.tierId',
    ],
  ];
  for (const [what, made, field] of cases) {
    it(what, () => {
      const error = refusal(() => new TestNode().put(made));
      expect(error.code).to.equal('INVALID_ARGUMENT');
      expect(error.violations.map((violation) => violation.field)).to.include(field);
    });
  }

  it('SecurityPolicies: priorities, families, single entries of the FLATTENED form, COMPACT where it is not offered', () => {
    const spec = {
      family: 4,
      defaultAction: 'DENY',
      format: 'FLATTENED',
      rules: [
        {
          ruleName: 'r',
          priority: 65535,
          action: 'ALLOW',
          terminating: true,
          source: [{ prefix: 'fd00::/8' }, { low: '10.0.0.9', high: '10.0.0.1' }],
          destination: [],
          sourcePorts: [],
          destinationPorts: [],
          icmp: [],
        },
      ],
    } as const;
    const error = refusal(() => new TestNode().put(object('securityPolicy', 'sec-x', spec)));
    expect(error.violations.map(({ field }) => field)).to.deep.equal([
      'spec.rules[0].priority',
      'spec.rules[0].source[0].prefix',
      'spec.rules[0].source[1].high',
      'spec.rules[0].source',
    ]);
    const flat = new TestNode({ compactRules: false });
    const compact = { ...spec, format: 'COMPACT', rules: [] } as const;
    expect(refusal(() => flat.put(object('securityPolicy', 'sec-x', compact))).code).to.equal(
      'INVALID_ARGUMENT',
    );
  });
});

describe('soft-xpu store: batches', () => {
  it('only the end must be sound: any order, and members of one batch refer to each other', () => {
    const { store } = new TestNode().xpu;
    store.applyBatch([
      create(policyOf('policy-1', 'set-1')),
      create(group('set-1'), ['10.0.0.0/8']),
    ]);
    expect(store.count('addressGroup')).to.equal(1);
    store.applyBatch([
      remove(key('addressGroup', 'set-1')),
      remove(key('networkPolicy', 'policy-1')),
    ]);
    expect(store.count('addressGroup')).to.equal(0);
  });

  it('a refused operation is named, and nothing of the batch is applied', () => {
    const node = new TestNode().group('set-1', 'PREFIX', ['10.0.0.0/8']);
    const { store } = node.xpu;
    node.put(policyOf('policy-1', 'set-1'));
    const before = dumpStore(store);
    const generation = store.group('set-1')?.generation;
    const change: StoreOperation = {
      op: 'modifyMembers',
      key: key('addressGroup', 'set-1'),
      added: { members: ['10.1.0.0/16', '10.2.0.0/16'] },
      removed: { members: ['10.0.0.0/8'] },
    };
    const refused: [StoreOperation[], StoreError['code'], number][] = [
      [[change, create(policyOf('policy-2', 'set-9'))], 'FAILED_PRECONDITION', 1],
      [[change, remove(key('networkPolicy', 'policy-9'))], 'NOT_FOUND', 1],
      [[change, remove(key('addressGroup', 'set-1'))], 'FAILED_PRECONDITION', 1],
      [[change, { ...change, added: { members: ['nonsense'] } }], 'INVALID_ARGUMENT', 1],
      [[change, { ...change, expectedGeneration: 99 }], 'ABORTED', 1],
      [
        [create(group('set-2'), ['10.0.0.0/8']), change, create(group('Set!'))],
        'INVALID_ARGUMENT',
        2,
      ],
      [
        [
          change,
          {
            op: 'replaceMembers',
            key: key('addressGroup', 'set-1'),
            members: { uploadToken: 'none' },
          },
        ],
        'NOT_FOUND',
        1,
      ],
    ];
    for (const [operations, code, index] of refused) {
      const error = refusal(() => store.applyBatch(operations));
      expect(error.code).to.equal(code);
      expect(error.message).to.match(new RegExp(`^operations\\[${index}\\]: `));
      expect(dumpStore(store)).to.equal(before);
      expect(store.group('set-1')?.generation).to.equal(generation);
    }
  });

  it('an object made anew in one batch must still fit those that refer to it', () => {
    const node = new TestNode().group('set-1', 'PREFIX', []);
    node.put(policyOf('policy-1', 'set-1'));
    const { store } = node.xpu;
    const anew = [remove(key('addressGroup', 'set-1')), create(group('set-1', 'IP_PORT'))];
    expect(refusal(() => store.applyBatch(anew)).code).to.equal('INVALID_ARGUMENT');
    store.applyBatch([
      remove(key('addressGroup', 'set-1')),
      create(group('set-1'), ['10.0.0.0/8']),
    ]);
    expect(store.group('set-1')?.members.size).to.equal(1);
  });

  it('random batches: either the end state is sound, or nothing changed', () => {
    const ids = fc.constantFrom('obj-1', 'obj-2', 'obj-3');
    const operation = fc.oneof(
      ids.map((id) => create(group(id), ['10.0.0.0/8'])),
      fc.tuple(ids, ids).map(([id, ref]) => create(policyOf(id, ref))),
      ids.map((id) => remove(key('addressGroup', id))),
      ids.map((id) => remove(key('networkPolicy', id))),
      fc.tuple(ids, ids).map(([id, ref]): StoreOperation => ({
        op: 'update',
        object: policyOf(id, ref),
        allowMissing: true,
      })),
    );
    fc.assert(
      fc.property(fc.array(fc.array(operation, { maxLength: 5 }), { maxLength: 12 }), (batches) => {
        const { store } = new TestNode().xpu;
        for (const batch of batches) {
          const before = dumpStore(store);
          try {
            store.applyBatch(batch);
          } catch {
            expect(dumpStore(store)).to.equal(before);
          }
          for (const { object: stored } of store.list('networkPolicy')) {
            const spec = stored.spec as { ingressRules: readonly ReturnType<typeof rule>[] };
            for (const { match } of spec.ingressRules) {
              for (const ref of match.source.groups) expect(store.get(ref)).to.not.equal(undefined);
            }
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('soft-xpu store: limits', () => {
  it('a full table is RESOURCE_EXHAUSTED; a delete in the same batch makes room', () => {
    const { store } = new TestNode({ limits: { addressGroup: 1 } }).xpu;
    store.apply(create(group('set-1')));
    expect(refusal(() => store.apply(create(group('set-2')))).code).to.equal('RESOURCE_EXHAUSTED');
    store.applyBatch([create(group('set-2')), remove(key('addressGroup', 'set-1'))]);
    expect(
      store.list('addressGroup').map(
        ({
          object: {
            key: { id },
          },
        }) => id,
      ),
    ).to.deep.equal(['set-2']);
  });

  it('members of one group and rules of one policy', () => {
    const { store } = new TestNode({ limits: { groupMembers: 2, rulesPerPolicy: 2 } }).xpu;
    store.apply(create(group('set-1'), ['10.0.0.0/8', '10.1.0.0/16']));
    const more = refusal(() =>
      store.apply({
        op: 'modifyMembers',
        key: key('addressGroup', 'set-1'),
        added: { members: ['10.2.0.0/16'] },
        removed: {},
      }),
    );
    expect([more.code, more.reason]).to.deep.equal(['RESOURCE_EXHAUSTED', 'GROUP_FULL']);
    expect(store.group('set-1')?.members.size).to.equal(2);
    const rules = [rule('ALLOW', {}, 'a'), rule('ALLOW', {}, 'b')];
    const spec = { ingressRules: rules, egressRules: [rule('ALLOW', {}, 'c')] };
    const full = refusal(() => store.apply(create(object('networkPolicy', 'pol-x', spec))));
    expect([full.code, full.reason]).to.deep.equal(['RESOURCE_EXHAUSTED', 'RULE_TABLE_FULL']);
  });

  it('are read from text, with comments, and refused by name', () => {
    expect(parseLimits('vnic=4,groupMembers=10')).to.deep.equal({ vnic: 4, groupMembers: 10 });
    expect(parseLimits('# sizes\nvnic=4\nroute=0 # none\n')).to.deep.equal({ vnic: 4, route: 0 });
    expect(() => parseLimits('vnics=4')).to.throw('unknown table vnics');
    expect(() => parseLimits('vnic=many')).to.throw('vnic=many');
  });
});

describe('soft-xpu store: dumps', () => {
  it('a dump loads into the same state, and says nothing that two XPUs could differ in', () => {
    const node = new TestNode().group('set-1', 'PREFIX', ['10.0.0.0/8', 'fd00::/8']);
    node.put(policyOf('policy-1', 'set-1'));
    const text = dumpStore(node.xpu.store);
    const other = new TestNode({ extension: true });
    other.group('gone', 'PREFIX', []);
    loadStore(other.xpu.store, text);
    expect(dumpStore(other.xpu.store)).to.equal(text);
    expect(text).to.include('addressGroup/set-1 {"memberType":"PREFIX"} ["10.0.0.0/8","fd00::/8"]');
    expect(text).to.not.include(node.xpu.dataPlane.bootId);
    expect(
      other.fate(
        { kind: 'vnic', id: 'vnic-a' },
        { source: POD_A, destination: '10.65.0.2', protocol: 6 },
      ),
    ).to.equal('allow vnic-b');
  });

  it('a dump that cannot be loaded changes nothing and names the line', () => {
    const node = new TestNode();
    const before = dumpStore(node.xpu.store);
    const broken = [
      'garbage',
      'vpc/vpc-x {',
      'nobody/x {}',
      'subnet/sub-x {"vpc":{"kind":"vpc","id":"gone"}}',
      'networkPolicy/pol-x {}',
    ];
    for (const line of broken) {
      const error = refusal(() => loadStore(node.xpu.store, `${line}\n`));
      expect(['INVALID_ARGUMENT', 'FAILED_PRECONDITION']).to.include(error.code);
      expect(dumpStore(node.xpu.store)).to.equal(before);
    }
    expect(refusal(() => loadStore(node.xpu.store, '\nvpc/vpc-x {\n')).message).to.include(
      'line 1',
    );
  });

  it('every kind is in it', () => {
    const node = new TestNode().group('set-1', 'PREFIX', []);
    const kinds = new Set(
      dumpStore(node.xpu.store)
        .split('\n')
        .map((line) => line.split('/')[0]),
    );
    const missing = OBJECT_KINDS.filter((kind) => !kinds.has(kind));
    expect(missing).to.deep.equal(['route', 'nextHop', 'tunnel', 'securityPolicy']);
    expect(keyText(key('vpc', 'cluster'))).to.equal('vpc/cluster');
  });
});
