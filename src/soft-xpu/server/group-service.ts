/** Members of AddressGroups: changes, staged uploads, and reading a membership in pages of one generation. */
import { status } from '@grpc/grpc-js';
import type { k8s } from '../../gen/opi/types.js';
import { decodeMember, encodeMember } from '../../opi/codec/members.js';
import type { MemberResult } from '../store/group-changes.js';
import { refused } from '../store/group-changes.js';
import type { StoreOperation } from '../store/object-store.js';
import type { ServerContext } from './context.js';
import type { Handlers } from './dispatcher.js';
import { extensionHandlers, requireStored } from './extension-resources.js';
import type { Operations } from './operations.js';
import { pageSize, type PageSizes } from './paging.js';
import { durationOf } from './ports-wire.js';
import { StatusError } from './status.js';

const MEMBER_PAGE: PageSizes = { defaultSize: 20_000, maxSize: 100_000 };
/** Memberships kept in order for walks that are under way. */
const SNAPSHOTS_MAX = 4;

/** Handlers of AddressGroupService. */
export function groupHandlers(context: ServerContext, operations: Operations): Handlers {
  const snapshots = new MemberSnapshots();
  const change = (operation: StoreOperation): MemberResult => {
    const { members } = context.store.apply(operation);
    if (members === undefined) throw new StatusError(status.INTERNAL, 'no members were changed');
    return members;
  };
  return {
    ...extensionHandlers('addressGroup', context, operations),
    ModifyAddressGroupMembers: (request: k8s.ModifyAddressGroupMembersRequest) => {
      const { generation, addedCount, removedCount } = change(operations.modifyMembers(request));
      return {
        generation: String(generation),
        added_count: String(addedCount),
        removed_count: String(removedCount),
      } satisfies k8s.ModifyAddressGroupMembersResponse;
    },
    ReplaceAddressGroupMembers: (request: k8s.ReplaceAddressGroupMembersRequest) => {
      const { generation, memberCount } = change(operations.replaceMembers(request));
      return {
        generation: String(generation),
        member_count: String(memberCount),
      } satisfies k8s.ReplaceAddressGroupMembersResponse;
    },
    FetchAddressGroupMembers: (request: k8s.FetchAddressGroupMembersRequest) =>
      fetchMembers(request, context, snapshots),
    UploadAddressGroupMembers: (request: k8s.UploadAddressGroupMembersRequest) => {
      const { uploads } = context.store;
      const texts = request.members.map((member, at) => decodeMember(member, `members[${at}]`));
      const token = uploads.stage(request.upload_token, texts);
      const expire_time = durationOf(context.clock.now() + uploads.lifetimeMs);
      return { upload_token: token, expire_time } satisfies k8s.UploadAddressGroupMembersResponse;
    },
  };
}

function fetchMembers(
  request: k8s.FetchAddressGroupMembersRequest,
  context: ServerContext,
  snapshots: MemberSnapshots,
): object {
  const { key } = requireStored('addressGroup', request.name, context).object;
  const group = context.store.group(key.id);
  if (group === undefined) throw new StatusError(status.INTERNAL, `${key.id} has no membership`);
  const size = pageSize(request.page_size, MEMBER_PAGE);
  const { generation, offset } = tokenParts(request.page_token, group.generation);
  if (generation !== group.generation) {
    throw refused('ABORTED', key, 'changed since the first page', 'STALE_GENERATION');
  }
  const texts = snapshots.of(key.id, generation, () => group.members.texts());
  const end = offset + size;
  const last = end >= texts.length;
  if (last) snapshots.forget(key.id);
  return {
    members: texts.slice(offset, end).map((text) => encodeMember(text)),
    next_page_token: last ? '' : `${generation}.${end}`,
    generation: String(generation),
  };
}

function tokenParts(token: string, current: number): { generation: number; offset: number } {
  if (token === '') return { generation: current, offset: 0 };
  const parts = /^(\d{1,15})\.(\d{1,15})$/.exec(token);
  if (parts === null) {
    throw new StatusError(status.INVALID_ARGUMENT, `page_token: ${token} is no token`);
  }
  return { generation: Number(parts[1]), offset: Number(parts[2]) };
}

/** Memberships in one order, so that the pages of a walk fit together without walking the set for each. */
class MemberSnapshots {
  private readonly kept = new Map<string, { generation: number; texts: readonly string[] }>();

  of(id: string, generation: number, read: () => Iterable<string>): readonly string[] {
    const known = this.kept.get(id);
    if (known?.generation === generation) return known.texts;
    const texts = [...read()];
    this.kept.set(id, { generation, texts });
    const [oldest] = this.kept.keys();
    if (this.kept.size > SNAPSHOTS_MAX && oldest !== undefined) this.kept.delete(oldest);
    return texts;
  }

  forget(id: string): void {
    this.kept.delete(id);
  }
}
