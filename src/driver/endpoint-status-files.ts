/**
 * Endpoint status files: `<prefix>/endpoint-status/<name>`, one per programmed pod, read by Calico's CNI plugin
 * (`policy_setup_timeout_seconds`) and by confd's local BGP peering. Felix's own reporter never writes them for an external
 * data plane, so we do. I/O edge. Form: felix-protocol, messages to Felix.
 */
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkloadEndpoint } from '../model/endpoint.js';
import type { WorkloadId } from '../model/ids.js';

const FOLDER = 'endpoint-status';
const TEMPORARY_PREFIX = '.tmp-';

/** File name of an endpoint: the three parts of its id, path-escaped, separated by spaces. */
export function statusFileName(id: WorkloadId): string {
  return [id.orchestrator, id.workload, id.endpoint].map(pathEscape).join(' ');
}

/** File content: empty members are left out. */
export function statusFileText(endpoint: WorkloadEndpoint): string {
  const members = {
    ifaceName: endpoint.interfaceName,
    mac: endpoint.mac,
    ipv4Nets: endpoint.ipv4Nets,
    ipv6Nets: endpoint.ipv6Nets,
    bgpPeerName: endpoint.bgpPeerName,
  };
  return JSON.stringify(
    Object.fromEntries(Object.entries(members).filter(([, value]) => value.length > 0)),
  );
}

/** Writes, removes and cleans the files of one folder, one operation at a time, in the order of the calls. */
export class EndpointStatusFiles {
  /** Folder above `endpoint-status/`. */
  readonly prefix: string;
  private readonly folder: string;
  private tail: Promise<void> = Promise.resolve();
  private readonly onError: (error: unknown) => void;

  /** `onError` hears of failed operations: a missing file delays a pod, it must not stop enforcement. */
  constructor(prefix: string, onError: (error: unknown) => void) {
    this.prefix = prefix;
    this.folder = join(prefix, FOLDER);
    this.onError = onError;
  }

  /** Writes the file of a programmed endpoint; readers see the old or the new content, never a part. */
  write(endpoint: WorkloadEndpoint): void {
    const name = statusFileName(endpoint.id);
    this.enqueue(async () => {
      await mkdir(this.folder, { recursive: true });
      const temporary = join(this.folder, `${TEMPORARY_PREFIX}${process.pid}`);
      await writeFile(temporary, statusFileText(endpoint), { mode: 0o644 });
      await rename(temporary, join(this.folder, name));
    });
  }

  /** Removes the file of an endpoint that is gone or down. */
  remove(id: WorkloadId): void {
    this.enqueue(() => rm(join(this.folder, statusFileName(id)), { force: true }));
  }

  /** Removes every file whose endpoint is not in `wanted`: left-overs of an earlier life. */
  removeStale(wanted: Iterable<WorkloadId>): void {
    const names = new Set([...wanted].map(statusFileName));
    this.enqueue(async () => {
      for (const name of await this.list()) {
        if (!names.has(name)) await rm(join(this.folder, name), { force: true });
      }
    });
  }

  /** Settles when every operation asked for so far is done. */
  async flushed(): Promise<void> {
    await this.tail;
  }

  private async list(): Promise<string[]> {
    try {
      return await readdir(this.folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  private enqueue(operation: () => Promise<void>): void {
    this.tail = this.tail.then(operation).catch(this.onError);
  }
}

/** Go's url.PathEscape: unreserved characters and `$&+:=@` stay. */
function pathEscape(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%(24|26|2B|3A|3D|40)/g, (escaped) => decodeURIComponent(escaped));
}
