/**
 * Brings commits into force, one transaction at a time; what is committed meanwhile goes together into the next one. An
 * answer waits for the transaction that its commit is part of.
 *
 * A transaction: what the state file gains; network steps that come before policy; the ruleset, at once; flows of
 * addresses that were left are forgotten; steps that come after. If any of it fails, the next attempt looks at the kernel
 * anew, replaces the whole ruleset, and writes the state file anew.
 *
 * A network step that the kernel refuses is no failure of the transaction: it concerns those who asked for it, what it is
 * about stays closed, and it is tried again by and by.
 */
import type { Clock } from '../../base/clock.js';
import { keyText, type ObjectKey } from '../../opi/objects/key.js';
import { errorText } from '../../base/errors.js';
import type { Logger } from '../../base/log.js';
import { dumpStore } from '../store/dump.js';
import type { Commit, ObjectStore } from '../store/object-store.js';
import type { Kernel } from './kernel.js';
import { POSITION_CHAIN_PREFIX, TABLE_NAME } from './names.js';
import type { DomainNumbers } from './network/domains.js';
import type { Network } from './network/network.js';
import { stepsOf, type Step } from './network/steps.js';
import type { Refusal } from './network/refusals.js';
import { LinuxError } from './errors.js';
import { PendingChange } from './pending.js';
import { Retry } from './retry.js';
import type { LeftAddress, SavedPlace } from './saved-state.js';
import type { StateFile } from './state-file.js';

/** The compiler of the ruleset. */
export interface RulesetWriter {
  /** Text that takes the kernel over a commit; '' if it changes nothing. Called once for each, in order. */
  change(commit: Commit): string;
  /** Text that puts the whole ruleset in place of whatever table there is. */
  whole(): string;
}

/** What transactions work on. */
export interface TransactionParts {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly kernel: Kernel;
  readonly network: Network;
  readonly domains: DomainNumbers;
  readonly ruleset: RulesetWriter;
  readonly stateFile: StateFile;
  /** Looks at the kernel's whole network state anew. */
  readonly observe: () => Promise<void>;
  /** Looks at what others change: netdevs, the underlay's routes. */
  readonly lookAround: () => Promise<void>;
  /** Number of the ruleset that the kernel has; undefined if it has none. */
  readonly tablePosition: () => Promise<number | undefined>;
  /** Forgets the flows of addresses. */
  readonly forgetFlows: (addresses: readonly LeftAddress[]) => Promise<void>;
}

/** Where a data plane begins. */
export interface TransactionStart {
  readonly bootId: string;
  /** What the ruleset depends on beside the objects, as text. */
  readonly shape: string;
  /** Number of the ruleset that the kernel has. */
  readonly position: number;
  /** Number of commits so far: the generation of policy. */
  readonly generation: number;
  /** The kernel has that ruleset; false = it must be written as a whole. */
  readonly inStep: boolean;
  /** Addresses whose flows an earlier process did not come to forget. */
  readonly left: readonly LeftAddress[];
}

/** See the file head. */
export class Transactions {
  private readonly parts: TransactionParts;
  private readonly identity: { readonly bootId: string; readonly shape: string };
  private position: number;
  private generation: number;
  private inStep: boolean;
  private pending = new PendingChange();
  private text = '';
  private left: readonly LeftAddress[];
  private due = false;
  private around = true;
  private doubted = false;
  private observed = false;
  private running: Promise<void> | undefined;
  private next: Promise<void> | undefined;
  /** Commits that could not be followed. */
  private failures = 0;
  /** Tries a transaction that failed again. */
  private readonly again: Retry;
  /** Tries steps that were refused again. */
  private readonly refusedAgain: Retry;
  private closed = false;

  constructor(parts: TransactionParts, start: TransactionStart) {
    this.parts = parts;
    this.identity = { bootId: start.bootId, shape: start.shape };
    this.position = start.position;
    this.generation = start.generation;
    this.inStep = start.inStep;
    this.left = start.left;
    this.due = true;
    this.again = new Retry(parts.clock, () => this.request());
    this.refusedAgain = new Retry(parts.clock, () => this.retryRefused());
  }

