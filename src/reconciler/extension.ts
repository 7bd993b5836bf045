/**
 * Writes of the extension: one atomic batch per flush wherever it fits, cut only where no packet can tell (`units`).
 *
 * A batch that the XPU refuses must not block what has nothing to do with the refusal. If the XPU names the refused
 * operation, that one is left out; otherwise the batch is halved along its units until one is left. What ports see of a
 * refused operation is closed (`withhold`), everything else goes on.
 */
import type { OpiError } from '../opi/objects/errors.js';
import type { KeyText, ObjectKey } from '../opi/objects/key.js';
import type { BatchOperation } from '../opi/objects/target.js';
import { asOpiError } from './caller.js';
import { closureOf } from './closing.js';
import { noteFailure, noteObstacle, type Core } from './core.js';
import { Exposure, isBinding } from './exposure.js';
import { verdictOf } from './failures.js';
import { runGraph } from './graph.js';
import {
  batchOperations,
  captureOps,
  memberPieces,
  uploadsMembers,
  writeOpOf,
  type ExtensionOp,
} from './ops.js';
import { cutBatches, inBatchOrder, isLargeNewGroup, unitsOf, type Unit } from './units.js';
import { withhold, type Sendable } from './withhold.js';

/** `refused`: something was refused and noted (or closed); what is left has to be judged anew. `stopped`: not now. */
type Outcome = 'done' | 'refused' | 'stopped';

/** Memberships read at a time: each may be a million members. */
const READS_MAX = 4;

/**
 * Writes what is due and possible of the extension. Resolves when every call of this phase is answered. False if nothing
 * was looked at, because batches have to wait.
 */
export async function writeExtensionObjects(core: Core): Promise<boolean> {
  if (core.views.due.extension.size === 0) return true;
  if (core.clock.now() < core.trust.batchRetryAt) return false;
  await readMemberships(core);
  if (core.trust.stopped) return false;
  await new Flush(core).run();
  return true;
}

/** Compares memberships of groups that were found on the XPU. */
async function readMemberships(core: Core): Promise<void> {
  const stale = [...core.views.due.extension]
    .filter(([text, { op }]) => op === 'members' && core.views.groups.get(text)?.stale === true)
    .map(([text]) => text);
  await runGraph({
    nodes: stale.filter((text) => core.failures.attemptable(text)),
    dependsOn: () => [],
    work: (text) => readMembership(core, text),
    concurrency: Math.min(READS_MAX, core.limits.concurrency),
    stopped: () => core.trust.stopped,
  });
}

async function readMembership(core: Core, text: KeyText): Promise<void> {
  const key = core.views.wanted.get(text)?.entry.object.key;
  if (key === undefined) return;
  try {
    const held = await core.caller.fetchMembers(key as ObjectKey<'addressGroup'>);
    core.trust.heard();
    core.views.groups.get(text)?.compare(held);
    core.failures.clear(text);
    core.views.judge(text);
  } catch (thrown) {
    const error = asOpiError('fetch members', thrown);
    const verdict = verdictOf(error.code);
    if (verdict === 'unreachable') core.trust.doubt('addressGroup');
    if (verdict === 'surprise') core.trust.surprise();
    noteFailure(core, text, 'members', error);
  }
}

/** One captured flush on its way. */
class Flush {
  private readonly core: Core;
  /** Captured and not yet acknowledged. */
  private readonly ops: Map<KeyText, ExtensionOp>;
  /** Of those, what was in a batch of unknown outcome. */
  private readonly uncertain = new Set<KeyText>();

  constructor(core: Core) {
    this.core = core;
    this.ops = captureOps(core);
  }

  async run(): Promise<void> {
    let sendable: Sendable | undefined;
    try {
      let outcome: Outcome = 'refused';
      while (outcome === 'refused') {
        sendable = withhold(this.core, this.ops);
        outcome = sendable.ops.length === 0 ? 'done' : await this.sendAll(sendable.ops);
      }
    } finally {
      this.giveBack();
      if (sendable !== undefined) this.noteObstacles(sendable);
    }
  }

  private async sendAll(ops: readonly ExtensionOp[]): Promise<Outcome> {
    for (const batch of cutBatches(this.core.views, ops, this.core.limits)) {
      const outcome = await this.send(batch);
      if (outcome !== 'done') return outcome;
    }
    return 'done';
  }

  private async send(batch: readonly ExtensionOp[]): Promise<Outcome> {
    const { views, limits } = this.core;
    const [only] = batch;
    if (only !== undefined && batch.length === 1 && isLargeNewGroup(views, only, limits)) {
      return this.fill(only);
    }
    const tokens = new Map<KeyText, string>();
    for (const op of batch) {
      if (!uploadsMembers(op, limits)) continue;
      const outcome = await this.upload(op, tokens);
      if (outcome !== 'done') return outcome;
    }
    return this.sendBatch(batch, tokens);
  }

  private async sendBatch(
    batch: readonly ExtensionOp[],
    tokens: ReadonlyMap<KeyText, string>,
  ): Promise<Outcome> {
    const operations: BatchOperation[] = [];
    const owners: ExtensionOp[] = [];
    for (const op of batch) {
      for (const operation of batchOperations(op, this.core, tokens.get(op.text))) {
        operations.push(operation);
        owners.push(op);
      }
    }
    try {
      if (operations.length > 0) await this.core.caller.applyBatch(operations);
    } catch (thrown) {
      const error = asOpiError('apply batch', thrown);
      return this.failed(
        batch,
        error,
        error.operation === undefined ? undefined : owners[error.operation],
      );
    }
    this.core.trust.batchDone();
    for (const op of batch) this.acknowledge(op);
    return 'done';
  }

