/** Habits of today's servers, one by one: what they answer, and that the client is not misled by it. */
import { expect } from 'chai';
import { status } from '@grpc/grpc-js';
import { CLOUD_KINDS, EXTENSION_KINDS } from '../../../src/opi/objects/key.js';
import { failure, type Message } from './scripted-server.js';
import { hostInterface, message, refused, subnet, vpc, withServer } from './setup.js';

const GONE = failure(status.NOT_FOUND);

describe('OPI client: habits of servers', () => {
  it(
    'sends a parent that nobody reads, the id, and no name of its own making',
    withServer(async (server, target) => {
      server.script('CreateVpc', message(vpc('v', 7)));
      await target.create(vpc('v', 7));
      const [request] = server.requests('CreateVpc');
      expect(request).to.include({ parent: '-', vpc_id: 'v' });
    }),
  );

  it(
    'compares what create returned, and updates an existing object that differs',
    withServer(async (server, target) => {
      server.script('CreateVpc', message(vpc('v', 8)));
      server.script('UpdateVpc', message(vpc('v', 7)));
      await target.create(vpc('v', 7));
      expect(server.methods).to.deep.equal(['CreateVpc', 'UpdateVpc']);
      const [update] = server.requests('UpdateVpc');
      expect(update!['update_mask']).to.deep.equal({ paths: ['*'] });
      expect(update!['name']).to.equal('vpcs/v');
    }),
  );

  it(
    'deletes and makes anew what an update cannot turn into the wanted object',
    withServer(async (server, target) => {
      const table = (family: 4 | 6) =>
        ({ key: { kind: 'routeTable', id: 't' }, spec: { family } }) as const;
      server.script('CreateRouteTable', message(table(6)), message(table(4)));
      server.script('DeleteRouteTable', {});
      server.script('GetRouteTable', GONE);
      await target.create(table(4));
      expect(server.methods).to.deep.equal([
        'CreateRouteTable',
        'DeleteRouteTable',
        'GetRouteTable',
        'CreateRouteTable',
      ]);
    }),
  );

  it(
    'gives up on an object that comes back after its deletion',
    withServer(async (server, target) => {
      const table = (family: 4 | 6) =>
        ({ key: { kind: 'routeTable', id: 't' }, spec: { family } }) as const;
      server.script('CreateRouteTable', message(table(6)));
      server.script('DeleteRouteTable', {});
      server.script('GetRouteTable', GONE);
      await refused(target.create(table(4)), 'UNKNOWN');
    }),
  );

  it(
    'makes anew what it cannot even read',
    withServer(async (server, target) => {
      const unreadable = { name: 'vpcs/v', spec: { type: 'VPC_TYPE_UNDERLAY' } };
      server.script('CreateVpc', unreadable, message(vpc('v', 7)));
      server.script('DeleteVpc', {});
      server.script('GetVpc', GONE);
      await target.create(vpc('v', 7));
      expect(server.requests('CreateVpc')).to.have.length(2);
    }),
  );

  it(
    'reads the object that a strict server says exists already',
    withServer(async (server, target) => {
      server.script('CreateVpc', failure(status.ALREADY_EXISTS));
      server.script('GetVpc', message(vpc('v', 7)));
      await target.create(vpc('v', 7));
      expect(server.methods).to.deep.equal(['CreateVpc', 'GetVpc']);
    }),
  );

  it(
    'believes a server that answers create with nothing but OK',
    withServer(async (server, target) => {
      server.script('CreateVpc', {});
      await target.create(vpc('v', 7));
      expect(server.methods).to.deep.equal(['CreateVpc']);
    }),
  );

  it(
    'does not believe an update that kept the old spec',
    withServer(async (server, target) => {
      server.script('UpdateVpc', message(vpc('v', 8)));
      await refused(target.update(vpc('v', 7)), 'UNKNOWN');
    }),
  );

  it(
    'lets a server fill in what was left to it',
    withServer(async (server, target) => {
      const filled = { ...subnet('s').spec, routerMac: '02:00:00:00:00:01' };
      server.script('UpdateSubnet', message({ ...subnet('s'), spec: filled }));
      await target.update(subnet('s'));
    }),
  );

  it(
    'refers to objects by the names the server returned',
    withServer(async (server, target) => {
      const name = '//network.opiproject.org/vpcs/v';
      server.script('CreateVpc', message(vpc('v', 7), name));
      server.script('CreateSubnet', message(subnet('s')));
      server.script('DeleteVpc', {}).script('GetVpc', GONE);
      await target.create(vpc('v', 7));
      await target.create(subnet('s'));
      await target.delete({ kind: 'vpc', id: 'v' });
      const created = server.requests('CreateSubnet')[0]!['subnet'] as { spec: Message };
      expect(created.spec['vpc_name_ref']).to.equal(name);
      expect(server.requests('DeleteVpc')[0]).to.deep.include({ name, allow_missing: true });
      expect(server.requests('GetVpc')[0]).to.deep.include({ name });
    }),
  );

  it(
    'learns names from lists, and reads references in whatever form they have',
    withServer(async (server, target) => {
      const told = message(subnet('s'), '//network.opiproject.org/subnets/s');
      (told['spec'] as Message)['vpc_name_ref'] = '//network.opiproject.org/vpcs/v';
      server.script('ListSubnets', { subnet: [told], next_page_token: '' });
      server.script('UpdateSubnet', message(subnet('s')));
      expect(await target.list('subnet')).to.deep.equal([subnet('s')]);
      await target.update(subnet('s'));
      expect(server.requests('UpdateSubnet')[0]!['name']).to.equal(told['name']);
    }),
  );

  it(
    'asks for the names of a kind when the usual one is not known',
    withServer(async (server, target) => {
      const name = 'odd/vpcs/v';
      server.on('UpdateVpc', (request) => {
        if (request['name'] !== name) throw failure(status.NOT_FOUND);
        return message(vpc('v', 7), name);
      });
      server.script('ListVpcs', { vpc: [message(vpc('v', 8), name)] });
      await target.update(vpc('v', 7));
      expect(server.methods).to.deep.equal(['UpdateVpc', 'ListVpcs', 'UpdateVpc']);
    }),
  );

  it(
    'waits until an asynchronous create is up',
    withServer(async (server, target) => {
      const told = (oper: string): Message => ({
        ...message(hostInterface('i')),
        status: { oper_status: `IF_STATUS_${oper}` },
      });
      server.script('CreateInterface', told('DOWN'));
      server.script('GetInterface', told('DOWN'), told('DOWN'), told('UP'));
      await target.create(hostInterface('i'));
      expect(server.requests('GetInterface')).to.have.length(3);
    }),
  );

  it(
    'looks at every new object of a server that was seen to be asynchronous',
    withServer(async (server, target) => {
      server.script('CreateVpc', message(vpc('v', 7)));
      await target.create(vpc('v', 7));
      expect(server.methods).to.deep.equal(['CreateVpc']);
      server.script('DeleteVpc', {}).script('GetVpc', message(vpc('v', 7)), GONE);
      await target.delete({ kind: 'vpc', id: 'v' });
      server.script('CreateSubnet', message(subnet('s')));
      server.script('GetSubnet', GONE, message(subnet('s')));
      await target.create(subnet('s'));
      expect(server.requests('GetSubnet')).to.have.length(2);
    }),
  );

  it(
    'goes on with an interface that stays down: a link nobody opened looks the same',
    withServer(async (server, target) => {
      const down = { ...message(hostInterface('i')), status: { oper_status: 'IF_STATUS_DOWN' } };
      server.script('CreateInterface', down).script('GetInterface', down);
      const begun = performance.now();
      await target.create(hostInterface('i'));
      expect(performance.now() - begun).to.be.within(90, 1_000);
    }),
  );

  it(
    'waits until an asynchronous delete is done',
    withServer(async (server, target) => {
      server.script('DeleteVpc', {});
      server.script('GetVpc', message(vpc('v', 7)), message(vpc('v', 7)), GONE);
      await target.delete({ kind: 'vpc', id: 'v' });
      expect(server.requests('GetVpc')).to.have.length(3);
    }),
  );

  it(
    'says so when a deleted object does not go',
    withServer(async (server, target) => {
      server.script('DeleteVpc', {}).script('GetVpc', message(vpc('v', 7)));
      await refused(target.delete({ kind: 'vpc', id: 'v' }), 'UNAVAILABLE');
    }),
  );

  it(
    'takes a missing object for deleted',
    withServer(async (server, target) => {
      server.script('DeleteVpc', GONE).script('GetVpc', GONE).script('ListVpcs', GONE);
      await target.delete({ kind: 'vpc', id: 'v' });
    }),
  );

  it(
    'takes NOT_FOUND and an unknown kind for an empty list, but not for an extension',
    withServer(async (server, target) => {
      server.script('ListVpcs', GONE);
      for (const kind of CLOUD_KINDS) expect(await target.list(kind)).to.deep.equal([]);
      for (const kind of EXTENSION_KINDS) await refused(target.list(kind), 'UNSUPPORTED');
    }),
  );
});

