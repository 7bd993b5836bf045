/** Writes of network/cloud: one call per object, referents first, deletes in reverse, several at a time. */
import { identityText } from '../opi/objects/claims.js';
import {
  keyText,
  parseKeyText,
  type CloudKind,
  type KeyText,
  type ObjectKey,
} from '../opi/objects/key.js';
import { refsOf } from '../opi/objects/refs.js';
import type { AnyObject, OpiObject } from '../opi/objects/specs.js';
import { asOpiError } from './caller.js';
import { inWriteOrder, noteFailure, noteObstacle, waitsFor, type Core } from './core.js';
import { verdictOf, type Obstacle } from './failures.js';
import { holdsClosedForm } from './closing.js';
import { runGraph } from './graph.js';
import type { WriteOp } from './types.js';
import { digestOf, type WantedObject } from './views.js';

/**
 * Creates and updates what is due and possible, Mappings of policed Vnics excepted. Resolves when every call of this phase
 * is answered.
 */
export function writeCloudObjects(core: Core): Promise<void> {
  return writeThose(
    core,
    (text) => !isPolicedMapping(core, text),
    () => undefined,
  );
}

/**
 * Creates and updates Mappings of policed Vnics. They come after all policy: an address that is new to a port must not meet
 * the port's old rules, so one whose Vnic or binding is not yet as wanted waits.
 */
export function writeMappings(core: Core): Promise<void> {
  const unsettled = unsettledVnics(core);
  const chosen = (text: KeyText): boolean => isPolicedMapping(core, text);
  return writeThose(core, chosen, (object) => {
    const holder = refsOf(object)
      .map(keyText)
      .find((ref) => unsettled.has(ref));
    return holder === undefined ? undefined : waitsFor(core, unsettled.get(holder) ?? holder);
  });
}

/** Deletes Mappings: before all policy, since an address that goes must not meet the port's new rules. */
export function deleteMappings(core: Core): Promise<void> {
  return deleteThose(core, isMapping);
}

/** Deletes what is due and no longer referred to, Mappings excepted. */
export function deleteCloudObjects(core: Core): Promise<void> {
  return deleteThose(core, (text) => !isMapping(text));
}

function isMapping(text: KeyText): boolean {
  return text.startsWith('mapping/');
}

/**
 * True for a Mapping whose Vnic has lists. One without (the host port where its kernel decides) has no rules that could be
 * old, and its addresses are needed first: without them a pod's packet to its node would leave by the uplink.
 */
function isPolicedMapping(core: Core, text: KeyText): boolean {
  if (!isMapping(text)) return false;
  const mapping = core.views.wanted.get(text)?.entry.object.spec;
  if (mapping === undefined || !('destination' in mapping)) return false;
  const vnic = core.views.wanted.get(keyText(mapping.destination))?.entry.object.spec;
  if (vnic === undefined || !('ingressV4' in vnic)) return true;
  const { ingressV4, ingressV6, egressV4, egressV6 } = vnic;
  return ingressV4.length + ingressV6.length + egressV4.length + egressV6.length > 0;
}

/** Vnics whose policy is due, with what is due: the Vnic itself, or its binding. One that is closed has no old rules. */
function unsettledVnics(core: Core): Map<KeyText, KeyText> {
  const unsettled = new Map<KeyText, KeyText>();
  for (const [text, { op }] of core.views.due.cloud) {
    if (op === 'delete' || !text.startsWith('vnic/') || holdsClosedForm(core, text)) continue;
    unsettled.set(text, text);
  }
  for (const text of core.views.due.extension.keys()) {
    const spec = core.views.wanted.get(text)?.entry.object.spec;
    if (spec !== undefined && 'port' in spec && 'vnic' in spec.port) {
      unsettled.set(keyText(spec.port.vnic), text);
    }
  }
  return unsettled;
}

function writeThose(
  core: Core,
  chosen: (text: KeyText) => boolean,
  wait: (object: AnyObject) => Obstacle | undefined,
): Promise<void> {
  const due = [...core.views.due.cloud].filter(([text, { op }]) => op !== 'delete' && chosen(text));
  return runGraph({
    nodes: inWriteOrder(
      core.views,
      due.map(([text]) => text),
    ),
    dependsOn: (text) => refsOfWanted(core, text),
    work: (text) => writeObject(core, text, wait),
    concurrency: core.limits.concurrency,
    stopped: () => core.trust.stopped,
  });
}

function deleteThose(core: Core, chosen: (text: KeyText) => boolean): Promise<void> {
  const due = [...core.views.due.cloud].filter(([text, { op }]) => op === 'delete' && chosen(text));
  return runGraph({
    nodes: inWriteOrder(
      core.views,
      due.map(([text]) => text),
    ).reverse(),
    dependsOn: (text) => core.views.refs.referrers(text),
    work: (text) => deleteObject(core, text),
    concurrency: core.limits.concurrency,
    stopped: () => core.trust.stopped,
  });
}

