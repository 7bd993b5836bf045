/** The state file: what was answered is there after any death, and nothing else is. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import type { Commit } from '../../../src/soft-xpu/store/object-store.js';
import { createMemoryXpu } from '../../../src/soft-xpu/memory-xpu.js';
import { dumpStore, loadStore } from '../../../src/soft-xpu/store/dump.js';
import { PendingChange } from '../../../src/soft-xpu/linux/pending.js';
import {
  foldState,
  snapshotText,
  type SavedPlace,
} from '../../../src/soft-xpu/linux/saved-state.js';
import { StateFile } from '../../../src/soft-xpu/linux/state-file.js';
import { seedOfRun } from '../../support/chance.js';
import { NodeObjects } from '../node-objects.js';
import { key, object, rule } from '../node-words.js';

/** A store whose changes are kept in a folder. */
class KeptNode extends NodeObjects {
  /** Dump of the store after each change that was kept. */
  readonly dumps: string[] = [];
  private pending: PendingChange;
  private count = 0;
  private readonly file: StateFile;

  constructor(file: StateFile) {
    const { store } = createMemoryXpu();
    super(store, false);
    this.file = file;
    this.pending = new PendingChange();
    store.onCommit((commit: Commit) => this.pending.add(commit));
    file.write({ bootId: 'boot', shape: 'same', ...this.place() }, dumpStore(store));
    this.dumps.push(dumpStore(store));
  }

  /** Keeps what changed since the last time, as a transaction does. */
  keep(): void {
    this.count += 1;
    this.file.append(this.pending.saved(this.place()));
    this.pending = new PendingChange();
    this.dumps.push(dumpStore(this.store));
  }

  members(id: string, added: string[], removed: string[]): this {
    const given = { added: { members: added }, removed: { members: removed } };
    this.store.apply({ op: 'modifyMembers', key: key('addressGroup', id), ...given });
    return this;
  }

  private place(): SavedPlace {
    const left = [{ domain: 1, ip: `10.65.1.${this.count}` }];
    return { position: this.count, generation: this.count, domains: { cluster: 1 }, left };
  }
}

/** The dump of a store that was loaded from another's. */
function reloaded(dump: string): string {
  const { store } = createMemoryXpu();
  loadStore(store, dump);
  return dumpStore(store);
}

function stories(node: KeptNode): void {
  node.mapping('map-c', '10.65.0.9', 'vnic-a').keep();
  node.group('group-1', 'PREFIX', ['10.0.0.0/8', '192.0.2.0/24']);
  node.policy('some-policy', [rule('ALLOW')]).keep();
  node.members('group-1', ['fd00::/8'], ['10.0.0.0/8']).keep();
  node.remove('mapping', 'map-c').remove('networkPolicy', 'some-policy').keep();
}

