/**
 * Stories: a text file with a script above and the plans, changes and expectations it names below, in txtar form
 * (`-- name --` starts a section). One command a line:
 *
 *     plan S            a whole new plan              change S          one flush: lines `+ object`, `- word name`,
 *     apply             one pass                                        `~ group +member -member`
 *     clear             forget the calls so far       verify true|false
 *     calls S | none    writes since the last look    xpu S | = plan    what the XPU holds
 *     fail METHOD CODE [lost] [op=N]                  refuse word name CODE       accept word name
 *     restart agent | xpu                             lose word name              seed S
 *     tamper group member ...                         advance MS
 *     status ORIGIN STATE [CODE]                      result NAME VALUE (of the last pass)
 *     limits NAME=VALUE ...  (before the first plan)  target plain | unnamed
 */
import { expect } from 'chai';
import type { OpiErrorCode } from '../../../src/opi/objects/errors.js';
import {
  FakeTarget,
  type FakeCall,
  type TargetMethod,
} from '../../../src/opi/objects/fake-target.js';
import { keyText, type KeyText, type ObjectKey } from '../../../src/opi/objects/key.js';
import { dumpPlan, type MemberDelta, type PlanEntry } from '../../../src/opi/objects/plan.js';
import { Reconciler } from '../../../src/reconciler/reconciler.js';
import type { ApplyResult, ReconcilerLimits } from '../../../src/reconciler/types.js';
import { FakeClock } from './fake-clock.js';
import { UnnamedTarget } from './unnamed-target.js';
import { linesOf, Vocabulary } from './words.js';

/** A story's script and sections. */
export interface Story {
  readonly script: readonly string[];
  readonly sections: ReadonlyMap<string, string>;
}

/** Reads a story. */
export function parseStory(text: string): Story {
  const [script = '', ...parts] = text.split(/^-- (.+) --$/m);
  const sections = new Map<string, string>();
  for (let at = 0; at < parts.length; at += 2) sections.set(parts[at]!, parts[at + 1] ?? '');
  return { script: linesOf(script), sections };
}

/** Plays one story. */
export class StoryTeller {
  private readonly story: Story;
  private readonly words = new Vocabulary();
  private readonly clock = new FakeClock();
  private readonly plan = new Map<KeyText, PlanEntry & { members?: Set<string> }>();
  private target = new FakeTarget();
  private limits: Partial<ReconcilerLimits> = {};
  private reconciler: Reconciler;
  private result: ApplyResult | undefined;

  constructor(story: Story) {
    this.story = story;
    this.reconciler = this.newReconciler();
  }

  /** Runs the script; throws at the first line that does not hold. */
  async tell(): Promise<void> {
    for (const [index, line] of this.story.script.entries()) {
      try {
        await this.perform(line);
      } catch (thrown) {
        const error = thrown as Error;
        error.message = `script line ${index + 1} "${line}": ${error.message}`;
        throw error;
      }
    }
  }

  private async perform(line: string): Promise<void> {
    const [command = '', ...args] = line.split(/\s+/);
    const [first = '', second = '', third = ''] = args;
    switch (command) {
      case 'plan':
        return this.replace(this.section(first));
      case 'change':
        return this.change(this.section(first));
      case 'apply':
        this.result = await this.reconciler.apply();
        return;
      case 'calls':
        return this.expectCalls(first === 'none' ? '' : this.section(first));
      case 'clear':
        return this.target.clearCalls();
      case 'xpu':
        return this.expectXpu(first === '=' ? undefined : this.section(first));
      case 'fail':
        return this.fail(first as TargetMethod, second as OpiErrorCode, args.slice(2));
      case 'refuse':
        return this.target.refuse(this.words.key(first, second), third as OpiErrorCode);
      case 'accept':
        return this.target.accept(this.words.key(first, second));
      case 'restart':
        if (first === 'xpu') this.target.restart();
        else this.reconciler = this.newReconciler();
        return;
      case 'lose':
        return this.target.lose(this.words.key(first, second));
      case 'seed':
        return this.target.seed(
          this.section(first).startsWith('\nforeign')
            ? FOREIGN
            : this.words.entries(this.section(first)),
        );
      case 'tamper':
        return this.target.tamperMembers(this.groupKey(first), args.slice(1));
      case 'advance':
        return this.clock.advance(Number(first));
      case 'status':
        return this.expectStatus(first, second, args[2]);
      case 'result':
        expect(JSON.stringify(this.result?.[first as keyof ApplyResult])).to.equal(second);
        return;
      case 'verify':
        expect(String(await this.reconciler.verify())).to.equal(first);
        return;
      case 'limits':
        this.limits = Object.fromEntries(
          args.map((arg) => [arg.split('=')[0]!, Number(arg.split('=')[1])]),
        );
        this.reconciler = this.newReconciler();
        return;
      case 'target':
        this.target = first === 'plain' ? new FakeTarget({ level: 'plain' }) : new UnnamedTarget();
        this.reconciler = this.newReconciler();
        return;
      default:
        throw new Error('no such command');
    }
  }

