/** The shape every object must have, kind by kind. References are checked elsewhere: they depend on other objects. */
import type { AnyObject, SpecByKind } from '../../opi/objects/specs.js';
import type { ObjectKind } from '../../opi/objects/key.js';
import { Checker } from './checker.js';
import { invalidFields } from './errors.js';
import { checkNetworkPolicy } from './validate-network-policy.js';
import { checkPolicyBinding } from './validate-binding.js';
import type { ValidationContext } from './validate-rules.js';
import { checkSecurityPolicy } from './validate-security-policy.js';

type SpecCheck<K extends ObjectKind> = (
  spec: SpecByKind[K],
  checker: Checker,
  context: ValidationContext,
) => void;

/** Ids that OPI's servers accept (opi.md section 3.1). */
const ID = /^[a-z0-9][a-z0-9-]{3,62}$/;
const IFNAME = /^[^\s/]{1,15}$/;
const VNI_MAX = 0xff_ffff;

const CHECKS: { [K in ObjectKind]: SpecCheck<K> } = {
  interface: (spec, checker) => {
    checker.require(IFNAME.test(spec.ifname), 'spec.ifname', `"${spec.ifname}" names no interface`);
    checker.mac(spec.mac, 'spec.mac');
  },
  vpc: (spec, checker) => {
    if (spec.vni !== undefined) checker.integer(spec.vni, 1, VNI_MAX, 'spec.vni');
  },
  subnet: (spec, checker) => {
    checker.prefix(spec.v4Prefix, 'spec.v4Prefix', 4);
    checker.prefix(spec.v6Prefix, 'spec.v6Prefix', 6);
    checker.address(spec.v4RouterIp, 'spec.v4RouterIp', 4);
    checker.address(spec.v6RouterIp, 'spec.v6RouterIp', 6);
    checker.mac(spec.routerMac, 'spec.routerMac');
  },
  routeTable: () => undefined,
  route: (spec, checker) => {
    checker.prefix(spec.prefix, 'spec.prefix');
    if ('tunnel' in spec.via) checker.mac(spec.via.overlayMac, 'spec.via.overlayMac');
  },
  vnic: (spec, checker) => checker.mac(spec.mac, 'spec.mac'),
  mapping: (spec, checker) => {
    checker.address(spec.ip, 'spec.ip');
    checker.mac(spec.mac, 'spec.mac');
  },
  nextHop: (spec, checker) => checker.address(spec.ip, 'spec.ip'),
  tunnel: (spec, checker) => {
    checker.address(spec.localIp, 'spec.localIp');
    checker.address(spec.remoteIp, 'spec.remoteIp');
    checker.require(
      spec.localIp.includes(':') === spec.remoteIp.includes(':'),
      'spec.remoteIp',
      `${spec.remoteIp} is of another family than ${spec.localIp}`,
    );
    checker.integer(spec.vni, 1, VNI_MAX, 'spec.vni');
    checker.mac(spec.remoteMac, 'spec.remoteMac');
  },
  securityPolicy: checkSecurityPolicy,
  addressGroup: () => undefined,
  networkPolicy: checkNetworkPolicy,
  policyBinding: checkPolicyBinding,
};

/**
 * Checks an object's id and spec.
 * @throws StoreError INVALID_ARGUMENT naming every field, or RESOURCE_EXHAUSTED for too many rules.
 */
export function validateObject(object: AnyObject, context: ValidationContext): void {
  const { key, spec } = object;
  const checker = new Checker();
  checker.require(ID.test(key.id), 'id', `"${key.id}" is not 4 to 63 of a-z, 0-9 and hyphen`);
  const check = CHECKS[key.kind] as SpecCheck<ObjectKind>;
  check(spec, checker, context);
  if (checker.violations.length > 0) {
    throw invalidFields(`validate ${key.kind} ${key.id}`, checker.violations);
  }
}
