/** The queue of transactions, with a kernel that fails where it is told to. */
import { expect } from 'chai';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../../src/base/clock.js';
import { silentLogger } from '../../../src/base/log.js';
import { createMemoryXpu } from '../../../src/soft-xpu/memory-xpu.js';
import type { Kernel } from '../../../src/soft-xpu/linux/kernel.js';
import { DomainNumbers } from '../../../src/soft-xpu/linux/network/domains.js';
import { Network } from '../../../src/soft-xpu/linux/network/network.js';
import type { StepOutcome } from '../../../src/soft-xpu/linux/network/outcome.js';
import type { Step } from '../../../src/soft-xpu/linux/network/steps.js';
import type { LeftAddress } from '../../../src/soft-xpu/linux/saved-state.js';
import { StateFile } from '../../../src/soft-xpu/linux/state-file.js';
import { Transactions } from '../../../src/soft-xpu/linux/transactions.js';
import type { ObjectKey } from '../../../src/opi/objects/key.js';
import { NodeObjects } from '../node-objects.js';
import { key } from '../node-words.js';

/** Timers that run when a test says so. */
class HandTimers implements Clock {
  readonly due: { delayMs: number; action: () => void }[] = [];
  now(): number {
    return 0;
  }
  monotonic(): number {
    return 0;
  }
  after(delayMs: number, action: () => void): { cancel(): void } {
    const timer = { delayMs, action };
    this.due.push(timer);
    return { cancel: () => void this.due.splice(this.due.indexOf(timer) >>> 0, 1) };
  }
}

/** A node whose kernel notes what it takes, one word each, and fails at words it is told. */
class QueuedNode extends NodeObjects {
  readonly log: string[] = [];
  readonly failAt = new Set<string>();
  /** Ids of items that the kernel refuses. */
  readonly refuses = new Set<string>();
  readonly timers = new HandTimers();
  /** Number of the ruleset that the kernel has. */
  tablePosition: number | undefined = 1;
  readonly transactions: Transactions;

  constructor(stateFile: StateFile, left: readonly LeftAddress[] = []) {
    const { store } = createMemoryXpu();
    super(store, false);
    const domains = new DomainNumbers();
    const network = new Network(store, domains, {
      netdevOf: (ifname) => ifname,
      foreign: false,
      hostNetns: 'h',
      uplink: undefined,
      underlay: [],
    });
    network.followAll();
    const say = (word: string): Promise<void> => {
      this.log.push(word);
      const name = word.split(' ')[0] ?? '';
      return this.failAt.delete(name) ? Promise.reject(new Error(`no ${name}`)) : Promise.resolve();
    };
    const kernel = {
      nft: (text: string) => (text === '' ? Promise.resolve() : say(`nft ${text.trim()}`)),
      take: async (steps: readonly Step[]) => {
        const words = steps.map(({ id, result }) => (result === undefined ? `-${id}` : `+${id}`));
        await say(`ip ${words.join(', ')}`);
        return this.outcome(steps);
      },
    };
    let changes = 0;
    const ruleset = {
      change: () => {
        if (this.failAt.delete('change')) throw new Error('no change');
        return `change-${(changes += 1)};`;
      },
      whole: () => `whole-${changes};`,
    };
    this.transactions = new Transactions(
      {
        store,
        clock: this.timers,
        logger: silentLogger,
        kernel: kernel as unknown as Kernel,
        network,
        domains,
        ruleset,
        stateFile,
        observe: () => say('observe'),
        lookAround: () => say('look'),
        tablePosition: () => Promise.resolve(this.tablePosition),
        forgetFlows: (addresses) => say(`forget ${addresses.map(({ ip }) => ip).join()}`),
      },
      { bootId: 'boot', shape: '', position: 0, generation: 0, inStep: false, left },
    );
    store.onCommit((commit) => this.transactions.note(commit));
  }

  /** The words of the transactions since the last call, `ip` left out. */
  words(): string[] {
    return this.log.splice(0).filter((word) => !word.startsWith('ip '));
  }

