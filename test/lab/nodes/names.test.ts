/** Names of labs and of what belongs to them. */
import { expect } from 'chai';
import { LabError } from '../../../src/lab/nodes/errors.js';
import {
  checkLabName,
  labOfNamespace,
  labPaths,
  namespaceNames,
} from '../../../src/lab/nodes/names.js';

describe('lab: names', () => {
  it('takes short names of letters and digits, and refuses the rest with the rule', () => {
    for (const name of ['a', 'lab', 'lab2', 'abcdefgh']) expect(checkLabName(name)).to.equal(name);
    for (const name of ['', '2a', 'Lab', 'a-b', 'a b', '../x', 'abcdefghi', 'ä']) {
      expect(() => checkLabName(name), name).to.throw(LabError, 'expected a letter');
    }
  });

  it('knows every namespace of a lab by its name, and no other', () => {
    const own = [
      namespaceNames.wire('lab'),
      namespaceNames.host('lab', 'node-a'),
      namespaceNames.xpu('lab', 'node-a'),
      namespaceNames.pod('lab', 'shop/db-1'),
    ];
    expect(new Set(own).size).to.equal(own.length);
    for (const name of own) expect(labOfNamespace(name), name).to.equal('lab');
    expect(labOfNamespace(namespaceNames.wire('lab2'))).to.equal('lab2');
    for (const name of [
      'default',
      'cni-1234',
      'other-lab-wire',
      'cxlab',
      'cxlab-',
      'cxlab-Lab-x',
    ]) {
      expect(labOfNamespace(name), name).to.equal(undefined);
    }
  });

  it('makes one file name of whatever a pod is called', () => {
    expect(namespaceNames.pod('lab', 'shop/db-1')).to.equal('cxlab-lab-pod-shop.db-1');
    const long = namespaceNames.pod('lab', `ns/${'x'.repeat(400)}`);
    expect(long).to.match(/^[A-Za-z0-9.-]+$/);
    expect(long.length).to.be.at.most(255);
  });

  it('keeps the paths of sockets within what a unix socket can have', () => {
    const paths = labPaths('abcdefgh');
    const sockets = [
      paths.node(16).xpuSocket,
      `${paths.node(16).agentState}/status.sock`,
      paths.place(`namespace/${'x'.repeat(253)}`).socket,
    ];
    for (const path of sockets) expect(path.length, path).to.be.below(108);
  });
});