describe('OPI client: lists', () => {
  const page = (ids: readonly string[], token: string): Message => ({
    vpc: ids.map((id) => message(vpc(id, 7))),
    next_page_token: token,
  });
  const idsOf = (objects: readonly { readonly key: { readonly id: string } }[]): string[] =>
    objects.map(({ key }) => key.id).sort();

  it(
    'follows opaque tokens, and lists an object once that moved to the next page',
    withServer(async (server, target) => {
      server.script(
        'ListVpcs',
        page(['a', 'b'], '7f0c'),
        page(['b', 'c'], 'a911'),
        page(['d'], ''),
      );
      expect(idsOf(await target.list('vpc'))).to.deep.equal(['a', 'b', 'c', 'd']);
      const asked = server.requests('ListVpcs');
      expect(asked.map((each) => each['page_token'])).to.deep.equal(['', '7f0c', 'a911']);
      expect(asked[0]).to.include({ parent: '-', page_size: 250 });
    }),
  );

  it(
    'begins again when the server forgot a token',
    withServer(async (server, target) => {
      server.script('ListVpcs', page(['a'], '7f0c'), GONE, page(['a'], '0b2e'), page(['b'], ''));
      expect(idsOf(await target.list('vpc'))).to.deep.equal(['a', 'b']);
    }),
  );

  it(
    'gives up when the server forgets every token',
    withServer(async (server, target) => {
      server.on('ListVpcs', (request) => {
        if (request['page_token'] !== '') throw failure(status.NOT_FOUND);
        return page(['a'], 'lost');
      });
      await refused(target.list('vpc'), 'NOT_FOUND');
      expect(server.requests('ListVpcs')).to.have.length(6);
    }),
  );

  it(
    'shows an object it cannot read by its id, with a spec that equals none',
    withServer(async (server, target) => {
      const foreign = { name: 'vpcs/foreign', spec: { type: 'VPC_TYPE_UNDERLAY' } };
      const nameless = { spec: { type: 'VPC_TYPE_UNDERLAY' } };
      server.script('ListVpcs', { vpc: [foreign, nameless, message(vpc('v', 7))] });
      const objects = await target.list('vpc');
      expect(idsOf(objects)).to.deep.equal(['foreign', 'v']);
      expect(objects[0]!.spec).to.deep.equal({ vni: 0 });
    }),
  );
});
