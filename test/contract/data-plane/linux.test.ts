/** The linux data plane keeps the contract of data planes, with real packets. */
import { needs } from '../../support/root.js';
import { connectionsContract } from './connections.js';
import { openLinuxNode, type LinuxNode } from './linux-node.js';
import { domainsContract } from './domains.js';
import { pathContract } from './path.js';
import { rulesContract } from './rules.js';

describe('data plane contract: linux', function () {
  this.timeout(30_000);
  before(needs('root', 'ip', 'nft', 'conntrack', 'sysctl'));

  const open: LinuxNode[] = [];
  const newNode = async (): Promise<LinuxNode> => {
    const node = await openLinuxNode();
    open.push(node);
    return node;
  };
  afterEach(async () => {
    for (const node of open.splice(0)) await node.close();
  });

  pathContract(newNode);
  rulesContract(newNode);
  connectionsContract(newNode);
  domainsContract(newNode);
});