describe('soft-xpu linux: state file', () => {
  let folder: string;
  let file: StateFile;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cxn-'));
    file = await StateFile.open(join(folder, 'state'));
  });
  afterEach(() => {
    file.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('gives back what was kept', () => {
    expect(file.load()).to.equal(undefined);
    const node = new KeptNode(file);
    stories(node);
    const state = file.load();
    expect(reloaded(state?.dump ?? '')).to.equal(node.dumps.at(-1));
    expect(state?.bootId).to.equal('boot');
    expect(state?.position).to.equal(node.dumps.length - 1);
    expect(state?.domains).to.deep.equal({ cluster: 1 });
    expect(state?.left).to.deep.equal([{ domain: 1, ip: `10.65.1.${state?.position}` }]);
  });

  it('leaves out a change that was not written to its end, wherever it is cut off', () => {
    const node = new KeptNode(file);
    stories(node);
    const path = (name: string): string => readFileSync(join(folder, 'state', name), 'utf8');
    const [snapshot, journal] = [path('snapshot'), path('journal-1')];
    const bytes = Buffer.from(journal);
    let whole = 0;
    for (let end = 0; end <= bytes.length; end += 1) {
      if (bytes[end - 1] === 10) whole += 1;
      const state = foldState(snapshot, bytes.subarray(0, end).toString());
      expect(state.position, `cut at ${end}`).to.equal(whole);
      expect(reloaded(state.dump)).to.equal(node.dumps[whole]);
    }
    expect(whole).to.equal(4);
  }).timeout(20_000);

  it('is the old state or the new one when a snapshot is interrupted', () => {
    const node = new KeptNode(file);
    stories(node);
    const text = snapshotText(
      {
        version: 1,
        bootId: 'boot',
        shape: 'same',
        position: 9,
        generation: 9,
        domains: {},
        left: [],
        journal: 'journal-2',
      },
      dumpStore(node.store),
    );
    // Killed while it was written: the new file is torn, the new journal there, and nothing was renamed.
    writeFileSync(join(folder, 'state', 'journal-2'), '');
    writeFileSync(join(folder, 'state', 'snapshot.new'), text.slice(0, 50));
    expect(file.load()?.position).to.equal(4);
    // Killed behind the renaming: the new snapshot names the new journal, the old one is of no interest.
    writeFileSync(join(folder, 'state', 'snapshot'), text);
    const state = file.load();
    expect(state?.position).to.equal(9);
    expect(reloaded(state?.dump ?? '')).to.equal(node.dumps.at(-1));
    file.write(
      { bootId: 'boot', shape: 'same', position: 10, generation: 10, domains: {}, left: [] },
      '',
    );
    expect(readdirSync(join(folder, 'state'))).to.have.members(['snapshot', 'journal-3']);
    expect(file.load()?.position).to.equal(10);
  });

  it('writes a new snapshot when the journal has outgrown the old one', () => {
    const node = new KeptNode(file);
    node.group('group-1', 'PREFIX', []).keep();
    const members = Array.from({ length: 20_000 }, (_, n) => `10.${n >> 8}.${n & 255}.0/24`);
    for (let round = 0; !file.wantsSnapshot; round += 1) {
      expect(round).to.be.lessThan(20);
      node.members('group-1', members, []).keep();
      node.members('group-1', [], members).keep();
    }
    file.write(
      { bootId: 'boot', shape: 'same', position: 7, generation: 7, domains: {}, left: [] },
      dumpStore(node.store),
    );
    expect(file.wantsSnapshot).to.be.false;
    expect(reloaded(file.load()?.dump ?? '')).to.equal(dumpStore(node.store));
  });

  it('is taken by one process at a time, and removed with nothing left', async () => {
    const error = await StateFile.open(join(folder, 'state')).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).to.include({ code: 'in_use' });
    new KeptNode(file).keep();
    file.remove();
    expect(readdirSync(folder)).to.deep.equal([]);
    file = await StateFile.open(join(folder, 'state'));
    expect(file.load()).to.equal(undefined);
  });

  it('refuses what it does not understand, naming it', () => {
    writeFileSync(join(folder, 'state', 'snapshot'), '{"version":2}\n');
    expect(() => file.load()).to.throw('version 2');
    writeFileSync(join(folder, 'state', 'snapshot'), 'nonsense\n');
    expect(() => file.load()).to.throw('nonsense');
  });

  it('keeps any sequence of changes, however they are cut into transactions', () => {
    const steps: ((node: KeptNode) => unknown)[] = [
      (node) => node.group('group-1', 'PREFIX', ['10.0.0.0/8']),
      (node) => node.group('group-1', 'PREFIX', ['10.0.0.0/8', '10.9.0.0/16']),
      (node) => node.members('group-1', ['10.1.0.0/16', 'fd00::/8'], []),
      (node) => node.members('group-1', [], ['10.1.0.0/16', '10.0.0.0/8']),
      (node) => node.remove('addressGroup', 'group-1'),
      (node) => node.mapping('map-c', '10.65.0.9', 'vnic-a'),
      (node) => node.remove('mapping', 'map-c'),
      (node) => node.put(object('vpc', 'vpc-2', {})),
      (node) => node.remove('vpc', 'vpc-2'),
      (node) => node.keep(),
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...steps), { maxLength: 30 }), (sequence) => {
        const node = new KeptNode(file);
        for (const step of sequence) tolerant(() => step(node));
        node.keep();
        expect(reloaded(file.load()?.dump ?? '')).to.equal(dumpStore(node.store));
      }),
      {
        numRuns: 200,
        seed: seedOfRun(),
        interruptAfterTimeLimit: 4000,
        markInterruptAsFailure: false,
      },
    );
  }).timeout(10_000);
});

function tolerant(change: () => unknown): void {
  try {
    change();
  } catch (error) {
    if ((error as Error).name !== 'StoreError') throw error;
  }
}