  /** Creates a group that no packet sees yet and fills it piece by piece. */
  private async fill(op: ExtensionOp): Promise<Outcome> {
    const { object, digest, membership } = op;
    if (object === undefined || digest === undefined || membership === undefined) return 'done';
    const key = op.key as ObjectKey<'addressGroup'>;
    let created = false;
    try {
      for (const added of memberPieces(membership.captured(), this.core.limits.pieceBytesMax)) {
        const operation: BatchOperation = created
          ? { op: 'modifyMembers', key, added, removed: [] }
          : { op: 'create', object, members: added };
        await this.core.caller.applyBatch([operation]);
        if (!created) this.core.views.acknowledge(object, digest);
        created = true;
      }
    } catch (thrown) {
      return this.failed([op], asOpiError('fill group', thrown), op);
    }
    this.core.trust.batchDone();
    this.core.caller.wrote('addressGroup', 'create');
    this.settle(op);
    return 'done';
  }

  private async upload(op: ExtensionOp, tokens: Map<KeyText, string>): Promise<Outcome> {
    const { membership } = op;
    if (membership === undefined) return 'done';
    try {
      const key = op.key as ObjectKey<'addressGroup'>;
      tokens.set(op.text, await this.core.caller.uploadMembers(key, membership.captured()));
      return 'done';
    } catch (thrown) {
      return this.failed([op], asOpiError('upload members', thrown), op);
    }
  }

  private async failed(
    batch: readonly ExtensionOp[],
    error: OpiError,
    named: ExtensionOp | undefined,
  ): Promise<Outcome> {
    if (verdictOf(error.code) === 'unreachable')
      for (const op of batch) this.uncertain.add(op.text);
    if (!this.core.trust.batchFailed(error)) {
      this.core.logger.warn({ code: error.code, operations: batch.length }, error.message);
      return 'stopped';
    }
    if (named !== undefined) return this.refuse(named, error);
    const units = unitsOf(this.core.views, batch);
    const [first] = units;
    if (first !== undefined && units.length === 1) return this.refuseUnit(first, error);
    const middle = units.length >> 1;
    for (const half of [units.slice(0, middle), units.slice(middle)]) {
      const outcome = await this.send(inBatchOrder(half.flatMap((unit) => unit.ops)));
      if (outcome !== 'done') return outcome;
    }
    return 'done';
  }

  private refuse(op: ExtensionOp, error: OpiError): Outcome {
    if (op.closing === true) {
      this.core.failures.noteRefusedClosure(op.text, op.digest ?? '');
      this.core.logger.error(
        { key: op.text, code: error.code },
        `cannot be closed: ${error.message}`,
      );
    } else {
      noteFailure(this.core, op.text, writeOpOf(op, this.core.views), error);
    }
    return 'refused';
  }

  /**
   * One unit of several operations was refused and nobody said which one: its ports are closed, after which no packet
   * sees its operations and they can be tried one by one. Where no port can be closed all of it counts as refused.
   */
  private async refuseUnit(unit: Unit, error: OpiError): Promise<Outcome> {
    const [only] = unit.ops;
    if (only !== undefined && unit.ops.length === 1) return this.refuse(only, error);
    const exposure = new Exposure(this.core.views, []);
    const bindings = new Set(unit.ops.flatMap((op) => [...exposure.seersNow(op.text)]));
    const closures = [...bindings].flatMap((binding) => {
      const closure = closureOf(this.core, binding);
      return typeof closure === 'string' ? [] : [closure];
    });
    if (closures.length > 0) {
      const outcome = await this.send(closures);
      return outcome === 'done' ? 'refused' : outcome;
    }
    for (const op of unit.ops) this.refuse(op, error);
    return 'refused';
  }

  private acknowledge(op: ExtensionOp): void {
    const { views, caller } = this.core;
    caller.wrote(op.key.kind, writeOpOf(op, views));
    if (op.object === undefined || op.digest === undefined) {
      views.forget(op.text);
      this.core.failures.noteRoom(op.key.kind);
    } else {
      op.membership?.confirm();
      views.acknowledge(op.object, op.digest);
    }
    if (op.closing === true) {
      this.core.logger.warn({ key: op.text }, 'port closed: something its policy needs is refused');
    } else {
      this.settle(op);
    }
  }

  private settle(op: ExtensionOp): void {
    op.membership?.confirm();
    this.ops.delete(op.text);
    this.core.failures.clear(op.text);
    this.core.views.judge(op.text);
  }

  private giveBack(): void {
    for (const op of this.ops.values()) {
      if (op.membership === undefined) continue;
      op.membership.giveBack(this.uncertain.has(op.text));
      this.core.views.judge(op.text);
    }
  }

  /** Bindings are told even where they are unchanged: their ports do not get what they should see. */
  private noteObstacles({ withheld }: Sendable): void {
    const { views, failures } = this.core;
    for (const [text, obstacle] of withheld) {
      if (!failures.attemptable(text)) continue;
      if (isBinding(text) || views.due.extension.has(text)) noteObstacle(this.core, text, obstacle);
    }
  }
}
