/** What an XPU refuses to put into a tunnel stays on the node: translator, reconciler, and an XPU that has no tunnels. */
import { expect } from 'chai';
import type { Delta } from '../../src/model/delta.js';
import { FakeTarget } from '../../src/opi/objects/fake-target.js';
import { keyText, ObjectNamer } from '../../src/opi/objects/key.js';
import type { RouteSpec } from '../../src/opi/objects/specs.js';
import { Reconciler } from '../../src/reconciler/reconciler.js';
import { FakeClock } from '../reconciler/support/fake-clock.js';
import { NAMES } from '../translators/support/objects.js';
import { remote, vtep } from '../translators/support/overlay.js';
import { Player, SETTINGS } from '../translators/support/play.js';

const BLOCK = NAMES.route('10.65.2.0/26');
const tunnel = (remoteIp: string) => NAMES.tunnel({ localIp: '172.30.0.1', remoteIp, vni: 4096 });

/** A node's agent in brief: what Felix tells goes to the XPU. */
class Node {
  readonly xpu = new FakeTarget();
  readonly player = new Player().session(vtep('node-a', 1), { type: 'in-sync' });
  private readonly clock = new FakeClock();
  private readonly reconciler = new Reconciler({
    target: this.xpu,
    namer: new ObjectNamer(SETTINGS.ownerId),
    clock: this.clock,
  });

  async tell(...deltas: readonly Delta[]): Promise<void> {
    this.player.fold(...deltas);
    const delta = this.player.flush();
    if (delta !== undefined) this.reconciler.plan(delta);
    this.clock.advance(3_600_000);
    await this.reconciler.apply();
  }

  /** Where the XPU sends packets of the block; `undefined` = as the underlay routes them. */
  async via(): Promise<RouteSpec['via'] | undefined> {
    const routes = await this.xpu.list('route');
    const found = routes.find(({ key }) => keyText(key) === keyText(BLOCK));
    return (found as { spec: RouteSpec } | undefined)?.spec.via;
  }
}

describe('an XPU that refuses a tunnel', () => {
  it('gets a route that drops, until it takes the tunnel', async () => {
    const node = new Node();
    node.xpu.refuse(tunnel('172.30.0.2'), 'UNSUPPORTED');
    await node.tell(vtep('node-b', 2), remote('10.65.2.0/26'));
    expect(await node.via()).to.deep.equal({ evalMapping: true });
    node.xpu.accept(tunnel('172.30.0.2'));
    await node.tell({ type: 'vtep-remove', node: 'node-b' });
    await node.tell(vtep('node-b', 2));
    expect(await node.via()).to.deep.include({ tunnel: tunnel('172.30.0.2') });
  });

  it('drops where the node has moved to, rather than send to where it was', async () => {
    const node = new Node();
    await node.tell(vtep('node-b', 2), remote('10.65.2.0/26'));
    expect(await node.via()).to.deep.include({ tunnel: tunnel('172.30.0.2') });
    node.xpu.refuse(tunnel('172.30.0.22'), 'UNSUPPORTED');
    await node.tell(vtep('node-b', 2, { parentIp: '172.30.0.22' }));
    expect(await node.via()).to.deep.equal({ evalMapping: true });
  });
});

describe('a node that moves', () => {
  it('is never without a route: the new tunnel is made, routes are led over, the old one goes', async () => {
    const node = new Node();
    await node.tell(vtep('node-b', 2), remote('10.65.2.0/26'));
    node.xpu.clearCalls();
    await node.tell(vtep('node-b', 2, { parentIp: '172.30.0.22', parentIpv6: '' }));
    const writes = node.xpu.writes.flatMap(({ operations }) => operations);
    const at = (text: string) => writes.findIndex((write) => write.startsWith(text));
    expect(at(`create ${keyText(tunnel('172.30.0.22'))}`)).to.equal(0);
    expect(at(`update ${keyText(BLOCK)}`)).to.equal(1);
    expect(at(`delete ${keyText(tunnel('172.30.0.2'))}`)).to.be.greaterThan(1);
    expect(writes).to.have.length(4);
  });
});
