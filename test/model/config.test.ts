/** Felix's configuration: defaults, spellings, refusals. */
import { expect } from 'chai';
import { formatCidr } from '../../src/base/ip.js';
import {
  defaultFelixConfig,
  parseFelixConfig,
  xpuSettings,
  type FelixConfig,
} from '../../src/model/config.js';

const DEFAULT_INBOUND = '6/22 17/68 6/179 6/2379 6/2380 6/5473 6/6443 6/6666 6/6667';
const DEFAULT_OUTBOUND = '17/53 17/67 6/179 6/2379 6/2380 6/5473 6/6443 6/6666 6/6667';

describe('parseFelixConfig', () => {
  it('knows every default', () => {
    const { config, problems } = parseFelixConfig(new Map());
    expect(problems).to.deep.equal([]);
    expect(failsafes(config, 'failsafeInbound')).to.equal(DEFAULT_INBOUND);
    expect(failsafes(config, 'failsafeOutbound')).to.equal(DEFAULT_OUTBOUND);
    const {
      failsafeInbound: _in,
      failsafeOutbound: _out,
      calicoVersion: _version,
      ...rest
    } = config;
    expect(rest).to.deep.equal({
      interfacePrefixes: ['cali'],
      endpointToHostAction: 'DROP',
      conntrackInvalidCheckDisabled: false,
      vxlanFromWorkloadsAllowed: false,
      ipipFromWorkloadsAllowed: false,
      vxlanPort: 4789,
      vxlanVni: 4096,
      iptablesFilterDenyAction: 'DROP',
      nftablesFilterDenyAction: 'DROP',
      iptablesFilterAllowAction: 'ACCEPT',
      iptablesMangleAllowAction: 'ACCEPT',
      nftablesFilterAllowAction: 'ACCEPT',
      nftablesMangleAllowAction: 'ACCEPT',
      workloadSourceSpoofing: 'Disabled',
      ipv6Support: true,
      endpointReportingEnabled: false,
      endpointReportingDelayMs: 1000,
      endpointStatusPathPrefix: '/var/run/calico',
      reportingIntervalMs: 30_000,
      reportingTtlMs: 90_000,
      serviceLoopPrevention: 'Drop',
      natOutgoingExclusions: 'IPPoolsOnly',
      natOutgoingAddress: undefined,
      natPortRange: undefined,
      istioAmbientMode: 'Disabled',
      istioDscpMark: undefined,
      logPrefix: 'calico-packet',
      logActionRateLimit: '',
      logActionRateLimitBurst: 5,
      wireguardEnabled: false,
      wireguardEnabledV6: false,
      wireguardHostEncryptionEnabled: false,
      wireguardListeningPort: 51820,
      wireguardListeningPortV6: 51821,
      felixHostname: '',
      clusterType: '',
      floatingIpsEnabled: false,
    });
    expect(defaultFelixConfig()).to.deep.equal(config);
  });

  const accepted: readonly [string, string, keyof FelixConfig, unknown][] = [
    ...['true', 'TRUE', '1', 'yes', 'Y', 't'].map(
      (text) =>
        ['WireguardEnabled', text, 'wireguardEnabled', true] as [
          string,
          string,
          keyof FelixConfig,
          unknown,
        ],
    ),
    ...['false', 'False', '0', 'no', 'N', 'f', 'none', 'NONE'].map(
      (text) =>
        ['Ipv6Support', text, 'ipv6Support', false] as [string, string, keyof FelixConfig, unknown],
    ),
    ['DefaultEndpointToHostAction', 'Accept', 'endpointToHostAction', 'ACCEPT'],
    ['DefaultEndpointToHostAction', 'return', 'endpointToHostAction', 'RETURN'],
    ['DefaultEndpointToHostAction', '', 'endpointToHostAction', 'DROP'],
    ['DisableConntrackInvalidCheck', 'true', 'conntrackInvalidCheckDisabled', true],
    ['AllowVXLANPacketsFromWorkloads', 'yes', 'vxlanFromWorkloadsAllowed', true],
    ['AllowIPIPPacketsFromWorkloads', 't', 'ipipFromWorkloadsAllowed', true],
    ['VXLANPort', '4790', 'vxlanPort', 4790],
    ['VXLANPort', '0x12b5', 'vxlanPort', 4789],
    ['VXLANPort', '010', 'vxlanPort', 8],
    ['VXLANPort', '+8', 'vxlanPort', 8],
    ['VXLANPort', 'none', 'vxlanPort', 0],
    ['VXLANVNI', '16777215', 'vxlanVni', 16777215],
    ['IptablesFilterDenyAction', 'reject', 'iptablesFilterDenyAction', 'REJECT'],
    ['NftablesFilterDenyAction', 'Reject', 'nftablesFilterDenyAction', 'REJECT'],
    ['IptablesFilterAllowAction', 'Return', 'iptablesFilterAllowAction', 'RETURN'],
    ['IptablesMangleAllowAction', 'return', 'iptablesMangleAllowAction', 'RETURN'],
    ['NftablesFilterAllowAction', 'RETURN', 'nftablesFilterAllowAction', 'RETURN'],
    ['NftablesMangleAllowAction', 'RETURN', 'nftablesMangleAllowAction', 'RETURN'],
    ['WorkloadSourceSpoofing', 'any', 'workloadSourceSpoofing', 'Any'],
    ['WorkloadSourceSpoofing', 'none', 'workloadSourceSpoofing', 'Disabled'],
    ['EndpointReportingEnabled', '1', 'endpointReportingEnabled', true],
    ['EndpointReportingDelaySecs', '0.25', 'endpointReportingDelayMs', 250],
    ['ReportingIntervalSecs', '10', 'reportingIntervalMs', 10_000],
    ['ReportingIntervalSecs', '1e1', 'reportingIntervalMs', 10_000],
    ['ReportingIntervalSecs', 'none', 'reportingIntervalMs', 0],
    ['ReportingTTLSecs', '3.5', 'reportingTtlMs', 3500],
    ['EndpointStatusPathPrefix', 'none', 'endpointStatusPathPrefix', ''],
    ['EndpointStatusPathPrefix', '/run/x', 'endpointStatusPathPrefix', '/run/x'],
    ['ServiceLoopPrevention', 'reject', 'serviceLoopPrevention', 'Reject'],
    ['ServiceLoopPrevention', 'none', 'serviceLoopPrevention', 'Disabled'],
    ['FloatingIPs', 'enabled', 'floatingIpsEnabled', true],
    ['FloatingIPs', 'Disabled', 'floatingIpsEnabled', false],
    ['ClusterType', 'k8s,OpenStack', 'floatingIpsEnabled', true],
    ['NATOutgoingExclusions', 'ippoolsandhostips', 'natOutgoingExclusions', 'IPPoolsAndHostIPs'],
    ['NATOutgoingAddress', '10.0.0.1', 'natOutgoingAddress', '10.0.0.1'],
    ['NATPortRange', '1000:2000', 'natPortRange', { first: 1000, last: 2000 }],
    ['NATPortRange', '99', 'natPortRange', { first: 99, last: 99 }],
    ['IstioAmbientMode', 'enabled', 'istioAmbientMode', 'Enabled'],
    ['IstioDSCPMark', '23', 'istioDscpMark', 23],
    ['IstioDSCPMark', 'EF', 'istioDscpMark', 46],
    ['IstioDSCPMark', 'af41', 'istioDscpMark', 34],
    ['IstioDSCPMark', 'CS6', 'istioDscpMark', 48],
    ['IstioDSCPMark', 'DF', 'istioDscpMark', 0],
    ['LogPrefix', 'none', 'logPrefix', ''],
    ['LogActionRateLimit', '100/minute', 'logActionRateLimit', '100/minute'],
    ['LogActionRateLimitBurst', '7', 'logActionRateLimitBurst', 7],
    ['WireguardEnabledV6', 'true', 'wireguardEnabledV6', true],
    ['WireguardHostEncryptionEnabled', 'true', 'wireguardHostEncryptionEnabled', true],
    ['WireguardListeningPort', '1', 'wireguardListeningPort', 1],
    ['WireguardListeningPortV6', '2', 'wireguardListeningPortV6', 2],
    ['FelixHostname', 'node-a', 'felixHostname', 'node-a'],
    ['InterfacePrefix', 'cali,tap', 'interfacePrefixes', ['cali', 'tap']],
  ];
  for (const [key, text, name, value] of accepted) {
    it(`${key} ${JSON.stringify(text)}`, () => {
      const { config, problems } = parseFelixConfig(new Map([[key, text]]));
      expect(config[name]).to.deep.equal(value);
      expect(problems).to.deep.equal([]);
    });
  }

  const refused: readonly [string, string, keyof FelixConfig][] = [
    ['Ipv6Support', 'maybe', 'ipv6Support'],
    ['DefaultEndpointToHostAction', 'ALLOW', 'endpointToHostAction'],
    ['DefaultEndpointToHostAction', 'none', 'endpointToHostAction'],
    ['InterfacePrefix', 'none', 'interfacePrefixes'],
    ['InterfacePrefix', 'cali,', 'interfacePrefixes'],
    ['InterfacePrefix', 'averyveryverylongname', 'interfacePrefixes'],
    ['VXLANPort', '65536', 'vxlanPort'],
    ['VXLANPort', '-1', 'vxlanPort'],
    ['VXLANPort', '08', 'vxlanPort'],
    ['VXLANPort', '4789.0', 'vxlanPort'],
    ['VXLANPort', ' 4789', 'vxlanPort'],
    ['VXLANVNI', '16777216', 'vxlanVni'],
    ['ReportingIntervalSecs', '-1', 'reportingIntervalMs'],
    ['ReportingIntervalSecs', '30s', 'reportingIntervalMs'],
    ['ReportingIntervalSecs', 'NaN', 'reportingIntervalMs'],
    ['ReportingIntervalSecs', '1e999', 'reportingIntervalMs'],
    ['NATOutgoingAddress', 'fd00::1', 'natOutgoingAddress'],
    ['NATPortRange', '2000:1000', 'natPortRange'],
    ['NATPortRange', '1:70000', 'natPortRange'],
    ['IstioDSCPMark', '64', 'istioDscpMark'],
    ['IstioDSCPMark', 'AF44', 'istioDscpMark'],
    ['LogActionRateLimit', '100', 'logActionRateLimit'],
    ['WorkloadSourceSpoofing', 'Some', 'workloadSourceSpoofing'],
    ['FailsafeInboundHostPorts', 'sctp:22', 'failsafeInbound'],
    ['FailsafeInboundHostPorts', 'tcp:70000', 'failsafeInbound'],
    ['FailsafeInboundHostPorts', 'tcp:ssh', 'failsafeInbound'],
    ['FailsafeInboundHostPorts', 'tcp:10.0.0.0/33:22', 'failsafeInbound'],
    ['FailsafeInboundHostPorts', 'tcp:22,udp', 'failsafeInbound'],
    ['FailsafeOutboundHostPorts', 'tcp:10.0.0.0/8:', 'failsafeOutbound'],
  ];
  for (const [key, text, name] of refused) {
    it(`${key} ${JSON.stringify(text)} is refused and leaves the default`, () => {
      const { config, problems } = parseFelixConfig(new Map([[key, text]]));
      expect(config[name]).to.deep.equal(defaultFelixConfig()[name]);
      expect(problems).to.have.length(1);
      expect(problems[0]).to.deep.include({ key, value: text });
      expect(problems[0]!.reason).to.include(key);
    });
  }

  const ports: readonly [string, string][] = [
    ['none', ''],
    ['22', '6/22'],
    ['TCP:22, udp:53,', '6/22 17/53'],
    ['tcp:10.0.0.0/8:22', '6/22 10.0.0.0/8'],
    ['tcp:10.1.2.3/8:22', '6/22 10.0.0.0/8'],
    ['udp:[fd00::/8]:68', '17/68 fd00::/8'],
    ['udp:fd00::/8:68', '17/68 fd00::/8'],
    ['tcp:192.0.2.1:0', '6/0 192.0.2.1/32'],
  ];
  for (const [text, expected] of ports) {
    it(`failsafe ports ${JSON.stringify(text)}`, () => {
      const values = new Map([
        ['FailsafeInboundHostPorts', text],
        ['FailsafeOutboundHostPorts', text],
      ]);
      const { config, problems } = parseFelixConfig(values);
      expect(problems).to.deep.equal([]);
      expect(failsafes(config, 'failsafeInbound')).to.equal(expected);
      expect(failsafes(config, 'failsafeOutbound')).to.equal(expected);
      expect(config.failsafeInbound.every(({ direction }) => direction === 'inbound')).to.equal(
        true,
      );
      expect(config.failsafeOutbound.every(({ direction }) => direction === 'outbound')).to.equal(
        true,
      );
    });
  }

  it('an empty failsafe list is the default, as Felix ignores empty values', () => {
    const { config } = parseFelixConfig(new Map([['FailsafeInboundHostPorts', '']]));
    expect(failsafes(config, 'failsafeInbound')).to.equal(DEFAULT_INBOUND);
  });

  const versions: readonly [string, string][] = [
    ['v3.26.5', ''],
    ['v3.29.7', ''],
    ['v3.30.0', '/var/run/calico'],
    ['v3.32.1', '/var/run/calico'],
    ['v4.0.0', '/var/run/calico'],
    ['head', '/var/run/calico'],
    ['v3.30.0-0.dev-123-gabc', '/var/run/calico'],
  ];
  for (const [version, prefix] of versions) {
    it(`status files of Calico ${version}: ${JSON.stringify(prefix)}`, () => {
      const values = new Map([['CalicoVersion', version]]);
      expect(parseFelixConfig(values).config.endpointStatusPathPrefix).to.equal(prefix);
      values.set('EndpointStatusPathPrefix', '');
      expect(parseFelixConfig(values).config.endpointStatusPathPrefix).to.equal(prefix);
      values.set('EndpointStatusPathPrefix', '/x');
      expect(parseFelixConfig(values).config.endpointStatusPathPrefix).to.equal('/x');
    });
  }

  it('looks keys up in their canonical spelling only', () => {
    const { config, problems } = parseFelixConfig(
      new Map([
        ['vxlanport', 'junk'],
        ['Other', 'x'],
      ]),
    );
    expect(config.vxlanPort).to.equal(4789);
    expect(problems).to.deep.equal([]);
  });
});

describe('xpuSettings', () => {
  it('takes our keys however they are spelled, and no others', () => {
    const values = new Map([
      ['xpuaddress', 'unix:/x'],
      ['XPUTarget', 'Native'],
      ['xpu', 'nothing'],
      ['VXLANPort', '1'],
    ]);
    expect([...xpuSettings(values)]).to.deep.equal([
      ['address', 'unix:/x'],
      ['target', 'Native'],
    ]);
  });
});

function failsafes(config: FelixConfig, name: 'failsafeInbound' | 'failsafeOutbound'): string {
  return config[name]
    .map(
      ({ protocol, port, prefix }) =>
        `${protocol}/${port}${prefix === undefined ? '' : ` ${formatCidr(prefix)}`}`,
    )
    .join(' ');
}