  private newReconciler(): Reconciler {
    const { clock, limits, target } = this;
    return new Reconciler({ target, namer: this.words.namer, clock, limits, random: () => 1 });
  }

  private section(name: string): string {
    const text = this.story.sections.get(name);
    if (text === undefined) throw new Error(`no section ${name}`);
    return text;
  }

  private replace(text: string): void {
    this.plan.clear();
    for (const entry of this.words.entries(text))
      this.plan.set(keyText(entry.object.key), entry as never);
    this.reconciler.replacePlan(this.plan.values());
  }

  private change(text: string): void {
    const upserts: PlanEntry[] = [];
    const removals: ObjectKey[] = [];
    const members: MemberDelta[] = [];
    for (const line of linesOf(text)) {
      const rest = line.slice(1).trim();
      if (line.startsWith('+')) upserts.push(this.words.entry(rest));
      else if (line.startsWith('-'))
        removals.push(this.words.key(...(rest.split(' ') as [string, string])));
      else members.push(this.memberDelta(rest));
    }
    for (const entry of upserts) this.plan.set(keyText(entry.object.key), entry as never);
    for (const key of removals) this.plan.delete(keyText(key));
    this.reconciler.plan({ upserts, removals, members });
  }

  private memberDelta(text: string): MemberDelta {
    const [name = '', ...changes] = text.split(/\s+/);
    const key = this.groupKey(name);
    const of = (sign: string): string[] =>
      changes.filter((change) => change.startsWith(sign)).map((change) => change.slice(1));
    const delta = { key, added: of('+'), removed: of('-') };
    const view = this.plan.get(keyText(key))?.members;
    for (const member of delta.added) view?.add(member);
    for (const member of delta.removed) view?.delete(member);
    return delta;
  }

  private groupKey(name: string): ObjectKey<'addressGroup'> {
    return this.words.key('group', name) as ObjectKey<'addressGroup'>;
  }

  private fail(method: TargetMethod, code: OpiErrorCode, flags: readonly string[]): void {
    const operation = flags.find((flag) => flag.startsWith('op='));
    this.target.failNext(method, {
      code,
      lostAnswer: flags.includes('lost'),
      ...(operation === undefined ? {} : { operation: Number(operation.slice(3)) }),
    });
  }

  private expectCalls(text: string): void {
    const told = this.target.writes.map((call) => this.callInWords(call));
    this.target.clearCalls();
    expect(told.join('\n')).to.equal(linesOf(text).join('\n'));
  }

  private callInWords({ method, operations, error }: FakeCall): string {
    const inner = operations.map((operation) => this.words.inWords(operation)).join('; ');
    const text = method === 'applyBatch' ? `batch: ${inner}` : inner;
    return error === undefined ? text : `${text} => ${error}`;
  }

  private expectXpu(text: string | undefined): void {
    if (text === undefined)
      return expect(this.target.dump()).to.equal(dumpPlan(this.plan.values())) as never;
    const held = this.target.entries().map((entry) => this.words.describe(entry));
    expect(held.sort().join('\n')).to.equal(linesOf(text).sort().join('\n'));
  }

  private expectStatus(origin: string, state: string, code: string | undefined): void {
    const status = this.reconciler.originStatus(origin);
    expect(status.state).to.equal(state);
    if (code !== undefined) expect(status.failed.map(({ why }) => why.code)).to.include(code);
  }
}

/** Objects of somebody else: one of another owner, one with an id of another kind. */
const FOREIGN: readonly PlanEntry[] = [
  ...new Vocabulary('node-2').entries('vpc theirs\ngroup theirs PREFIX 10.0.0.0/8'),
  { object: { key: { kind: 'vpc', id: 'made-by-hand' }, spec: {} }, origins: [] },
];
