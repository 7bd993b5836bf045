/** One gRPC channel, replaced when its credentials change. */
import {
  Client,
  credentials,
  status,
  type ChannelCredentials,
  type ChannelOptions,
  type ServiceError,
} from '@grpc/grpc-js';
import type { MethodDefinition, ServiceDefinition } from '@grpc/proto-loader';
import type { Clock } from '../../base/clock.js';
import { InternalError } from '../../base/errors.js';
import { opiPackage } from '../codec/package.js';
import { OpiError } from '../objects/errors.js';
import { grpcTarget } from './address.js';
import type { ResolvedOptions } from './options.js';
import { TlsCredentials } from './tls.js';

/** Largest message taken, bytes: pages of groups and policies are far smaller. */
const MESSAGE_BYTES_MAX = 256 << 20;

const CHANNEL_OPTIONS: ChannelOptions = {
  'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
  'grpc.max_send_message_length': -1,
  // Retries are ours: the channel's own would keep a copy of every message sent.
  'grpc.enable_retries': 0,
  // Servers punish pings on idle connections; a call that hangs is what they are for.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.keepalive_permit_without_calls': 0,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 3_000,
  // A channel with new credentials must not meet the connections of the old one.
  'grpc.use_local_subchannel_pool': 1,
};

/** A channel and the calls under way on it. */
interface Channel {
  readonly client: Client;
  readonly credentials: ChannelCredentials;
  underWay: number;
  retired: boolean;
}

/** See the file head. */
export class Connection {
  private readonly target: string;
  private readonly tls: TlsCredentials | undefined;
  private readonly plaintext = credentials.createInsecure();
  private readonly channelOptions: ChannelOptions;
  private readonly callTimeoutMs: number;
  private readonly clock: Clock;
  private channel: Channel | undefined;
  private closed = false;
  private suspicious = false;

  constructor(options: ResolvedOptions) {
    const { tls, tlsCheckMs, clock, logger } = options;
    this.target = grpcTarget(options.address);
    this.callTimeoutMs = options.callTimeoutMs;
    this.clock = clock;
    this.tls = tls === undefined ? undefined : new TlsCredentials(tls, tlsCheckMs, clock, logger);
    this.channelOptions =
      tls?.serverName === undefined
        ? CHANNEL_OPTIONS
        : { ...CHANNEL_OPTIONS, 'grpc.ssl_target_name_override': tls.serverName };
  }

  /**
   * Answer of one call. Rejects with the gRPC error, or with `OpiError` UNAVAILABLE if TLS files are missing or the
   * connection was closed.
   * `timeoutMs` defaults to the call timeout.
   */
  async unary<Req, Res>(
    service: string,
    method: string,
    request: Req,
    timeoutMs = this.callTimeoutMs,
  ): Promise<Res> {
    const definition = methodOf(service, method);
    const channel = await this.enter(method);
    try {
      const deadline = this.clock.now() + timeoutMs;
      return await send<Req, Res>(channel.client, definition, request, deadline);
    } catch (thrown) {
      this.suspicious = (thrown as Partial<ServiceError>).code === status.UNAVAILABLE;
      throw thrown;
    } finally {
      channel.underWay -= 1;
      closeIfIdle(channel);
    }
  }

  /** Ends the connection; calls under way fail or finish, later ones fail. */
  close(): void {
    this.closed = true;
    this.channel?.client.close();
  }

  /** The channel to use now, with one more call under way: it cannot be closed before that has begun. */
  private async enter(op: string): Promise<Channel> {
    const wanted = (await this.tls?.current(this.suspicious)) ?? this.plaintext;
    // Whoever is in the middle of a pass hears that nobody answers, and stops.
    if (this.closed) {
      throw new OpiError({ code: 'UNAVAILABLE', op, message: 'the connection is closed' });
    }
    const channel = this.channelWith(wanted);
    channel.underWay += 1;
    return channel;
  }

  private channelWith(wanted: ChannelCredentials): Channel {
    if (this.channel?.credentials === wanted) return this.channel;
    const client = new Client(this.target, wanted, this.channelOptions);
    if (this.channel !== undefined) {
      this.channel.retired = true;
      closeIfIdle(this.channel);
    }
    this.channel = { client, credentials: wanted, underWay: 0, retired: false };
    return this.channel;
  }
}

function closeIfIdle(channel: Channel): void {
  if (channel.retired && channel.underWay === 0) channel.client.close();
}

function methodOf(service: string, method: string): MethodDefinition<object, object> {
  const definition = (opiPackage()[service] as ServiceDefinition | undefined)?.[method];
  if (definition === undefined) throw new InternalError(`no method ${service}/${method}`);
  return definition;
}

function send<Req, Res>(
  client: Client,
  definition: MethodDefinition<object, object>,
  request: Req,
  deadline: number,
): Promise<Res> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      definition.path,
      definition.requestSerialize,
      definition.responseDeserialize,
      request as object,
      { deadline },
      (error, response) => {
        if (error === null) resolve(response as Res);
        else reject(error);
      },
    );
  });
}
