/** Kubernetes label selectors as Calico selectors: the texts that Calico's own conversion writes. */
import type { Selector } from '../selector/ast.js';
import { parseSelector } from '../selector/parse.js';
import type { Field, WrittenSelector } from '../yaml/field.js';

/** Every pod has it, nothing else does. */
const IS_POD = "projectcalico.org/orchestrator == 'k8s'";

const LABEL = /^[a-zA-Z0-9_./-]+$/;
const LABEL_VALUE = /^[a-zA-Z0-9_.-]*$/;

/** Pods that a podSelector selects; all pods where it is absent or empty. */
export function podSelector(field: Field): WrittenSelector {
  return written([IS_POD, ...terms(field)]);
}

/** Namespaces that a namespaceSelector selects; `undefined` where it is absent, all of them where it is empty. */
export function namespaceSelector(field: Field): WrittenSelector | undefined {
  if (!field.given) return undefined;
  const parts = terms(field);
  return written(parts.length === 0 ? ['all()'] : parts);
}

/** The selector alone, as a policy's own podSelector has it. */
export function ownPodSelector(field: Field): Selector {
  return podSelector(field).selector;
}

function written(parts: readonly string[]): WrittenSelector {
  const text = parts.join(' && ');
  return { text, selector: parseSelector(text) };
}

function terms(field: Field): string[] {
  field.only('matchLabels', 'matchExpressions');
  const labels = field.at('matchLabels');
  const equal = Object.keys(labels.texts())
    .sort()
    .map((key) => `${checkedKey(labels, key)} == '${labelValue(labels.at(key))}'`);
  return [...equal, ...field.at('matchExpressions').items().map(expression)];
}

function expression(field: Field): string {
  field.only('key', 'operator', 'values');
  const key = checkedKey(field.at('key'), field.at('key').name());
  const values = field.at('values').items().map(labelValue);
  const operator = field.at('operator').oneOf('In', 'NotIn', 'Exists', 'DoesNotExist');
  const takesValues = operator === 'In' || operator === 'NotIn';
  if (takesValues !== values.length > 0) {
    field.at('values').refuse(takesValues ? 'needs a value' : `goes not with ${operator}`);
  }
  const set = `{ '${values.join("', '")}' }`;
  if (takesValues) return `${key} ${operator === 'In' ? 'in' : 'not in'} ${set}`;
  return operator === 'Exists' ? `has(${key})` : `! has(${key})`;
}

function checkedKey(field: Field, key: string): string {
  return LABEL.test(key) ? key : field.refuse(`${JSON.stringify(key)} is no label`);
}

function labelValue(field: Field): string {
  const value = field.text();
  return LABEL_VALUE.test(value) ? value : field.refuse('is no value of a label');
}
