/** Shows a stream's frames as Calico's own code of that generation would: one proto3 JSON object per frame. */
import type protobuf from 'protobufjs';
import { decodeFrameBody, FrameReader } from '../driver/frame.js';
import { decodeToDataplane, decodeTierEntry } from '../driver/message.js';
import type { ToDataplane } from '../gen/felix/types.js';
import {
  isAtLeast,
  NEWEST_CALICO,
  parseCalicoVersion,
  type CalicoVersion,
} from '../model/calico-version.js';
import { toProtoJson, type FieldOverride, type JsonValue } from './proto-json.js';

/** How a stream is read. */
export interface DecodeOptions {
  /** Generation to assume; absent = what the stream's ConfigUpdate says, and the newest until then. */
  readonly version?: CalicoVersion;
  /** Largest body that is accepted, bytes. */
  readonly frameBytesMax?: number;
}

/**
 * The frames of a stream in order. Throws `FrameError` at the first frame that cannot be cut, ends too early, or holds no
 * message.
 */
export function* decodeStream(
  stream: Iterable<Buffer>,
  options: DecodeOptions = {},
): Generator<{ readonly [key: string]: JsonValue }> {
  const frames = new FrameReader(options.frameBytesMax);
  let version = options.version ?? NEWEST_CALICO;
  for (const chunk of stream) {
    frames.append(chunk);
    for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
      const { message } = decodeFrameBody(frame, decodeToDataplane);
      if (options.version === undefined) version = versionOf(message) ?? version;
      yield messageJson(message, version);
    }
  }
  frames.finish();
}

/** One message as the JSON of a Calico generation. */
export function messageJson(
  message: ToDataplane,
  version: CalicoVersion,
): { readonly [key: string]: JsonValue } {
  return toProtoJson(message as unknown as protobuf.Message, overrideFor(version));
}

function versionOf(message: ToDataplane): CalicoVersion | undefined {
  if (message.payload !== 'config_update') return undefined;
  return parseCalicoVersion(message.config_update.config.CalicoVersion);
}

/** The fields whose form on the wire differs between generations. */
function overrideFor(version: CalicoVersion): FieldOverride {
  // v3.28.1 is the first with a list of cluster addresses; before, the same number is one text.
  const oneClusterIp = !isAtLeast(version, 3, 28, 1);
  const override: FieldOverride = (message, field) => {
    const { name: type } = message.$type;
    const value = (message as unknown as Record<string, unknown>)[field.name];
    if (oneClusterIp && type === 'ServiceUpdate' && field.name === 'cluster_ips') {
      return { name: 'cluster_ip', value: (value as readonly string[]).at(-1) ?? '' };
    }
    if (type === 'TierInfo' && field.type === 'bytes') {
      return { name: field.name, value: (value as readonly Uint8Array[]).map(tierEntryJson) };
    }
    return undefined;
  };
  const tierEntryJson = (entry: Uint8Array): JsonValue => {
    const decoded = decodeTierEntry(entry);
    if ('name' in decoded) return decoded.name;
    return toProtoJson(decoded.id as unknown as protobuf.Message, override);
  };
  return override;
}
