/** grpc.health.v1: the health service that load balancers and orchestrators ask (the gRPC health checking protocol). */
import {
  status,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { fromJSON, type PackageDefinition } from '@grpc/proto-loader';
import { StatusError, serviceError } from './status.js';

/** Full name of the service. */
export const HEALTH_SERVICE = 'grpc.health.v1.Health';

interface HealthCheckRequest {
  /** Full name of a service; empty is the server as a whole. */
  readonly service: string;
}

interface HealthCheckResponse {
  readonly status: 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN';
}

const DESCRIPTOR = {
  nested: {
    HealthCheckRequest: { fields: { service: { type: 'string', id: 1 } } },
    HealthCheckResponse: {
      fields: { status: { type: 'ServingStatus', id: 1 } },
      nested: {
        ServingStatus: { values: { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } },
      },
    },
    Health: {
      methods: {
        Check: { requestType: 'HealthCheckRequest', responseType: 'HealthCheckResponse' },
        Watch: {
          requestType: 'HealthCheckRequest',
          responseType: 'HealthCheckResponse',
          responseStream: true,
        },
      },
    },
  },
};

let loaded: PackageDefinition | undefined;

/** Definition of the service, also for reflection. */
export function healthPackage(): PackageDefinition {
  const root = { nested: { grpc: { nested: { health: { nested: { v1: DESCRIPTOR } } } } } };
  loaded ??= fromJSON(root as Parameters<typeof fromJSON>[0], { enums: String, defaults: true });
  return loaded;
}

/** Health of a server and its services: serving until it is told to end. */
export class Health {
  private readonly services: ReadonlySet<string>;
  private readonly watchers = new Set<() => void>();
  private serving = true;

  constructor(services: Iterable<string>) {
    this.services = new Set(['', ...services]);
  }

  /** Definition and implementation for `Server.addService`. */
  service(): [ServiceDefinition, UntypedServiceImplementation] {
    const definition = healthPackage()[HEALTH_SERVICE] as ServiceDefinition;
    return [definition, { Check: this.check, Watch: this.watch }];
  }

  /** Tells every watcher that the server ends, and ends their streams. */
  stop(): void {
    this.serving = false;
    for (const tell of this.watchers) tell();
    this.watchers.clear();
  }

  private readonly check: handleUnaryCall<HealthCheckRequest, HealthCheckResponse> = (
    { request },
    answer,
  ) => {
    if (this.services.has(request.service)) answer(null, this.responseOf(request));
    else {
      const unknown = new StatusError(status.NOT_FOUND, `unknown service ${request.service}`);
      answer(serviceError(unknown, 'strict'));
    }
  };

  private readonly watch: handleServerStreamingCall<HealthCheckRequest, HealthCheckResponse> = (
    call,
  ) => {
    const end = (): void => {
      call.write(this.responseOf(call.request));
      call.end();
    };
    call.write(this.responseOf(call.request));
    this.watchers.add(end);
    call.on('cancelled', () => this.watchers.delete(end));
  };

  private responseOf({ service }: HealthCheckRequest): HealthCheckResponse {
    if (!this.services.has(service)) return { status: 'SERVICE_UNKNOWN' };
    return { status: this.serving ? 'SERVING' : 'NOT_SERVING' };
  }
}
