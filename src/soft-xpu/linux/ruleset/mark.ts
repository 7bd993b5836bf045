/** Statements and conditions on the mark of a packet. */
import { domainMark, domainZone, MARK } from '../names.js';

/**
 * Bit 31: the exit port's stages are asked. A shared policy is asked for both ends of a flow; what it denies is counted
 * at the end it was asked for.
 */
export const MARK_EXIT_SIDE = 0x8000_0000;

/** Bits that are ours. */
const OURS = 0xffff_0000;

/** Number in hex, as nft writes marks. */
export function hex(bits: number): string {
  return `0x${(bits >>> 0).toString(16).padStart(8, '0')}`;
}

/** Sets bits. */
export function setMark(bits: number): string {
  return `meta mark set meta mark | ${hex(bits)}`;
}

/** Clears bits, and sets others. */
export function changeMark(cleared: number, set = 0): string {
  const kept = `meta mark set meta mark & ${hex(~cleared)}`;
  return set === 0 ? kept : `${kept} | ${hex(set)}`;
}

/** Takes every bit of ours away and sets some: nobody outside may say anything with them. */
export function renewMark(set: number): string {
  return changeMark(OURS, set);
}

/** Head of the entry of a port that belongs to a routing domain. */
export function domainEntryLines(domain: number): string[] {
  const zone = domainZone(domain);
  return [renewMark(domainMark(domain)), ...(zone === 0 ? [] : [`ct zone set ${zone}`])];
}

/** Some of the bits are set. */
export function isMarked(bits: number): string {
  return `meta mark & ${hex(bits)} != 0`;
}

/** Begins the stages of one side of the path. */
export function beginSide(exit: boolean): string {
  return changeMark(MARK.pass | MARK_EXIT_SIDE, exit ? MARK_EXIT_SIDE : 0);
}
