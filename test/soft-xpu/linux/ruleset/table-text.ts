/**
 * What our transactions leave in a table, read from their text alone. It is stricter than the kernel: nothing may be added
 * that is there, deleted that is not, or referred to that is missing at the end of a transaction.
 */

/** A chain as it stands. */
export interface ModelChain {
  hook: string;
  lines: string[];
}

/** See the file head. */
export class TableText {
  chains = new Map<string, ModelChain>();
  sets = new Map<string, string>();
  counters = new Set<string>();
  elements = new Map<string, Map<string, string>>();
  /** Commands and lines of the last transaction, in order. */
  steps: string[] = [];

  /** Applies one transaction. Throws Error naming the first line that is wrong. */
  apply(text: string): void {
    this.steps = [];
    const lines = text.split('\n').filter((line) => line !== '');
    for (let at = 0; at < lines.length; at += 1) {
      const line = lines[at] ?? '';
      if (line.startsWith('table inet calico-xpu {')) at = this.block(lines, at + 1);
      else this.command(line);
    }
    this.check();
  }

  private block(lines: readonly string[], from: number): number {
    let chain: ModelChain | undefined;
    for (let at = from; at < lines.length; at += 1) {
      const line = lines[at] ?? '';
      const begins = /^(counter|set|map|chain) (\S+) \{(.*)$/.exec(line);
      if (chain !== undefined) {
        if (line === '}') chain = undefined;
        else if (line.startsWith('type filter hook')) chain.hook = line;
        else chain.lines.push(line);
      } else if (line === '}') return at;
      else if (begins === null) throw new Error(`not understood: ${line}`);
      else {
        const [, kind = '', name = '', rest = ''] = begins;
        this.steps.push(`add ${kind} ${name}`);
        if (kind === 'chain') chain = this.beginChain(name);
        else this.declare(kind, name, rest);
      }
    }
    throw new Error('the table block has no end');
  }

  private beginChain(name: string): ModelChain {
    const known = this.chains.get(name);
    if (known !== undefined && known.lines.length > 0)
      throw new Error(`chain ${name} is not empty`);
    const chain = known ?? { hook: '', lines: [] };
    this.chains.set(name, chain);
    return chain;
  }

  private declare(kind: string, name: string, type: string): void {
    const there = kind === 'counter' ? this.counters.has(name) : this.sets.has(name);
    if (there) throw new Error(`${kind} ${name} is there already`);
    if (kind === 'counter') this.counters.add(name);
    else {
      this.sets.set(name, `${kind} ${type}`);
      this.elements.set(name, new Map());
    }
  }

  private command(line: string): void {
    if (line === 'add table inet calico-xpu') return;
    if (/^(add|delete) (table|chain|rule) arp calico-xpu( |$)/.test(line)) return;
    if (line === 'delete table inet calico-xpu') return this.clear();
    const [, verb = '', kind = '', name = '', rest = ''] =
      /^(flush|delete|add) (chain|element|set|counter) inet calico-xpu (\S+)(.*)$/.exec(line) ?? [];
    this.steps.push(`${verb} ${kind} ${name}`);
    if (kind === 'element') return this.changeElements(verb, name, rest);
    const holder = { chain: this.chains, set: this.sets, counter: this.counters }[kind];
    if (holder?.has(name) !== true) throw new Error(`not there: ${line}`);
    if (verb === 'flush') this.chains.get(name)?.lines.splice(0);
    else holder.delete(name);
    if (kind === 'set') this.elements.delete(name);
  }

  private changeElements(verb: string, name: string, rest: string): void {
    const elements = this.elements.get(name);
    if (elements === undefined) throw new Error(`${verb} element of unknown set ${name}`);
    for (const text of rest.trim().slice(2, -2).split(', ')) {
      const [key = '', value = ''] = text.split(' : ');
      if (elements.has(key) === (verb === 'add')) throw new Error(`${verb} ${key} in ${name}`);
      if (verb === 'add') elements.set(key, value);
      else elements.delete(key);
    }
  }

  private clear(): void {
    this.chains.clear();
    this.sets.clear();
    this.counters.clear();
    this.elements.clear();
  }

  /** Whatever is referred to exists. */
  private check(): void {
    const texts = [...this.chains.values()].flatMap(({ lines }) => lines);
    for (const elements of this.elements.values()) texts.push(...elements.values());
    for (const text of texts) {
      for (const [, name = ''] of text.matchAll(/(?:jump|goto) (\S+)/g)) {
        if (!this.chains.has(name)) throw new Error(`no chain ${name}: ${text}`);
      }
      for (const [, name = ''] of text.matchAll(/@(\S+\/\S+)/g)) {
        if (!this.sets.has(name)) throw new Error(`no set ${name}: ${text}`);
      }
      for (const [, name = ''] of text.matchAll(/counter name ([a-z]+\/\S+)/g)) {
        if (!this.counters.has(name)) throw new Error(`no counter ${name}: ${text}`);
      }
    }
  }
}
