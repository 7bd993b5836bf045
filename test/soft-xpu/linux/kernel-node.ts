/** The test node with the kernel as its data plane, and pods to send from. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createLinuxXpu,
  removeLinuxXpu,
  type LinuxXpu,
  type LinuxXpuOptions,
} from '../../../src/soft-xpu/linux-xpu.js';
import { NodeObjects } from '../node-objects.js';
import { HOST, HOST6, key, object, POD_A, POD_A6, POD_B, POD_B6 } from '../node-words.js';
import { TestNamespaces } from './namespaces.js';

/** See the file head. */
export class KernelNode {
  readonly namespaces: TestNamespaces;
  readonly options: LinuxXpuOptions;
  xpu: LinuxXpu;
  objects: NodeObjects;
  private readonly folder: string;

  private constructor(parts: {
    namespaces: TestNamespaces;
    options: LinuxXpuOptions;
    xpu: LinuxXpu;
    folder: string;
  }) {
    this.namespaces = parts.namespaces;
    this.options = parts.options;
    this.xpu = parts.xpu;
    this.folder = parts.folder;
    this.objects = this.nodeObjects();
  }

  /** Starts a node with its objects in force; pods are attached by `attach`. */
  static async start(
    more: (namespaces: TestNamespaces) => Promise<Partial<LinuxXpuOptions>> = () =>
      Promise.resolve({}),
  ): Promise<KernelNode> {
    const namespaces = new TestNamespaces();
    const folder = mkdtempSync(join(tmpdir(), 'cxn-'));
    try {
      const options = {
        netns: namespaces.name('x'),
        hostNetns: await namespaces.add('h'),
        stateDir: join(folder, 'state'),
        ...(await more(namespaces)),
      };
      const xpu = await createLinuxXpu(options);
      const node = new KernelNode({ namespaces, options, xpu, folder });
      await node.settled();
      return node;
    } catch (error) {
      await namespaces.close();
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Waits until the kernel has everything. */
  settled(): Promise<void> {
    return this.xpu.dataPlane.settled();
  }

  /** Moves a VF into a pod's namespace and gives it its addresses, as a CNI plugin does. */
  async attach(pod: string, vf: string, ...addresses: string[]): Promise<void> {
    await this.namespaces.add(pod);
    const netns = this.namespaces.name(pod);
    await this.namespaces.batch('h', `link set dev ${vf} netns ${netns} name eth0`);
    await this.equip(pod, 'eth0', vf, addresses);
  }

  /** Pods a and b. */
  async attachPods(): Promise<void> {
    await this.attach('a', 'cali-a', POD_A, POD_A6);
    await this.attach('b', 'cali-b', POD_B, POD_B6);
  }

  /** The node's own end. */
  attachHost(): Promise<void> {
    return this.equip('h', 'host0', 'host0', [HOST, HOST6]);
  }

  /** Restarts the XPU in this process; the objects are what the state file says. */
  async restart(more: Partial<LinuxXpuOptions> = {}): Promise<void> {
    await this.xpu.close();
    this.xpu = await createLinuxXpu({ ...this.options, ...more });
  }

  /** Ends and leaves nothing behind. */
  async close(): Promise<void> {
    try {
      await this.xpu.close();
      await removeLinuxXpu(this.options);
    } finally {
      await this.namespaces.close();
      rmSync(this.folder, { recursive: true, force: true });
    }
  }

  /** Folder for further files. */
  path(name: string): string {
    return join(this.folder, name);
  }

  /** An interface in use. One that was there before the XPU gets its MAC from whoever uses it. */
  private async equip(
    word: string,
    netdev: string,
    ifname: string,
    addresses: readonly string[],
  ): Promise<void> {
    const mac = this.xpu.dataPlane.topology.vnicOfInterface(ifname)?.spec.mac;
    await this.namespaces.batch(
      word,
      ...(mac === undefined ? [] : [`link set dev ${netdev} address ${mac}`]),
      `link set dev ${netdev} up`,
      ...addresses.map((ip) =>
        ip.includes(':')
          ? `addr add ${ip}/128 dev ${netdev} nodad`
          : `addr add ${ip}/32 dev ${netdev}`,
      ),
      `route add 169.254.1.1 dev ${netdev} scope link`,
      `route add default via 169.254.1.1 dev ${netdev}`,
      `-6 route add default via fe80::ecee:eeff:feee:eeee dev ${netdev}`,
    );
  }

  private nodeObjects(): NodeObjects {
    const objects = new NodeObjects(this.xpu.store, this.xpu.dataPlane.extension);
    return objects.put(
      object('subnet', 'pool', {
        vpc: key('vpc', 'cluster'),
        v4RouterIp: '169.254.1.1',
        v6RouterIp: 'fe80::ecee:eeff:feee:eeee',
        routerMac: 'ee:ee:ee:ee:ee:ee',
      }),
    );
  }
}
