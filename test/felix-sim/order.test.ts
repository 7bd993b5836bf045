import { expect } from 'chai';
import { decodeToDataplane } from '../../src/driver/message.js';
import { SimError } from '../../src/felix-sim/errors.js';
import { messageFromJson } from '../../src/felix-sim/message-json.js';
import { OrderCheck } from '../../src/felix-sim/order.js';
import { readSource } from '../../src/lab/replay/source.js';
import { allRecordings } from '../support/recordings.js';

const CONFIG = { config_update: { config: {} } };
const SET = { ipset_update: { id: 's:a', members: ['10.0.0.1/32'], type: 'NET' } };
const POLICY_ID = { kind: 'NetworkPolicy', namespace: 'shop', name: 'db' };
const POLICY = {
  active_policy_update: {
    id: POLICY_ID,
    policy: { inbound_rules: [{ action: 'allow', src_ip_set_ids: ['s:a'] }], tier: 'default' },
  },
};
const PROFILE = { active_profile_update: { id: { name: 'kns.shop' }, profile: {} } };
const ENDPOINT_ID = { orchestrator_id: 'k8s', workload_id: 'shop/db-1', endpoint_id: 'eth0' };
const ENDPOINT = {
  workload_endpoint_update: {
    id: ENDPOINT_ID,
    endpoint: {
      state: 'active',
      profile_ids: ['kns.shop'],
      tiers: [{ name: 'default', ingress_policies: [POLICY_ID], default_action: 'Deny' }],
    },
  },
};
const WHOLE = [CONFIG, SET, POLICY, PROFILE, ENDPOINT, { in_sync: {} }];

function check(...messages: readonly unknown[]): void {
  const order = new OrderCheck();
  messages.forEach((json, index) => order.next(messageFromJson(json, `messages[${index}]`)));
}

describe('order of a session', () => {
  for (const { name, folder } of allRecordings()) {
    it(`holds in what Felix really sent: ${name}`, () => {
      const { streams } = readSource(folder);
      expect(streams.length).to.be.greaterThan(0);
      for (const { frames } of streams) {
        const order = new OrderCheck();
        for (const { body } of frames) order.next(decodeToDataplane(body).message);
      }
    });
  }

  it('accepts a session that Felix could send', () => {
    check(
      ...WHOLE,
      { ipset_delta_update: { id: 's:a', added_members: ['10.0.0.2/32'] } },
      { workload_endpoint_remove: { id: ENDPOINT_ID } },
      { active_profile_remove: { id: { name: 'kns.shop' } } },
      { active_policy_remove: { id: POLICY_ID } },
      { ipset_remove: { id: 's:a' } },
    );
  });

  const refused: [string, readonly unknown[], RegExp][] = [
    ['a session without ConfigUpdate', [SET], /message 0 .*begins with ConfigUpdate/],
    ['a second InSync', [...WHOLE, { in_sync: {} }], /message 6 .*second InSync/],
    ['a policy before its set', [CONFIG, POLICY], /names the unknown ipset s:a/],
    [
      'an endpoint before its profile',
      [CONFIG, SET, POLICY, ENDPOINT],
      /unknown profile kns\.shop/,
    ],
    ['an endpoint before its policy', [CONFIG, SET, PROFILE, ENDPOINT], /unknown policy/],
    [
      'a policy removed in use',
      [...WHOLE, { active_policy_remove: { id: POLICY_ID } }],
      /still in use/,
    ],
    [
      'a set removed in use',
      [...WHOLE, { ipset_remove: { id: 's:a' } }],
      /removes ipset s:a, still in use/,
    ],
    [
      'a profile removed in use',
      [...WHOLE, { active_profile_remove: { id: { name: 'kns.shop' } } }],
      /profile kns\.shop, still in use/,
    ],
    [
      'a delta for an unknown set',
      [CONFIG, { ipset_delta_update: { id: 's:b', added_members: ['10.0.0.1/32'] } }],
      /unknown set s:b/,
    ],
    [
      'a delta that adds what is there',
      [CONFIG, SET, { ipset_delta_update: { id: 's:a', added_members: ['10.0.0.1/32'] } }],
      /adds 10\.0\.0\.1\/32, which is there/,
    ],
    [
      'a delta that removes what is not there',
      [CONFIG, SET, { ipset_delta_update: { id: 's:a', removed_members: ['10.0.0.9/32'] } }],
      /removes 10\.0\.0\.9\/32, which is not there/,
    ],
    [
      'initial members that repeat',
      [
        CONFIG,
        { ipset_update: { id: 's:a', members: ['10.0.0.1/32', '10.0.0.1/32'], type: 'NET' } },
      ],
      /repeats a member/,
    ],
    [
      'a removal of what is not there',
      [CONFIG, { ipset_remove: { id: 's:a' } }],
      /unknown ipset s:a/,
    ],
  ];
  for (const [what, messages, reason] of refused) {
    it(`refuses ${what}`, () => {
      expect(() => check(...messages)).to.throw(SimError, reason);
    });
  }
});