  /**
   * Takes a commit, just made. It is made whatever comes of it here: an error leaves the kernel out of step, and the next
   * transaction looks at all objects anew.
   */
  note(commit: Commit): void {
    const { network, ruleset, logger } = this.parts;
    this.generation += 1;
    this.pending.add(commit);
    try {
      network.follow(commit);
      this.text += ruleset.change(commit);
    } catch (error) {
      this.inStep = false;
      this.failures += 1;
      logger.error({ error }, 'a commit cannot be followed');
    }
    this.request();
  }

  /** Something beside the store changed: it is looked at, and there may be steps to take. */
  lookAround(): void {
    this.around = true;
    this.request();
  }

  /** The ruleset may be gone, or not be ours any more: it is looked at, and written as a whole if it is. */
  doubtTable(): void {
    this.doubted = true;
    this.request();
  }

  private request(): void {
    if (this.closed) return;
    this.due = true;
    this.begin().catch(() => undefined);
  }

  /**
   * Resolves when everything noted before is in force. Rejects with LinuxError if it is not. Network steps that are refused
   * only matter if they concern one of `keys`: default all.
   */
  async settled(keys?: readonly ObjectKey[]): Promise<void> {
    if (this.refusal(keys) !== undefined) this.retryRefused();
    await this.upToDate();
    const refusal = this.refusal(keys);
    if (refusal === undefined) return;
    const { objects, complaint } = refusal;
    const message = `${[...objects].join(', ') || 'uplink'}: ${complaint}`;
    throw new LinuxError({ code: 'refused', op: 'change network', message });
  }

  private upToDate(): Promise<void> {
    if (this.due || !this.inStep) return this.running && !this.due ? this.running : this.begin();
    return this.running ?? Promise.resolve();
  }

  private refusal(keys: readonly ObjectKey[] | undefined): Refusal | undefined {
    const texts = keys?.map(keyText);
    for (const refusal of this.parts.network.refused()) {
      if (texts === undefined || texts.some((text) => refusal.objects.has(text))) return refusal;
    }
    return undefined;
  }

  private retryRefused(): void {
    this.parts.network.retry();
    this.request();
  }

  /** Ends: what is under way ends well or badly, nothing new begins. */
  async close(): Promise<void> {
    this.closed = true;
    this.again.close();
    this.refusedAgain.close();
    await (this.next ?? this.running)?.catch(() => undefined);
  }

  /** The transaction that is not under way yet. */
  private begin(): Promise<void> {
    if (this.next !== undefined) return this.next;
    if (this.closed) return Promise.reject(closedError());
    const before = this.running?.catch(() => undefined) ?? Promise.resolve();
    this.next = before.then(() => {
      this.next = undefined;
      this.running = this.run().finally(() => (this.running = undefined));
      return this.running;
    });
    return this.next;
  }

  private async run(): Promise<void> {
    this.due = false;
    this.again.cancel();
    try {
      await this.transact();
      this.again.succeed();
    } catch (error) {
      this.inStep = false;
      const retryMs = this.again.plan();
      this.parts.logger.error({ error: errorText(error), retryMs }, 'kernel is out of step');
      throw error;
    }
  }

  private async transact(): Promise<void> {
    const { kernel, network, domains } = this.parts;
    const { failures } = this;
    await this.look();
    const whole = !this.inStep;
    const ruleset = this.keep(whole);
    // Until the last step is taken, a failure leaves the kernel in between.
    this.inStep = false;
    const { before, after } = network.steps();
    await this.take(before);
    await kernel.nft(ruleset);
    await this.forget();
    await this.take(after);
    if (network.refused().next().done === true) this.refusedAgain.succeed();
    else this.refusedAgain.plan();
    if (!this.due) domains.settle();
    this.inStep = failures === this.failures;
  }

