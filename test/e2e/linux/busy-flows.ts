/** Flows between the places of the busy node, and whether its policy lets them pass: in every state that it ever has. */
import { ADDRESSES, type PlaceName } from '../../support/felix/world.js';
import {
  freshPing,
  freshTcp,
  freshUdp,
  stubbornUdp,
  tcpTalk,
  udpTalk,
  type End,
  type Flow,
} from '../../support/traffic/flow.js';

/** Address in the node's block that no pod ever has. */
const NOBODY = '10.65.0.60';
/** Address that pod a may not send from. */
const STRANGER = '10.65.0.2';

/** Port that policy opens and closes. */
export const MOVING_PORT = 5999;

/** See the file head. */
export function busyFlows(): Flow[] {
  return [...talks(), ...fresh(), ...forbidden()];
}

/** New connections to the port that policy opens and closes. */
export function movingFlow(allowed: boolean): Flow {
  return freshUdp('moving port', end('a'), end('b'), MOVING_PORT, allowed);
}

function talks(): Flow[] {
  return [
    ...udpTalk('pod to pod, UDP', end('a'), end('b'), 5000),
    ...udpTalk('pod to pod, UDP over IPv6', end('a', 6), end('b', 6), 5000),
    ...tcpTalk('pod to pod, TCP', end('a'), end('b'), 5001),
    ...tcpTalk('pod to pod, TCP over IPv6', end('a', 6), end('b', 6), 5001),
    ...udpTalk('pod to wire', end('a'), end('wire'), 4000),
    ...tcpTalk('wire to pod', end('wire'), end('b'), 5003),
    ...udpTalk('host to pod', end('host'), end('b'), 5004),
    ...udpTalk('pod to host', end('b'), end('host'), 5005),
    ...udpTalk('wire to host', end('wire'), end('host'), 8000),
  ];
}

function fresh(): Flow[] {
  return [
    freshUdp('new from pod to pod, UDP', end('a'), end('b'), 5000, true),
    freshTcp('new from pod to pod, TCP', end('a'), end('b'), 5001, true),
    freshTcp('new from pod to pod, TCP over IPv6', end('a', 6), end('b', 6), 5001, true),
    freshPing('new from pod to pod, ping', end('a'), end('b'), true),
    freshUdp('new from pod to wire', end('a'), end('wire'), 4000, true),
    freshTcp('new from wire to pod', end('wire'), end('b'), 5003, true),
    freshUdp('new from host to pod', end('host'), end('b'), 5004, true),
    freshUdp('new from pod to host', end('b'), end('host'), 5005, true),
    freshUdp('new from wire to host', end('wire'), end('host'), 8000, true),
  ];
}

function forbidden(): Flow[] {
  const b = end('b');
  return [
    ...stubbornUdp('a port that nobody opens', end('a'), b, 6000),
    ...stubbornUdp('who is no member', end('c'), b, 5000),
    freshUdp('new: a port that nobody opens', end('a'), b, 6000, false),
    freshTcp('new: a port that nobody opens, TCP', end('a'), b, 6001, false),
    freshUdp('new: who is no member', end('c'), b, 5000, false),
    freshTcp('new: who is no member, over IPv6', end('c', 6), end('b', 6), 5001, false),
    freshPing('new: a pod that takes nothing', b, end('c'), false),
    freshUdp('new: from the wire to a port for pods', end('wire'), b, 5000, false),
    freshUdp('new: out to a port that egress denies', end('a'), end('wire'), 53, false),
    freshUdp(
      'new: out to a port that the host endpoint denies',
      end('a'),
      end('wire'),
      4001,
      false,
    ),
    freshUdp(
      'new: from the wire to a closed port of the host',
      end('wire'),
      end('host'),
      8001,
      false,
    ),
    freshUdp('new: to the host, which egress denies', end('a'), end('host'), 5005, false),
    freshUdp(
      'new: a source of somebody else',
      { ...end('a'), address: STRANGER },
      end('wire'),
      4000,
      false,
    ),
    freshUdp('new: to nobody', end('a'), { ...end('wire'), address: NOBODY }, 5000, false),
  ];
}

function end(place: PlaceName, family: 4 | 6 = 4): End {
  const ifname = place === 'wire' ? 'wire' : place === 'host' ? 'host0' : `cali${place}`;
  return { ifname, address: ADDRESSES[place][family === 4 ? 0 : 1] };
}