function refsOfWanted(core: Core, text: KeyText): KeyText[] {
  const wanted = core.views.wanted.get(text);
  return wanted === undefined ? [] : refsOf(wanted.entry.object).map(keyText);
}

async function writeObject(
  core: Core,
  text: KeyText,
  wait: (object: AnyObject) => Obstacle | undefined,
): Promise<void> {
  const wanted = core.views.wanted.get(text);
  const op = core.views.dueOf(text)?.op;
  if (wanted === undefined || (op !== 'create' && op !== 'update')) return;
  const obstacle = obstacleFor(core, wanted.entry.object) ?? wait(wanted.entry.object);
  if (obstacle !== undefined) noteObstacle(core, text, obstacle);
  else if (core.failures.attemptable(text)) {
    await attempt(core, text, op, async () => {
      await write(core, op, wanted.entry.object);
      core.views.acknowledge(wanted.entry.object, wanted.digest);
    });
  }
  await closeIfRefused(core, text, wanted);
}

/** What stands in the way of writing an object: a referent that is not there, or a holder that has to let go first. */
function obstacleFor(core: Core, object: AnyObject): Obstacle | undefined {
  for (const ref of refsOf(object).map(keyText)) {
    if (!core.views.acknowledged.has(ref) || core.views.isCondemned(ref))
      return waitsFor(core, ref);
  }
  const holder = core.views.leavingHolderOf(object);
  return holder === undefined ? undefined : waitsFor(core, holder);
}

/** Puts the closed form in place of an object that is, or depends on something that is, refused. */
async function closeIfRefused(core: Core, text: KeyText, wanted: WantedObject): Promise<void> {
  const { closed } = wanted.entry;
  if (closed === undefined || core.failures.obstacleOf(text)?.closing !== true) return;
  const digest = digestOf(closed);
  if (core.failures.isRefusedClosure(text, digest)) return;
  const held = core.views.acknowledged.get(text);
  if (held?.digest === digest || obstacleFor(core, closed) !== undefined) return;
  const op = held === undefined ? 'create' : 'update';
  try {
    await write(core, op, closed);
    core.views.acknowledge(closed, digest);
    core.caller.wrote(closed.key.kind, op);
  } catch (thrown) {
    const error = asOpiError('close', thrown);
    if (verdictOf(error.code) === 'unreachable') core.trust.doubt(closed.key.kind);
    else core.failures.noteRefusedClosure(text, digest);
    core.logger.error({ key: text, code: error.code }, `cannot be closed: ${error.message}`);
  }
}

async function deleteObject(core: Core, text: KeyText): Promise<void> {
  if (core.views.dueOf(text)?.op !== 'delete') return;
  const [referrer] = core.views.refs.referrers(text);
  if (referrer !== undefined) return noteObstacle(core, text, waitsFor(core, referrer));
  if (!core.failures.attemptable(text)) return;
  await attempt(core, text, 'delete', async () => {
    const key = parseKeyText(text) as ObjectKey<CloudKind>;
    await core.caller.delete(key);
    core.views.forget(text);
    core.failures.noteRoom(key.kind);
  });
}

function write(core: Core, op: 'create' | 'update', object: AnyObject): Promise<void> {
  const cloudObject = object as OpiObject as OpiObject<CloudKind>;
  return op === 'create' ? core.caller.create(cloudObject) : core.caller.update(cloudObject);
}

async function attempt(
  core: Core,
  text: KeyText,
  op: WriteOp,
  call: () => Promise<void>,
): Promise<void> {
  const { kind } = parseKeyText(text);
  try {
    await call();
    core.trust.heard();
    core.failures.clear(text);
    core.caller.wrote(kind, op);
    core.origins.touch(text);
  } catch (thrown) {
    const error = asOpiError(op, thrown);
    const verdict = verdictOf(error.code);
    if (verdict === 'unreachable') core.trust.doubt(kind);
    else core.trust.heard();
    if (verdict === 'surprise') core.trust.surprise();
    if (verdict === 'refused' && op === 'update' && changesIdentity(core, text)) {
      core.logger.info({ key: text }, 'update refused; the object is deleted and made anew');
      core.views.condemn(text);
    } else {
      noteFailure(core, text, op, error);
    }
  }
}

function changesIdentity(core: Core, text: KeyText): boolean {
  const wanted = core.views.wanted.get(text)?.entry.object;
  const held = core.views.acknowledged.get(text)?.object;
  if (wanted === undefined || held === undefined) return false;
  return identityText(wanted) !== identityText(held);
}
