/**
 * Memberships on their way in: staged in pieces under a token, seen by no packet, taken by the call that names the
 * token (k8s-extension: ApplyBatch). Unused tokens expire. The type of the group is known only then, so a stage keeps
 * both forms apart.
 */
import type { Clock } from '../../base/clock.js';
import { invalidField, StoreError } from './errors.js';
import { canonicalMember, IpPortMembers, PrefixMembers } from './members.js';

/** What was staged under one token. */
export interface StagedMembers {
  readonly PREFIX: PrefixMembers;
  readonly IP_PORT: IpPortMembers;
}

interface Upload {
  readonly members: StagedMembers;
  usedAtMs: number;
}

/** How uploads behave. */
export interface UploadOptions {
  readonly clock: Clock;
  /** Gives a token nobody can guess. */
  readonly newToken: () => string;
  /** A token that was not used for so long is forgotten, milliseconds. */
  readonly uploadLifetimeMs: number;
  /** Members of all open uploads together; one more is RESOURCE_EXHAUSTED. */
  readonly uploadMembersMax: number;
}

/** See the file head. */
export class Uploads {
  private readonly options: UploadOptions;
  private readonly open = new Map<string, Upload>();

  constructor(options: UploadOptions) {
    this.options = options;
  }

  /**
   * Stages members under a token, or under a new one if it is empty; gives the token. A piece with a malformed member
   * stages nothing.
   * @throws StoreError NOT_FOUND for an unknown or expired token, INVALID_ARGUMENT, RESOURCE_EXHAUSTED.
   */
  stage(token: string, members: Iterable<string>): string {
    this.expire();
    const texts = [...members];
    const forms = texts.map(formOf);
    this.requireRoom(texts.length);
    const name = token === '' ? this.begin() : token;
    const upload = this.require(name);
    texts.forEach((text, index) => upload.members[forms[index] ?? 'PREFIX'].add(text));
    upload.usedAtMs = this.options.clock.monotonic();
    return name;
  }

  /** What was staged under a token, which stays until `end`. Throws NOT_FOUND. */
  staged(token: string): StagedMembers {
    this.expire();
    return this.require(token).members;
  }

  /** Forgets a token. */
  end(token: string): void {
    this.open.delete(token);
  }

  /** Milliseconds from now after which an unused token is forgotten. */
  get lifetimeMs(): number {
    return this.options.uploadLifetimeMs;
  }

  /** Number of open uploads. */
  get size(): number {
    this.expire();
    return this.open.size;
  }

  private begin(): string {
    const token = this.options.newToken();
    const members = { PREFIX: new PrefixMembers(), IP_PORT: new IpPortMembers() };
    this.open.set(token, { members, usedAtMs: this.options.clock.monotonic() });
    return token;
  }

  private require(token: string): Upload {
    const upload = this.open.get(token);
    if (upload !== undefined) return upload;
    throw new StoreError({
      code: 'NOT_FOUND',
      op: 'use upload',
      message: `upload token "${token}" is unknown or expired`,
      reason: 'UPLOAD_TOKEN_UNKNOWN',
    });
  }

  private requireRoom(count: number): void {
    let staged = count;
    for (const { members } of this.open.values()) {
      staged += members.PREFIX.size + members.IP_PORT.size;
    }
    if (staged <= this.options.uploadMembersMax) return;
    throw new StoreError({
      code: 'RESOURCE_EXHAUSTED',
      op: 'stage members',
      message: `${staged} staged members, the table holds ${this.options.uploadMembersMax}`,
      reason: 'UPLOAD_TABLE_FULL',
    });
  }

  private expire(): void {
    const oldest = this.options.clock.monotonic() - this.options.uploadLifetimeMs;
    for (const [token, upload] of this.open) {
      if (upload.usedAtMs < oldest) this.open.delete(token);
    }
  }
}

function formOf(text: string): keyof StagedMembers {
  const form = text.includes(',') ? 'IP_PORT' : 'PREFIX';
  if (canonicalMember(form, text) === text) return form;
  throw invalidField('stage members', 'members', `"${text}" is no canonical member`);
}
