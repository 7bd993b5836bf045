/** The wire check: whole tags, unknown fields, bounds. Bytes are written by hand. */
import { expect } from 'chai';
import type { Rule, ToDataplane, WorkloadEndpoint } from '../../src/gen/felix/types.js';
import { toRule } from '../../src/driver/convert/rule.js';
import { decodeToDataplane } from '../../src/driver/message.js';
import { bytesField, varint, varintField } from '../support/wire/bytes.js';

describe('wire check', () => {
  it('takes field 14 of a workload endpoint by its wire type: a message from v3.31', () => {
    const endpoint = decodeEndpoint(bytesField(1, 'active'), bytesField(14, varintField(2, 1)));
    expect(endpoint.skip_redir).to.include({ Egress: false, Ingress: true });
    expect(endpoint.type).to.equal(0);
    expect(endpoint.state).to.equal('active');
  });

  it('takes field 14 of a workload endpoint by its wire type: an enum in v3.30.1 to v3.30.7', () => {
    // Field 15 behind it: a reader that takes 14 for a message would lose its place here.
    const dscp = bytesField(15, varintField(2, 46));
    const endpoint = decodeEndpoint(bytesField(1, 'active'), varintField(14, 1), dscp);
    expect(endpoint.skip_redir).to.equal(null);
    expect(endpoint.type).to.equal(1);
    expect(endpoint.qos_policies.map((one) => one.dscp)).to.deep.equal([46]);
  });

  it('skips a payload it does not know, and names its number', () => {
    const body = Buffer.concat([varintField(15, 9), bytesField(39, 'new'), bytesField(1000, 'x')]);
    const { message, unknownFields } = decodeToDataplane(body);
    expect(message.payload).to.equal(undefined);
    expect(message.sequence_number.toString()).to.equal('9');
    expect(unknownFields).to.deep.equal([39, 1000]);
  });

  it('skips unknown fields of every wire type inside a message, groups too', () => {
    const group = Buffer.concat([varint(60 * 8 + 3), varintField(1, 5), varint(60 * 8 + 4)]);
    const fixed = Buffer.concat([
      varint(61 * 8 + 1),
      Buffer.alloc(8),
      varint(62 * 8 + 5),
      Buffer.alloc(4),
    ]);
    const unknown = Buffer.concat([group, fixed, varintField(63, 300), bytesField(64, 'x')]);
    const { message, unknownFields } = decodeToDataplane(
      bytesField(4, unknown, bytesField(1, 's:a')),
    );
    expect(message.payload === 'ipset_remove' && message.ipset_remove.id).to.equal('s:a');
    expect(unknownFields).to.deep.equal([]);
  });

  it('leaves a field with another wire type out, as an unknown one', () => {
    const { message } = decodeToDataplane(bytesField(4, varintField(1, 77), bytesField(1, 's:b')));
    expect(message.payload === 'ipset_remove' && message.ipset_remove.id).to.equal('s:b');
    const { unknownFields } = decodeToDataplane(varintField(2, 1));
    expect(unknownFields).to.deep.equal([2]);
  });

  it('makes a rule with an unknown condition deny, wherever the action stands', () => {
    for (const order of ['action first', 'action last']) {
      const parts = [bytesField(1, 'allow'), bytesField(16, 'a new condition')];
      const rule = decodeRule(...(order === 'action first' ? parts : parts.reverse()));
      expect(toRule(rule).action, order).to.equal('unknown');
      expect(rule.action, order).to.include('field 16');
    }
  });

  it('makes a rule with a condition of another wire type deny', () => {
    const rule = decodeRule(bytesField(1, 'allow'), varintField(5, 80));
    expect(toRule(rule).action).to.equal('unknown');
  });

  it('keeps a rule whose unknown field only informs', () => {
    const rule = decodeRule(bytesField(1, 'allow'), bytesField(134, 'original of something'));
    expect(toRule(rule).action).to.equal('allow');
  });

  const broken: readonly [string, Buffer][] = [
    ['field number 0', Buffer.from([0x02, 0x00])],
    ['a tag that does not end', Buffer.from([0x92])],
    ['a tag of more than 32 bits', Buffer.from([0xff, 0xff, 0xff, 0xff, 0x7f])],
    ['a length without bytes', Buffer.from([0x12, 0x05])],
    [
      'a length beyond the parent',
      bytesField(4, Buffer.from([0x0a, 0x05, 0x61]), 'bbbbbbbb'.slice(0, 2)),
    ],
    [
      'a string cut off inside its parent',
      Buffer.concat([bytesField(4, Buffer.from([0x0a, 0x03, 0x61])), Buffer.from('bc')]),
    ],
    ['a length of all ones', Buffer.from([0x12, 0xff, 0xff, 0xff, 0xff, 0x0f])],
    ['a varint that does not end', Buffer.from([0x78, 0x80, 0x80])],
    [
      'a varint of eleven bytes',
      Buffer.concat([Buffer.from([0x78]), Buffer.alloc(10, 0x80), Buffer.from([1])]),
    ],
    ['an end of a group that never began', Buffer.from([0x7c])],
    ['wire type 6', Buffer.from([0x7e])],
    ['wire type 7', Buffer.from([0x7f])],
    ['a group that does not end', varint(60 * 8 + 3)],
    ['a group with another end', Buffer.concat([varint(60 * 8 + 3), varint(61 * 8 + 4)])],
    ['a cut fixed64', Buffer.concat([varint(60 * 8 + 1), Buffer.alloc(7)])],
    [
      'groups nested a thousand deep',
      Buffer.concat(Array.from({ length: 1000 }, () => varint(60 * 8 + 3))),
    ],
  ];
  for (const [name, body] of broken) {
    it(`refuses ${name}`, () => {
      expect(() => decodeToDataplane(body)).to.throw(Error);
    });
  }

  it('refuses a frame of a million empty rules, which would take a hundred times its size', () => {
    const rules = Buffer.alloc(2 << 20, Buffer.from([0x0a, 0x00]));
    const body = bytesField(7, bytesField(2, rules));
    expect(() => decodeToDataplane(body)).to.throw('too many messages in one frame');
  });

  it('refuses a frame of sixteen million empty members', () => {
    const body = bytesField(2, Buffer.alloc(2 << 24, Buffer.from([0x12, 0x00])));
    expect(() => decodeToDataplane(body)).to.throw('too many fields in one frame');
  });
});

function decodeEndpoint(...fields: readonly Buffer[]): WorkloadEndpoint {
  const message = decodeToDataplane(bytesField(11, bytesField(5, ...fields))).message;
  return payload(message, 'workload_endpoint_update').endpoint!;
}

function decodeRule(...fields: readonly Buffer[]): Rule {
  const { message } = decodeToDataplane(bytesField(7, bytesField(2, bytesField(1, ...fields))));
  return payload(message, 'active_policy_update').policy!.inbound_rules[0]!;
}

type Payload = NonNullable<ToDataplane['payload']>;
type PayloadOf<P extends Payload> =
  Extract<ToDataplane, { payload: P }> extends { [K in P]: infer V } ? V : never;

function payload<P extends Payload>(message: ToDataplane, name: P): PayloadOf<P> {
  expect(message.payload).to.equal(name);
  return (message as unknown as Record<P, PayloadOf<P>>)[name];
}
