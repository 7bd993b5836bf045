/**
 * Descriptions of what targets can do, as data: three that are always at hand, and files of one's own. I/O edge.
 *
 * ```yaml
 * level: plain            # native: offers network/k8s; plain: network/cloud alone
 * compactRules: false     # plain: rules may hold lists
 * limits:                 # largest counts; what is absent has none
 *   vnic: 64
 *   securityPolicy: 256
 *   rulesPerPolicy: 1024
 * ```
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { errorText } from '../../base/errors.js';
import type { TargetCapabilities } from '../../opi/objects/target.js';
import { LIMIT_NAMES } from '../../soft-xpu/store/limits.js';
import { ExplainError } from './errors.js';

/** A target with the extension and room for everything. */
export const NATIVE: TargetCapabilities = {
  level: 'native',
  compactRules: true,
  limits: {},
  features: [],
};

/** Descriptions by name. */
export const CAPABILITIES: Readonly<Record<string, TargetCapabilities>> = {
  native: NATIVE,
  'plain-compact': { level: 'plain', compactRules: true, limits: {}, features: [] },
  'plain-flattened': { level: 'plain', compactRules: false, limits: {}, features: [] },
};

/** A description by the words of a command line: `plain` is `plain-compact`. */
export function namedCapabilities(
  target: 'native' | 'plain',
  flattened: boolean,
): TargetCapabilities {
  const name = target === 'native' ? 'native' : flattened ? 'plain-flattened' : 'plain-compact';
  return CAPABILITIES[name] ?? NATIVE;
}

const KEYS = ['level', 'compactRules', 'limits', 'features'];

/** Reads a description from a YAML or JSON file. Throws `ExplainError` with code `capabilities`. */
export function readCapabilities(file: string): TargetCapabilities {
  let json: unknown;
  try {
    json = parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw malformed(file, errorText(cause), cause);
  }
  return checkedCapabilities(json, file);
}

function checkedCapabilities(json: unknown, file: string): TargetCapabilities {
  if (!isObject(json)) throw malformed(file, 'is no mapping');
  const unknown = Object.keys(json).find((key) => !KEYS.includes(key));
  if (unknown !== undefined)
    throw malformed(file, `${unknown}: unknown key, not ${KEYS.join(', ')}`);
  const { level, compactRules = true, limits = {}, features = [] } = json;
  if (level !== 'native' && level !== 'plain') {
    throw malformed(file, `level: ${JSON.stringify(level)} is neither native nor plain`);
  }
  if (typeof compactRules !== 'boolean')
    throw malformed(file, 'compactRules: neither true nor false');
  if (!Array.isArray(features) || !features.every((one) => typeof one === 'string')) {
    throw malformed(file, 'features: no list of texts');
  }
  return { level, compactRules, limits: checkedLimits(limits, file), features };
}

function checkedLimits(limits: unknown, file: string): TargetCapabilities['limits'] {
  if (!isObject(limits)) throw malformed(file, 'limits: is no mapping');
  for (const [name, count] of Object.entries(limits)) {
    if (!(LIMIT_NAMES as readonly string[]).includes(name)) {
      throw malformed(file, `limits.${name}: unknown table, not one of ${LIMIT_NAMES.join(', ')}`);
    }
    if (!Number.isSafeInteger(count) || (count as number) < 0) {
      throw malformed(file, `limits.${name}: ${JSON.stringify(count)} is no whole number`);
    }
  }
  return limits;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(file: string, problem: string, cause?: unknown): ExplainError {
  const message = `${file}: ${problem}`;
  return new ExplainError({ code: 'capabilities', op: 'read capabilities', message, cause });
}