  private outcome(steps: readonly Step[]): StepOutcome {
    const isRefused = ({ id }: Step): boolean => this.refuses.has(id);
    return {
      done: steps.filter((step) => !isRefused(step)),
      waiting: [],
      refused: steps.filter(isRefused).map((step) => ({ step, complaint: `no ${step.id}` })),
    };
  }
}

describe('soft-xpu linux: queue of transactions', () => {
  let folder: string;
  let stateFile: StateFile;
  let node: QueuedNode;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cxn-'));
    stateFile = await StateFile.open(join(folder, 'state'));
    node = new QueuedNode(stateFile);
    await node.transactions.settled();
  });
  afterEach(async () => {
    await node.transactions.close();
    stateFile.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const failed = (): Promise<string> =>
    node.transactions.settled().then(
      () => '',
      (error: unknown) => (error as Error).message,
    );

  it('begins with a look at everything, and the whole ruleset', async () => {
    const words = node.words();
    expect(words).to.deep.equal(['look', 'observe', 'nft whole-0;add chain inet calico-xpu at-1']);
    await node.transactions.settled();
    expect(node.words()).to.deep.equal([]);
  });

  it('takes what is committed together in one transaction, position and all', async () => {
    node.words();
    node.policy('policy-1', []).policy('policy-2', []);
    await node.transactions.settled();
    const nft =
      'nft change-1;change-2;delete chain inet calico-xpu at-1\nadd chain inet calico-xpu at-2';
    expect(node.words()).to.deep.equal([nft]);
    expect(stateFile.load()?.position).to.equal(2);
  });

  for (const part of ['nft', 'ip', 'forget']) {
    it(`fails those who wait when ${part} fails, then replaces the whole`, async () => {
      node.mapping('map-c', '10.65.0.9', 'vnic-a');
      await node.transactions.settled();
      node.words();
      node.failAt.add(part);
      node.mapping('map-c', '10.65.0.9', 'vnic-b');
      expect(await failed()).to.equal(`no ${part}`);
      node.words();
      expect(await failed()).to.equal('');
      expect(node.words()).to.deep.equal([
        'observe',
        'nft whole-2;add chain inet calico-xpu at-4',
        'forget 10.65.0.9',
      ]);
      expect(stateFile.load()?.position).to.equal(4);
    });
  }

  it('tries again by itself, each time later', async () => {
    const delays: number[] = [];
    for (let round = 0; round < 9; round += 1) {
      node.failAt.add('observe').add('nft');
      if (round === 0) node.policy('policy-1', []);
      else node.timers.due.at(-1)?.action();
      await failed();
      delays.push(node.timers.due.at(-1)?.delayMs ?? 0);
    }
    expect(delays[0]).to.be.lessThan(delays.at(-1) ?? 0);
    expect(delays.at(-1)).to.equal(30_000);
    node.failAt.clear();
    expect(await failed()).to.equal('');
  });

  it('forgets the flows of an address also when the first attempt fails', async () => {
    node.mapping('map-c', '10.65.0.9', 'vnic-a');
    await node.transactions.settled();
    node.words();
    node.failAt.add('nft');
    node.remove('mapping', 'map-c');
    expect(await failed()).to.equal('no nft');
    expect(node.words()).not.to.include('forget 10.65.0.9');
    expect(await failed()).to.equal('');
    expect(node.words()).to.include('forget 10.65.0.9');
  });

  it('is out of step when a commit cannot be followed, and looks at everything anew', async () => {
    node.words();
    node.failAt.add('change');
    node.policy('policy-1', []);
    await node.transactions.settled();
    expect(node.words()).to.deep.equal(['observe', 'nft whole-0;add chain inet calico-xpu at-2']);
  });

  it('fails only those whose object the kernel refuses, and tries again by itself', async () => {
    const { transactions, timers } = node;
    const answer = (...keys: ObjectKey[]): Promise<string> =>
      transactions.settled(keys).then(
        () => '',
        (error: unknown) => (error as Error).message,
      );
    const [bad, good] = [key('vnic', 'vnic-z'), key('vnic', 'vnic-y')];
    node.refuses.add('link cali-z');
    node.vnic('vnic-z', 'cali-z', true).mapping('map-z', '10.65.0.9', 'vnic-z');
    expect(await answer(bad)).to.contain('vnic/vnic-z: no link cali-z');
    // Nothing is done about a netdev that is somebody else's.
    expect(node.log.join())
      .to.contain('+link cali-z')
      .and.not.to.match(/\+(up|route \S+ dev) cali-z/);
    node.log.length = 0;
    node.vnic('vnic-y', 'cali-y', true).policy('policy-1', []);
    expect(await answer(good, key('networkPolicy', 'policy-1'))).to.equal('');
    expect(node.log.join()).to.contain('+up cali-y').and.not.to.contain('cali-z');
    expect(node.log.join()).to.contain('change-');
    expect(await failed()).to.contain('no link cali-z');
    node.refuses.clear();
    node.log.length = 0;
    timers.due.at(-1)?.action();
    expect(await answer(bad)).to.equal('');
    for (const id of ['link cali-z', 'up cali-z', 'neighbour 10.65.0.9 cali-z']) {
      expect(node.log.join()).to.contain(`+${id}`);
    }
    expect(await failed()).to.equal('');
  });

  it('lets an object go that was refused', async () => {
    node.refuses.add('link cali-z');
    node.vnic('vnic-z', 'cali-z', true);
    expect(await failed()).to.contain('no link cali-z');
    node.remove('vnic', 'vnic-z');
    expect(await failed()).to.equal('');
  });

  it('forgets the flows of an address that moves before its new holder is reached', async () => {
    node.mapping('map-c', '10.65.0.9', 'vnic-a');
    await node.transactions.settled();
    node.log.length = 0;
    node.mapping('map-c', '10.65.0.9', 'vnic-b');
    await node.transactions.settled();
    const route = 'route 10.65.0.9/32 table 1002';
    const order = [`-${route}`, 'nft', 'forget 10.65.0.9', `+${route}`].map((words) =>
      node.log.findIndex((line) => line.split(/^ip |, /).some((word) => word.startsWith(words))),
    );
    expect(order).to.not.include(-1);
    expect(order).to.deep.equal([...order].sort((a, b) => a - b));
  });

  it('keeps addresses that were left until their flows are forgotten, over its own death too', async () => {
    node.mapping('map-c', '10.65.0.9', 'vnic-a');
    await node.transactions.settled();
    node.failAt.add('forget');
    node.remove('mapping', 'map-c');
    expect(await failed()).to.equal('no forget');
    const left = stateFile.load()?.left ?? [];
    expect(left).to.deep.equal([{ domain: 1, ip: '10.65.0.9' }]);
    await node.transactions.close();
    node = new QueuedNode(stateFile, left);
    await node.transactions.settled();
    expect(node.words()).to.include('forget 10.65.0.9');
    expect(stateFile.load()?.left).to.deep.equal([]);
  });

  it('writes the whole again when the ruleset is gone, and nothing when it is there', async () => {
    node.words();
    node.transactions.doubtTable();
    await node.transactions.settled();
    expect(node.words()).to.deep.equal([]);
    node.tablePosition = undefined;
    node.transactions.doubtTable();
    await node.transactions.settled();
    expect(node.words()).to.deep.equal(['observe', 'nft whole-0;add chain inet calico-xpu at-2']);
  });

  it('writes nothing any more when it is let go of', async () => {
    await node.transactions.close();
    node.words();
    node.transactions.lookAround();
    node.policy('policy-1', []);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(node.words()).to.deep.equal([]);
    expect(stateFile.load()?.position).to.equal(1);
  });

  it('answers everybody who waits for the same transaction', async () => {
    node.policy('policy-1', []);
    const answers = [node.transactions.settled(), node.transactions.settled()];
    node.policy('policy-2', []);
    answers.push(node.transactions.settled());
    await Promise.all(answers);
    expect(stateFile.load()?.position).to.equal(2);
  });
});
