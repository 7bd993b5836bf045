/**
 * One Felix session: chunks of fd 3 in, Deltas out, frame by frame. Remembers the Calico generation and the sequence
 * numbers; everything else is the pure functions beside it.
 */
import { NEWEST_CALICO, parseCalicoVersion, type CalicoVersion } from '../model/calico-version.js';
import type { Delta } from '../model/delta.js';
import { toDeltas } from './envelope.js';
import { FRAME_BYTES_MAX, FrameReader, decodeFrameBody, type Frame } from './frame.js';
import { decodeToDataplane, sequenceNumberOf, type DecodedMessage } from './message.js';

/** One frame of the session, understood. */
export interface SessionFrame {
  readonly frame: Frame;
  /** The number the frame carries. */
  readonly sequenceNumber: number;
  /** Set when that is not the number after the last one: frames were lost or repeated. */
  readonly gap?: { readonly expected: number; readonly got: number };
  readonly deltas: readonly Delta[];
}

/** Reads one session's stream. After an error the session is over. */
export class FelixSession {
  private readonly frames: FrameReader;
  private expected = 0;
  private version: CalicoVersion = NEWEST_CALICO;

  /** `frameBytesMax`: largest body that is accepted, bytes. */
  constructor(frameBytesMax: number = FRAME_BYTES_MAX) {
    this.frames = new FrameReader(frameBytesMax);
  }

  /** The Calico of this session; the newest until a ConfigUpdate says otherwise. */
  get calicoVersion(): CalicoVersion {
    return this.version;
  }

  /** Takes the next bytes of the stream; they must not change until `next` gave `undefined`. */
  append(chunk: Buffer): void {
    this.frames.append(chunk);
  }

  /**
   * The next frame, or `undefined` when more bytes are needed. One frame per call, so that the caller decides when to let
   * others run. Throws `FrameError` for an impossible length or an undecodable body.
   */
  next(): SessionFrame | undefined {
    const frame = this.frames.next();
    if (frame === undefined) return undefined;
    return decodeFrameBody(frame, () => this.understand(frame));
  }

  /** The stream has ended. Throws `FrameError` when that was inside a frame. */
  finish(): void {
    this.frames.finish();
  }

  private understand(frame: Frame): SessionFrame {
    const decoded = decodeToDataplane(frame.body);
    this.noteVersion(decoded);
    const deltas = toDeltas(decoded, this.version);
    const sequenceNumber = sequenceNumberOf(decoded.message);
    const expected = this.expected;
    this.expected = sequenceNumber + 1;
    if (sequenceNumber === expected) return { frame, sequenceNumber, deltas };
    return { frame, sequenceNumber, gap: { expected, got: sequenceNumber }, deltas };
  }

  private noteVersion({ message }: DecodedMessage): void {
    if (message.payload !== 'config_update') return;
    this.version = parseCalicoVersion(message.config_update.config.CalicoVersion);
  }
}
