import { expect } from 'chai';
import type { PlanEntry } from '../../src/opi/objects/plan.js';
import type { Family } from '../../src/base/ip.js';
import { PlanTable } from '../../src/translators/plan-table.js';

function entry(id: string, family: Family = 4, origin = 'node'): PlanEntry {
  const key = { kind: 'routeTable', id } as const;
  return { object: { key, spec: { family } }, origins: [origin] };
}

function changes(table: PlanTable): string[] {
  const { upserts, removals } = table.take();
  return [...upserts.map(({ object }) => object.key.id), ...removals.map(({ id }) => `-${id}`)];
}

describe('PlanTable', () => {
  it('tells what is new, changed and gone, sorted, once', () => {
    const table = new PlanTable();
    table.setUnit('u', [entry('b'), entry('a')]);
    expect(changes(table)).to.deep.equal(['a', 'b']);
    table.setUnit('u', [entry('c'), entry('a', 6)]);
    expect(changes(table)).to.deep.equal(['a', 'c', '-b']);
    expect(changes(table)).to.deep.equal([]);
  });

  it('tells nothing of what is as it was', () => {
    const table = new PlanTable();
    table.setUnit('u', [entry('a')]);
    table.take();
    table.setUnit('u', []);
    table.setUnit('u', [entry('a')]);
    expect(changes(table)).to.deep.equal([]);
    table.setUnit('new', [entry('b')]);
    table.setUnit('new', []);
    expect(changes(table)).to.deep.equal([]);
  });

  it('tells an object that is for someone else now', () => {
    const table = new PlanTable();
    table.setUnit('u', [entry('a')]);
    table.take();
    table.setUnit('u', [entry('a', 4, 'other')]);
    expect(changes(table)).to.deep.equal(['a']);
  });

  it('an object moves between units, whichever is set first', () => {
    for (const order of [
      ['old', 'new'],
      ['new', 'old'],
    ]) {
      const table = new PlanTable();
      table.setUnit('old', [entry('a')]);
      table.take();
      for (const unit of order) table.setUnit(unit, unit === 'new' ? [entry('a', 6)] : []);
      expect(changes(table)).to.deep.equal(['a']);
      expect([...table.entries()]).to.have.length(1);
    }
  });

  it('knows which objects stayed', () => {
    const table = new PlanTable();
    table.setUnit('u', [entry('a'), entry('b')]);
    table.take();
    table.setUnit('u', [entry('a', 6), entry('c')]);
    const stayed = ['a', 'b', 'c'].map((id) => table.stayed({ kind: 'routeTable', id }));
    expect(stayed).to.deep.equal([true, false, false]);
  });
});
