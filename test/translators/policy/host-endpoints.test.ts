import { expect } from 'chai';
import { type IpAddress, parseIp } from '../../../src/base/ip.js';
import type { HostEndpoint } from '../../../src/model/endpoint.js';
import { resolveHostEndpoints } from '../../../src/translators/policy/host-endpoints.js';
import { hostEndpoint } from '../support/model.js';

const HOST = ['172.30.0.1', 'fd30::1'].map((text) => parseIp(text) as IpAddress);
const SETTINGS = {
  uplink: { name: 'eth0' },
  otherInterfaces: [{ name: 'eth1', addresses: ['192.0.2.1'] }],
};

function resolve(...endpoints: readonly HostEndpoint[]) {
  const { specific, star, errors } = resolveHostEndpoints(endpoints, SETTINGS, HOST);
  return { specific: specific?.id, star: star?.id, errors: Object.fromEntries(errors) };
}

const named = (id: string, interfaceName: string) => hostEndpoint(id, { interfaceName });
const expecting = (id: string, ...expectedIps: string[]) =>
  hostEndpoint(id, { interfaceName: '', expectedIps });

describe('resolveHostEndpoints', () => {
  it('binds by name', () => {
    expect(resolve(named('a', 'eth0'))).to.deep.equal({
      specific: 'a',
      star: undefined,
      errors: {},
    });
  });

  it('binds by an expected address of either family, however it is spelled', () => {
    expect(resolve(expecting('a', '10.0.0.1', '172.30.0.1')).specific).to.equal('a');
    expect(resolve(expecting('a', 'FD30:0::1')).specific).to.equal('a');
  });

  it('the smallest id wins, whether by name or by address; the others are held by it', () => {
    expect(
      resolve(named('b', 'eth0'), expecting('a', '172.30.0.1'), named('c', 'eth0')),
    ).to.deep.equal({
      specific: 'a',
      star: undefined,
      errors: { 'host/b': 'held by a', 'host/c': 'held by a' },
    });
  });

  it('corner 57: a set name that differs never falls back to addresses', () => {
    const lost = hostEndpoint('a', { interfaceName: 'eth9', expectedIps: ['172.30.0.1'] });
    expect(resolve(lost).errors).to.deep.equal({ 'host/a': 'no matching interface' });
  });

  it('tells an endpoint of another interface from one that matches nothing', () => {
    const { errors, specific } = resolve(
      named('a', 'eth1'),
      expecting('b', '192.0.2.1'),
      expecting('c', '192.0.2.2'),
      expecting('d'),
    );
    expect(specific).to.equal(undefined);
    expect(errors).to.deep.equal({
      'host/a': 'other interface',
      'host/b': 'other interface',
      'host/c': 'no matching interface',
      'host/d': 'no matching interface',
    });
  });

  it('corner 58: "*" and a specific one are both in force; a second "*" is held', () => {
    expect(resolve(named('z', '*'), named('b', 'eth0'), named('y', '*'))).to.deep.equal({
      specific: 'b',
      star: 'y',
      errors: { 'host/z': 'held by y' },
    });
  });

  it('takes addresses of the uplink from the settings where they say so', () => {
    const settings = { uplink: { name: 'ens1', addresses: ['10.9.9.9'] }, otherInterfaces: [] };
    const { specific } = resolveHostEndpoints([expecting('a', '10.9.9.9')], settings, HOST);
    expect(specific?.id).to.equal('a');
    const none = resolveHostEndpoints([expecting('a', '172.30.0.1')], settings, HOST);
    expect(none.errors.get(expecting('a').key)).to.equal('no matching interface');
  });
});