  private async look(): Promise<void> {
    const { network, lookAround, observe } = this.parts;
    if (this.around) {
      this.around = false;
      await lookAround();
    }
    if (this.doubted) await this.lookAtTable();
    if (!this.inStep) network.followAll();
    if (!this.observed || !this.inStep) await observe();
    this.observed = true;
  }

  private async lookAtTable(): Promise<void> {
    const { tablePosition, logger } = this.parts;
    this.doubted = false;
    if (!this.inStep || (await tablePosition()) === this.position) return;
    logger.warn({ position: this.position }, 'the ruleset is gone');
    this.inStep = false;
  }

  /** Writes the state file; gives the text that the kernel must take. Nothing is committed in between. */
  private keep(whole: boolean): string {
    const { store, ruleset, stateFile, domains } = this.parts;
    const { pending } = this;
    const text = whole ? ruleset.whole() : this.text;
    const from = this.position;
    if (text !== '') this.position += 1;
    this.text = '';
    this.pending = new PendingChange();
    const newlyLeft = pending.leftAddresses.flatMap(({ vpc, ip }) => {
      const domain = domains.find(vpc);
      return domain === undefined ? [] : { domain, ip };
    });
    this.left = [...this.left, ...newlyLeft];
    const { position, identity } = this;
    const place = this.place();
    if (whole || stateFile.wantsSnapshot)
      stateFile.write({ ...identity, ...place }, dumpStore(store));
    else if (!pending.isEmpty) stateFile.append(pending.saved(place));
    if (text === '') return '';
    return text + (whole ? addPosition(position) : movePosition(from, position));
  }

  private place(): SavedPlace {
    const { position, generation, left } = this;
    return { position, generation, domains: this.parts.domains.entries(), left };
  }

  /** Forgets the flows of addresses that were left, before somebody else is reached by them. */
  private async forget(): Promise<void> {
    const { forgetFlows, stateFile } = this.parts;
    if (this.left.length === 0) return;
    await forgetFlows(this.left);
    this.left = [];
    stateFile.append({ ...this.place(), objects: {}, members: {} });
  }

  private async take(steps: readonly Step[]): Promise<void> {
    const { kernel, network, logger } = this.parts;
    if (steps.length === 0) return;
    const isHeld = ({ result }: Step): boolean => result !== undefined && network.isHeld(result);
    const held = steps.filter(isHeld);
    const { done, waiting, refused } = await kernel.take(steps.filter((step) => !isHeld(step)));
    for (const { id, result } of done) network.confirm(id, result);
    const late = [...held, ...waiting];
    for (const { result } of late) if (result !== undefined) network.wait(result);
    for (const { step, complaint } of refused) {
      const { id } = step;
      if (network.refuse(id, complaint)) logger.error({ id, complaint }, 'a change is refused');
    }
    const missing = [...late, ...refused.map(({ step }) => step)];
    await this.takeAway(missing.flatMap(({ id, result }) => (result === undefined ? [] : id)));
  }

  /** What waits for its netdev, or is refused, leaves nothing in place that is not wanted any more. */
  private async takeAway(ids: readonly string[]): Promise<void> {
    const { kernel, network } = this.parts;
    const stale = ids.flatMap((id) => network.inPlace(id) ?? []);
    if (stale.length === 0) return;
    const changes = stale.map((before) => ({ id: before.id, before, after: undefined }));
    const { done } = await kernel.take(stepsOf(changes).before);
    for (const { id } of done) network.takenAway(id);
  }
}

/** The state's folder and the kernel may be another process's by now. */
function closedError(): LinuxError {
  return new LinuxError({ code: 'state', op: 'change kernel', message: 'the XPU was let go of' });
}

function addPosition(position: number): string {
  return `add chain inet ${TABLE_NAME} ${POSITION_CHAIN_PREFIX}${position}\n`;
}

function movePosition(from: number, to: number): string {
  const gone = `delete chain inet ${TABLE_NAME} ${POSITION_CHAIN_PREFIX}${from}\n`;
  return gone + addPosition(to);
}
