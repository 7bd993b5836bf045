/** The recordings are whole: what their descriptions promise is there. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { allRecordings, copiedRecordings, recordingNamed } from './recordings.js';

describe('recordings', () => {
  it('hold every protocol generation and every shape of scenario', () => {
    const copied = copiedRecordings();
    expect(new Set(copied.map(({ version }) => version))).to.deep.equal(
      new Set(['head', 'v3.26.5', 'v3.28.5', 'v3.31.7', 'v3.32.1']),
    );
    expect(copied.map(({ scenario }) => scenario)).to.include.members(
      'hello tiers matches host-endpoints host-fuzz-3 overlay extras wireguard kubernetes'.split(
        ' ',
      ),
    );
  });

  it('list each of them once, copies first', () => {
    const names = allRecordings().map(({ name }) => name);
    expect(new Set(names).size).to.equal(names.length);
    const hello = allRecordings().find(({ name }) => name === 'head/hello');
    expect(hello).to.deep.equal(recordingNamed('head/hello'));
  });

  for (const { name, steps, streams, verdicts } of allRecordings()) {
    it(`${name}: streams hold the frames that its steps count`, () => {
      expect(streams).to.not.be.empty;
      const frames = streams.map((stream) => countFrames(readFileSync(stream)));
      const last = steps.at(-1)!.frames;
      expect(frames.slice(0, last.length)).to.deep.equal(last);
      for (const file of verdicts.values()) {
        expect(readFileSync(file, 'utf8')).to.match(/^#from\tto\t/);
      }
    });
  }
});

function countFrames(bytes: Buffer): number {
  let frames = 0;
  for (let at = 0; at < bytes.length; frames++) at += 8 + Number(bytes.readBigUInt64LE(at));
  return frames;
}
