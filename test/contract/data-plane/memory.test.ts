/** The data plane in memory keeps the contract of data planes. */
import { TestNode } from '../../soft-xpu/node-fixture.js';
import { connectionsContract } from './connections.js';
import { domainsContract } from './domains.js';
import { pathContract } from './path.js';
import { rulesContract } from './rules.js';

describe('data plane contract: memory', () => {
  const newNode = (): Promise<TestNode> => Promise.resolve(new TestNode());
  pathContract(newNode);
  rulesContract(newNode);
  connectionsContract(newNode);
  domainsContract(newNode);
});
