import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import {
  SettingsError,
  describeSettings,
  readSettings,
  unheededSettings,
} from '../../src/agent/settings.js';

describe('settings', () => {
  it('have defaults, and no default mode: it is never guessed', () => {
    const settings = readSettings({});
    expect(settings.mode).to.equal(undefined);
    expect(settings.address).to.equal('127.0.0.1:50151');
    expect(settings.uplinkInterface).to.equal('eth0');
    expect(settings.frameBytesMax).to.equal(256 * 1024 * 1024);
    expect(settings.stateDirGiven).to.equal(false);
  });

  it('come from FELIX_XPU* variables, then from the lower-cased keys that Felix passes through', () => {
    const felix = new Map([
      ['address', '10.0.0.9:1'],
      ['ownerid', 'me'],
    ]);
    const settings = readSettings({ FELIX_XPUADDRESS: 'unix:/x', FELIX_XPUSTATEDIR: '/s' }, felix);
    expect(settings.address).to.equal('unix:/x');
    expect(settings.ownerId).to.equal('me');
    expect(settings.stateDir).to.equal('/s');
    expect(settings.stateDirGiven).to.equal(true);
  });

  it('an empty value counts as not set', () => {
    expect(readSettings({ FELIX_XPUADDRESS: '' }).address).to.equal('127.0.0.1:50151');
  });

  it('takes from the environment alone what is needed before Felix speaks', () => {
    const felix = new Map([
      ['mode', 'relay'],
      ['statedir', '/elsewhere'],
      ['recorderdir', '/elsewhere'],
      ['framebytesmax', '7'],
    ]);
    expect(readSettings({}, felix)).to.deep.equal(readSettings({}));
  });

  it('tells which have no effect: unknown names, and values of a later session', () => {
    const opened = new Map([
      ['address', '10.0.0.9:1'],
      ['rulebudget', '100'],
    ]);
    const later = new Map([
      ['address', '10.0.0.9:2'],
      ['rulebudget', '200'],
      ['mode', 'relay'],
      ['adress', 'x'],
    ]);
    const environment = { FELIX_XPURULEBUDGET: '300', FELIX_XPUTRAGET: 'plain', FELIX_OTHER: '1' };
    expect(unheededSettings(environment, opened, opened)).to.deep.equal([
      'FELIX_XPUTRAGET: there is no such setting',
    ]);
    expect(unheededSettings(environment, later, opened)).to.deep.equal([
      'FELIX_XPUTRAGET: there is no such setting',
      'FELIX_XPUADRESS: there is no such setting',
      'FELIX_XPUADDRESS: a new value needs a new process',
    ]);
  });

  const refused: [string, string, RegExp][] = [
    ['FELIX_XPUMODE', 'both', /FELIX_XPUMODE="both": expected relay or standalone/],
    ['FELIX_XPUFRAMEBYTESMAX', '-1', /FELIX_XPUFRAMEBYTESMAX="-1"/],
    ['FELIX_XPUFRAMEBYTESMAX', '1e9', /whole number/],
    ['FELIX_XPUHOSTINTERFACES', 'eth0', /NAME=ADDR/],
    ['FELIX_XPUVNICSOURCE', 'bindings', /expected endpoints; vNICs from bindings/],
    ['FELIX_XPUHOSTINTERFACES', 'eth0=10.0.0.300', /10\.0\.0\.300/],
  ];
  for (const [variable, value, message] of refused) {
    it(`refuses ${variable}=${value}, naming both`, () => {
      expect(() => readSettings({ [variable]: value })).to.throw(SettingsError, message);
    });
  }

  it('parses host interfaces of both families', () => {
    const { hostInterfaces } = readSettings({
      FELIX_XPUHOSTINTERFACES: 'eth0=172.30.0.1,FD30::1 eth1=10.9.9.9',
    });
    expect(hostInterfaces).to.deep.equal([
      { name: 'eth0', addresses: ['172.30.0.1', 'fd30::1'] },
      { name: 'eth1', addresses: ['10.9.9.9'] },
    ]);
  });

  it('wants the three TLS files together', () => {
    const all = { FELIX_XPUTLSCERT: 'c', FELIX_XPUTLSKEY: 'k', FELIX_XPUTLSCA: 'a' };
    expect(readSettings(all).tls).to.deep.equal({ certFile: 'c', keyFile: 'k', caFile: 'a' });
    expect(readSettings({}).tls).to.equal(undefined);
    expect(() => readSettings({ ...all, FELIX_XPUTLSKEY: '' })).to.throw(SettingsError, /key/);
  });

  it('are all described, in docs/operating.md too', () => {
    const page = path.resolve(import.meta.dirname, '../../docs/operating.md');
    const operating = readFileSync(page, 'utf8');
    for (const { name, variable, describe: text } of describeSettings()) {
      expect(text, name).to.have.length.greaterThan(10);
      expect(variable).to.match(/^FELIX_XPU[A-Z]+$/);
      expect(operating, 'docs/operating.md').to.contain(`\`${variable}\``);
    }
  });
});
