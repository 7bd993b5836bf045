/** Plays Deltas into a store and a translator, and compares what came out with a translation from scratch. */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'chai';
import { DesiredStore } from '../../../src/desired/store.js';
import { FelixSession } from '../../../src/driver/session.js';
import type { Delta } from '../../../src/model/delta.js';
import { keyText, type KeyText } from '../../../src/opi/objects/key.js';
import { dumpPlan, type PlanDelta, type PlanEntry } from '../../../src/opi/objects/plan.js';
import { refsOf } from '../../../src/opi/objects/refs.js';
import type { TargetCapabilities } from '../../../src/opi/objects/target.js';
import { defaultSettings, type TranslatorSettings } from '../../../src/translators/settings.js';
import { Translator } from '../../../src/translators/translator.js';

/** Capabilities of a target with the extension. */
export const NATIVE: TargetCapabilities = {
  level: 'native',
  compactRules: true,
  bootId: 'boot-1',
  limits: {},
  features: [],
};

/** Capabilities of a target without it. */
export const PLAIN: TargetCapabilities = {
  level: 'plain',
  compactRules: true,
  limits: {},
  features: [],
};

/** Settings of the recordings' node. */
export const SETTINGS: TranslatorSettings = defaultSettings('node-a');

/** Deltas of every frame of a recorded stream. */
export function recordedFrames(file: string): (readonly Delta[])[] {
  const session = new FelixSession();
  session.append(readFileSync(file));
  const frames: (readonly Delta[])[] = [];
  for (let frame = session.next(); frame !== undefined; frame = session.next()) {
    frames.push(frame.deltas);
  }
  session.finish();
  return frames;
}

/**
 * A store, a translator, and the objects that a receiver of its PlanDeltas alone would hold: what the reconciler sees.
 */
export class Player {
  readonly store = new DesiredStore();
  readonly translator: Translator;
  readonly objects = new Map<KeyText, PlanEntry>();
  readonly members = new Map<KeyText, Set<string>>();
  /**
   * What the last flush wrote: kinds, sorted, removals with a minus, groups whose members changed with a tilde. An object
   * that is only for someone else now is no write.
   */
  writes: readonly string[] = [];
  private readonly settings: TranslatorSettings;
  private readonly capabilities: TargetCapabilities;

  constructor(settings: TranslatorSettings = SETTINGS, capabilities: TargetCapabilities = NATIVE) {
    this.settings = settings;
    this.capabilities = capabilities;
    this.translator = new Translator(settings, capabilities);
  }

  /** A new session with these Deltas. */
  session(...deltas: readonly Delta[]): this {
    this.store.beginSession();
    return this.fold(...deltas);
  }

  fold(...deltas: readonly Delta[]): this {
    for (const delta of deltas) this.store.fold(delta);
    return this;
  }

  /** Translates what is dirty; `undefined` if nothing is. */
  flush(): PlanDelta | undefined {
    const dirty = this.store.takeDirty();
    this.writes = [];
    if (dirty === undefined || this.store.state === undefined) return undefined;
    const delta = this.translator.translate(this.store.state, dirty);
    this.receive(delta);
    return delta;
  }

  /** Text of the plan. */
  dump(): string {
    return dumpPlan(this.translator.plan());
  }

  /** A translator that was given the same state and has seen nothing else. */
  fresh(): Translator {
    const fresh = new Translator(this.settings, this.capabilities);
    if (this.store.state !== undefined) fresh.translate(this.store.state, 'replaced');
    return fresh;
  }

  /** Text of that translator's plan. */
  fullDump(): string {
    return dumpPlan(this.fresh().plan());
  }

  /** The plan, its deltas and a translation from scratch say the same, and nothing refers to nothing. */
  check(): void {
    const dump = this.dump();
    const fresh = this.fresh();
    expect(dump).to.equal(dumpPlan(fresh.plan()), 'incremental = full');
    expect(this.translator.degradations()).to.deep.equal(fresh.degradations(), 'narrowings');
    const received = [...this.objects].map(([key, entry]) => {
      const members = this.members.get(key);
      const { object, origins } = entry;
      return members === undefined ? { object, origins } : { object, origins, members };
    });
    expect(dumpPlan(received)).to.equal(dump, 'sum of deltas = plan');
    for (const { object } of this.objects.values()) {
      for (const ref of refsOf(object)) {
        expect(
          this.objects.has(keyText(ref)),
          `${keyText(object.key)} -> ${keyText(ref)}`,
        ).to.equal(true);
      }
    }
  }

  private receive(delta: PlanDelta): void {
    const changed = delta.upserts.filter(({ object }) => {
      const known = this.objects.get(keyText(object.key))?.object.spec;
      return !isDeepStrictEqual(known, object.spec);
    });
    this.writes = [
      ...changed.map(({ object }) => object.key.kind),
      ...delta.removals.map(({ kind }) => `-${kind}`),
      ...delta.members.map(({ key }) => `~${key.kind}`),
    ].sort();
    for (const key of delta.removals) {
      expect(this.objects.delete(keyText(key)), `removal of ${keyText(key)}`).to.equal(true);
      this.members.delete(keyText(key));
    }
    for (const entry of delta.upserts) {
      const key = keyText(entry.object.key);
      if (entry.members !== undefined && !this.objects.has(key)) {
        this.members.set(key, new Set(entry.members));
      }
      this.objects.set(key, entry);
    }
    for (const { key, added, removed } of delta.members) {
      const members = this.members.get(keyText(key));
      expect(members, `members of ${keyText(key)}`).to.not.equal(undefined);
      for (const member of removed)
        expect(members!.delete(member), `${member} was there`).to.equal(true);
      for (const member of added) {
        expect(members!.has(member), `${member} was not there`).to.equal(false);
        members!.add(member);
      }
    }
  }
}
