/** States of a session as text, so that two sessions can be compared object by object. */
import { canonicalJson } from '../../../src/base/json.js';
import { decodeToDataplane } from '../../../src/driver/message.js';
import { messageJson } from '../../../src/felix-sim/decode.js';
import { subjectOf, type SubjectKind } from '../../../src/felix-sim/payload.js';
import { SessionState } from '../../../src/felix-sim/session-state.js';
import { NEWEST_CALICO } from '../../../src/model/calico-version.js';

/** One object: its kind, and the message that says it as canonical JSON without sequence number. */
export interface StateObject {
  readonly kind: SubjectKind;
  readonly json: string;
}

/** A session that is read on and on: each state begins where the last one ended. */
export class SessionReader {
  private readonly frames: readonly Uint8Array[];
  private readonly state = new SessionState();
  private read = 0;

  constructor(frames: readonly Uint8Array[]) {
    this.frames = frames;
  }

  /** Objects after the first `count` frames, by kind and key. Counts must not fall. */
  after(count: number): Map<string, StateObject> {
    for (; this.read < count; this.read++) {
      this.state.apply(decodeToDataplane(this.frames[this.read]!).message);
    }
    return new Map(
      this.state.messages().flatMap((message): [string, StateObject][] => {
        const subject = subjectOf(message);
        if (subject === undefined) return [];
        const { sequence_number: _, ...json } = messageJson(message, NEWEST_CALICO);
        const { kind, key } = subject;
        return [[`${kind} ${key}`, { kind, json: canonicalJson(json) }]];
      }),
    );
  }
}
