/** Dry runs: figures held against the plan, what has no room, what is narrower; descriptions of targets as files. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { CAPABILITIES, NATIVE, readCapabilities } from '../../../src/lab/explain/capabilities.js';
import { checkPolicy } from '../../../src/lab/explain/check.js';
import { checkText } from '../../../src/lab/explain/check-text.js';
import type { TargetCapabilities } from '../../../src/opi/objects/target.js';
import { KNS, type World } from '../../support/felix/world.js';
import { recordedSource, worldSource } from './support.js';

const PLAIN = CAPABILITIES['plain-compact']!;
const FLATTENED = CAPABILITIES['plain-flattened']!;

const WORLD: World = {
  sets: { 's:1': { type: 'net', members: ['198.18.0.0/24', '203.0.113.0/24', '2001:db8::/32'] } },
  policies: {
    p: {
      inbound: [
        { action: 'allow', src_ip_set_ids: ['s:1'] },
        { action: 'deny', ip_version: 6 },
        { action: 'log' },
      ],
    },
  },
  profiles: { open: KNS },
  pods: {
    a: { tiers: [{ ingress: ['p'], default: 'Deny' }], profiles: ['open'] },
    b: { profiles: ['open'] },
  },
};

function limited(target: TargetCapabilities, limits: TargetCapabilities['limits']) {
  return checkPolicy(worldSource(WORLD), { capabilities: { ...target, limits } });
}

describe('policy check', () => {
  it('counts objects, groups and members, and the rules of each port', () => {
    const check = checkPolicy(worldSource(WORLD), { capabilities: NATIVE });
    expect(check.fits).to.equal(true);
    expect(check.objects).to.include({
      addressGroup: 1,
      networkPolicy: 3,
      policyBinding: 2,
      vnic: 3,
      securityPolicy: 2,
    });
    expect(check.groups).to.deep.equal({ count: 1, members: 3, largest: 3 });
    expect(check.ports).to.deep.equal([
      { port: 'default/a', sends: { v4: 1, v6: 1 }, receives: { v4: 3, v6: 4 } },
      { port: 'default/b', sends: { v4: 1, v6: 1 }, receives: { v4: 1, v6: 1 } },
    ]);
  });

  it('counts the lists of a plain target, each family by itself', () => {
    const compact = checkPolicy(worldSource(WORLD), { capabilities: PLAIN });
    const flat = checkPolicy(worldSource(WORLD), { capabilities: FLATTENED });
    const [a, aFlat] = [compact.ports[0]!, flat.ports[0]!];
    expect(a.port).to.equal('default/a');
    // From the node itself, from the set, and for IPv6 the deny of everything.
    expect(a.receives).to.deep.equal({ v4: 2, v6: 3 });
    // The set holds two IPv4 prefixes, which are two rules without lists.
    expect(aFlat.receives.v4).to.equal(a.receives.v4 + 1);
    expect(compact.objects.networkPolicy + compact.objects.addressGroup).to.equal(0);
  });

  it('tells which table has no room, and which policy or set is too large', () => {
    const { fits, excess } = limited(NATIVE, {
      policyBinding: 1,
      networkPolicy: 3,
      groupMembers: 2,
      rulesPerPolicy: 2,
    });
    expect(fits).to.equal(false);
    expect(excess).to.deep.equal([
      { limit: 'policyBinding', allowed: 1, wanted: 2 },
      { limit: 'groupMembers', allowed: 2, wanted: 3, what: 'IP set s:1' },
      { limit: 'rulesPerPolicy', allowed: 2, wanted: 3, what: 'GlobalNetworkPolicy p' },
    ]);
  });

  it('tells what the budget of a plain target cuts, with the rule', () => {
    const check = checkPolicy(worldSource(WORLD), { capabilities: FLATTENED, ruleBudget: 2 });
    expect(check.fits).to.equal(false);
    expect(check.degraded.map(({ code }) => code)).to.include('budget');
    expect(check.degraded.map(({ subject }) => subject)).to.include('k8s/default%2Fa/eth0');
  });

  it('tells what a plain target cannot express, and by which rule', () => {
    const world: World = {
      policies: { u: { untracked: true, inbound: [{ action: 'allow' }] } },
      hostEndpoints: { eth: { name: 'eth0', untracked: [{ ingress: ['u'], default: 'Pass' }] } },
    };
    const check = checkPolicy(worldSource(world), { capabilities: PLAIN });
    const [told] = check.degraded.filter(({ rule }) => rule !== undefined);
    expect(told).to.deep.include({
      code: 'not-expressible',
      subject: 'uplink',
      direction: 'ingress',
    });
    expect(told?.rule).to.deep.include({ direction: 'ingress', index: 0 });
    expect(checkPolicy(worldSource(world), { capabilities: NATIVE }).fits).to.equal(true);
  });

  it('is text for people, too', () => {
    const text = checkText(
      checkPolicy(recordedSource('head/hello', 'start'), { capabilities: NATIVE }),
    );
    expect(text).to.match(/hello, step start on a native target: fits, nothing is narrower\n/);
    expect(text).to.match(/\n {2}shop\/db-1 +sends \d+\/\d+, receives \d+\/\d+\n/);
    const small = checkText(limited(PLAIN, { securityPolicy: 3 }));
    expect(small).to.include('on a plain (COMPACT) target: does not fit whole\n');
    expect(small).to.match(/\nno room\n {2}securityPolicy: \d+ wanted, 3 at most\n/);
  });
});

describe('descriptions of targets', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cx-capabilities-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function read(text: string): TargetCapabilities {
    const file = join(folder, 'target.yaml');
    writeFileSync(file, text);
    return readCapabilities(file);
  }

  it('are read from YAML and JSON; the example is one', () => {
    expect(read('{"level": "native"}')).to.deep.equal(NATIVE);
    expect(readCapabilities('examples/capabilities/small.yaml')).to.deep.equal({
      level: 'plain',
      compactRules: false,
      limits: { vnic: 32, mapping: 64, securityPolicy: 64, rulesPerPolicy: 512 },
      features: [],
    });
  });

  for (const [text, problem] of [
    ['level: other', 'level: "other" is neither native nor plain'],
    ['{level: plain, table: 3}', 'table: unknown key'],
    ['{level: plain, limits: {vnics: 3}}', 'limits.vnics: unknown table'],
    ['{level: plain, limits: {vnic: -1}}', 'limits.vnic: -1 is no whole number'],
    ['{level: plain, limits: 3}', 'limits: is no mapping'],
    ['{level: plain, compactRules: "no"}', 'compactRules: neither true nor false'],
    ['{level: plain, features: [1]}', 'features: no list of texts'],
    ['- 1', 'is no mapping'],
    ['{', 'target.yaml'],
  ] as const) {
    it(`refuses ${text}`, () => {
      expect(() => read(text)).to.throw(problem);
    });
  }
});
