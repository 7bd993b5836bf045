/** Our decoding against Calico's own Go code, frame by frame, for every recording and version. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import { encodeFrame } from '../../src/driver/frame.js';
import { encodeFromDataplane, encodeToDataplane } from '../../src/driver/message.js';
import { FromDataplaneType } from '../../src/driver/wire-types.js';
import { decodeStream } from '../../src/felix-sim/decode.js';
import { toProtoJson } from '../../src/felix-sim/proto-json.js';
import type { Draft, ToDataplane } from '../../src/gen/felix/types.js';
import { parseCalicoVersion } from '../../src/model/calico-version.js';
import { allRecordings } from '../support/recordings.js';
import { bytesField, varintField } from '../support/wire/bytes.js';

describe('decodeStream', () => {
  for (const { name, streams } of allRecordings()) {
    it(`${name}: agrees with Calico on every frame`, () => {
      for (const stream of streams) {
        const expected = witness(stream);
        const lines = [...decodeStream(pieces(readFileSync(stream)))].map(asJson);
        expect(lines.length).to.equal(expected.length);
        lines.forEach((line, index) =>
          expect(line, `frame ${index}`).to.deep.equal(expected[index]),
        );
      }
    });
  }

  it('service addresses: one text before v3.28.1, a list from then on', () => {
    const service = { service_update: { name: 's', cluster_ips: ['10.96.0.1'] } };
    const shown = (version: string) => {
      const config = { config_update: { config: { CalicoVersion: version } } };
      return decode([config, service])[1];
    };
    expect(shown('v3.28.0')).to.deep.equal({
      service_update: { name: 's', cluster_ip: '10.96.0.1' },
    });
    expect(shown('v3.28.1')).to.deep.equal({
      service_update: { name: 's', cluster_ips: ['10.96.0.1'] },
    });
    expect(shown('head')).to.deep.equal({
      service_update: { name: 's', cluster_ips: ['10.96.0.1'] },
    });
  });

  it('a given version wins over what the stream says', () => {
    const stream = framesOf([
      { config_update: { config: { CalicoVersion: 'head' } } },
      { service_update: { cluster_ips: ['10.96.0.1'] } },
    ]);
    const lines = [...decodeStream([stream], { version: parseCalicoVersion('v3.26.5') })].map(
      asJson,
    );
    expect(lines[1]).to.deep.equal({ service_update: { cluster_ip: '10.96.0.1' } });
  });

  it('shows what presence means: empty payloads, zeroes in a oneof, unknown enum numbers', () => {
    expect(decode([{ in_sync: {} }, { encapsulation: {} }])).to.deep.equal([
      { in_sync: {} },
      { encapsulation: {} },
    ]);
    const rules = [
      { icmp_type: 0, protocol: { number: 0 } },
      { icmp_type_code: {} },
      { ip_version: 5 },
    ];
    const policy = { inbound_rules: rules };
    expect(decode([{ active_policy_update: { policy } }])[0]).to.deep.equal({
      active_policy_update: {
        policy: {
          inbound_rules: [
            { icmp_type: 0, protocol: { number: 0 } },
            { icmp_type_code: {} },
            { ip_version: 5 },
          ],
        },
      },
    });
  });

  it('64-bit numbers are texts, and tiers show names or policies as they came', () => {
    const tiers = [{ name: 't', ingress_policies: [Buffer.from('t.p'), bytesField(2, 'p')] }];
    const endpoint = { tiers, qos_controls: { IngressBandwidth: 5_000_000_000 } };
    expect(
      decode([{ sequence_number: 7, workload_endpoint_update: { endpoint } }])[0],
    ).to.deep.equal({
      sequence_number: '7',
      workload_endpoint_update: {
        endpoint: {
          tiers: [{ name: 't', ingress_policies: ['t.p', { name: 'p' }] }],
          qos_controls: { IngressBandwidth: '5000000000' },
        },
      },
    });
  });

  it("shows v3.30's type of a workload endpoint by its name there", () => {
    const body = bytesField(11, bytesField(5, bytesField(1, 'active'), varintField(14, 1)));
    expect([...decodeStream([encodeFrame(body)])].map(asJson)).to.deep.equal([
      { workload_endpoint_update: { endpoint: { state: 'active', type: 'VM' } } },
    ]);
  });

  it('ends with an error where the stream does', () => {
    const stream = framesOf([{ in_sync: {} }, { in_sync: {} }]);
    const lines = decodeStream([stream.subarray(0, stream.length - 1)]);
    expect(lines.next().value).to.deep.equal({ in_sync: {} });
    expect(() => lines.next()).to.throw(/ended after 1 bytes of a body/);
  });
});

describe('toProtoJson', () => {
  it('shows doubles that JSON has no number for', () => {
    for (const [uptime, text] of [
      [NaN, 'NaN'],
      [Infinity, 'Infinity'],
      [-Infinity, '-Infinity'],
      [1.5, 1.5],
    ] as const) {
      const bytes = encodeFromDataplane({ process_status_update: { uptime } });
      const json = toProtoJson(FromDataplaneType.decode(bytes), () => undefined);
      expect(json).to.deep.equal({ process_status_update: { uptime: text } });
    }
  });
});

function decode(messages: readonly Draft<ToDataplane>[]): unknown[] {
  return [...decodeStream([framesOf(messages)])].map(asJson);
}

function framesOf(messages: readonly Draft<ToDataplane>[]): Buffer {
  return Buffer.concat(messages.map((message) => encodeFrame(encodeToDataplane(message))));
}

function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function witness(stream: string): unknown[] {
  const file = stream.replace(/stream-(\d+)\.felix$/, 'decoded-$1.jsonl.gz');
  const lines = gunzipSync(readFileSync(file)).toString().trim().split('\n');
  return lines.map((line) => JSON.parse(line) as unknown);
}

/** As a pipe would give it: pieces that end anywhere. */
function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0, size = 1; at < bytes.length; at += size, size = 1 + ((size * 7 + 3) % 70_001)) {
    yield bytes.subarray(at, at + size);
  }
}
