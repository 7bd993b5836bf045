/** A soft-xpu on a private unix socket, with raw and typed clients. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  credentials,
  makeGenericClientConstructor,
  type Client,
  type ServiceDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import { opiPackage } from '../../../src/opi/codec/package.js';
import {
  createMemoryXpu,
  type MemoryXpu,
  type MemoryXpuOptions,
} from '../../../src/soft-xpu/memory-xpu.js';
import {
  startServer,
  type RunningServer,
  type ServerOptions,
} from '../../../src/soft-xpu/server.js';

const CLOUD = 'opi_api.network.cloud.v1alpha1.CloudInfraService';
const K8S = 'opi_api.network.k8s.v1alpha1';

/** A running server and what belongs to it. */
export class ServedXpu {
  readonly xpu: MemoryXpu;
  readonly address: string;
  private readonly folder: string;
  private readonly server: RunningServer;
  private readonly clients: Client[] = [];

  private constructor(xpu: MemoryXpu, server: RunningServer, folder: string) {
    this.xpu = xpu;
    this.server = server;
    this.folder = folder;
    this.address = server.addresses[0] ?? '';
  }

  static async start(
    options: MemoryXpuOptions & Omit<ServerOptions, 'listen'> = {},
  ): Promise<ServedXpu> {
    const folder = mkdtempSync(path.join(tmpdir(), 'soft-xpu-test-'));
    const xpu = createMemoryXpu(options);
    const listen = [`unix:${folder}/xpu.sock`];
    return new ServedXpu(xpu, await startServer(xpu, { ...options, listen }), folder);
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.close();
    await this.server.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Raw client of network/cloud. */
  cloud(): RawClient {
    return this.client(CLOUD);
  }

  /** Raw client of a service of the extension, e.g. `DatapathService`. */
  extension(service: string): RawClient {
    return this.client(`${K8S}.${service}`);
  }

  client(service: string, definition = opiPackage()[service] as ServiceDefinition): RawClient {
    const Constructor = makeGenericClientConstructor(definition, service);
    const client = new Constructor(this.address, credentials.createInsecure());
    this.clients.push(client);
    return new RawClient(client);
  }
}

type Answer = Record<string, unknown>;
type Method = (
  request: object,
  options: object,
  answer: (error: ServiceError | null, response: unknown) => void,
) => void;

/** Calls methods by name with plain messages. */
export class RawClient {
  private readonly client: Client;

  constructor(client: Client) {
    this.client = client;
  }

  call(method: string, request: object = {}): Promise<Answer> {
    const stub = this.client as unknown as Record<string, Method | undefined>;
    return new Promise((resolve, reject) => {
      const deadline = Date.now() + 10_000;
      stub[method]?.call(this.client, request, { deadline }, (error, response) => {
        if (error) reject(error);
        else resolve(response as Answer);
      });
    });
  }

  /** gRPC code of a call that must fail. */
  async code(method: string, request: object = {}): Promise<number> {
    return (await this.failure(method, request)).code;
  }

  /** Error of a call that must fail. */
  async failure(method: string, request: object = {}): Promise<ServiceError> {
    try {
      await this.call(method, request);
    } catch (error) {
      return error as ServiceError;
    }
    throw new Error(`${method} succeeded`);
  }
}
