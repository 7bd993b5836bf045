/** Reflection types of Felix's protocol, loaded once from the generated descriptor. */
import protobuf from 'protobufjs';
import { descriptor } from '../gen/felix/descriptor.js';

const root = protobuf.Root.fromJSON(descriptor);
root.resolveAll();

/** What Felix writes. */
export const ToDataplaneType = root.lookupType('felix.ToDataplane');
/** What a driver writes. */
export const FromDataplaneType = root.lookupType('felix.FromDataplane');
/** Identity of a policy, as TierInfo's lists carry it from v3.32. */
export const PolicyIDType = root.lookupType('felix.PolicyID');
