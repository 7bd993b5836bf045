/** Probes every pair of places with real packets and holds what came of it against what `why` says. I/O edge. */
import type { Family } from '../../base/ip.js';
import { askPlace } from './place-client.js';
import type { ProbeOutcome } from './place-protocol.js';
import { commonFamilies, type LabPlace } from './places.js';
import type { Prediction, Predictor } from './prediction.js';
import { transportOf, type ProbedService } from './services.js';

/** One probe: who asks whom for what. */
export interface Question {
  readonly from: LabPlace;
  readonly to: LabPlace;
  readonly family: Family;
  readonly service: ProbedService;
}

/** What came of it. */
export interface Cell extends Question {
  readonly outcome: ProbeOutcome;
  readonly prediction: Prediction;
}

/** How long a probe waits: long enough for one packet that was lost and sent again. */
const PATIENCE_MS = 1_800;
/** What contradicts `why` is asked once more with more patience: a busy machine is slow. */
const SECOND_PATIENCE_MS = 6_000;

/** Every pair, family and service. */
export function allQuestions(
  places: readonly LabPlace[],
  services: readonly ProbedService[],
): Question[] {
  return places.flatMap((from) =>
    places
      .filter((to) => to.name !== from.name)
      .flatMap((to) =>
        commonFamilies(from, to).flatMap((family) =>
          services.map((service) => ({ from, to, family, service })),
        ),
      ),
  );
}

/** Makes everybody listen, then asks. `say` hears how far it is. */
export async function probeAll(
  questions: readonly Question[],
  predictor: Predictor,
  say: (text: string) => void,
): Promise<Cell[]> {
  say('listening on all ports');
  await listenEverywhere(questions);
  say(`${questions.length} probes`);
  const outcomes = await ask(questions, PATIENCE_MS);
  const cells = questions.map((question, index) => ({
    ...question,
    outcome: outcomes[index] ?? NO_OUTCOME,
    prediction: predict(question, predictor),
  }));
  const doubtful = cells.filter(isMismatch);
  if (doubtful.length === 0) return cells;
  say(`${doubtful.length} probes once more`);
  const again = await ask(doubtful, SECOND_PATIENCE_MS);
  const second = new Map(doubtful.map((cell, index) => [cell, again[index]]));
  return cells.map((cell) => ({ ...cell, outcome: second.get(cell) ?? cell.outcome }));
}

/** True if packets did not do what `why` says. */
export function isMismatch({ outcome, prediction }: Cell): boolean {
  return outcome.passes !== prediction.passes;
}

const NO_OUTCOME: ProbeOutcome = { passes: false, detail: 'not asked', ms: 0 };

function predict({ from, to, family, service }: Question, predictor: Predictor): Prediction {
  return predictor.predict(from, to, { family, transport: transportOf(service, family) });
}

async function listenEverywhere(questions: readonly Question[]): Promise<void> {
  const portsOf = (place: LabPlace, protocol: string): number[] => [
    ...new Set(
      questions
        .filter(({ to, service }) => to === place && service.protocol === protocol)
        .map(({ service }) => service.port),
    ),
  ];
  const places = [...new Set(questions.map(({ to }) => to))];
  await Promise.all(
    places.map((place) =>
      askPlace(place, { op: 'listen', tcp: portsOf(place, 'tcp'), udp: portsOf(place, 'udp') }),
    ),
  );
}

/** Outcomes in the order of the questions; each sender gets all of its own at once. */
async function ask(questions: readonly Question[], timeoutMs: number): Promise<ProbeOutcome[]> {
  const outcomes: ProbeOutcome[] = [];
  const numbered = questions.map((question, index) => ({ ...question, index }));
  const senders = [...new Set(questions.map(({ from }) => from))];
  await Promise.all(
    senders.map(async (sender) => {
      const own = numbered.filter(({ from }) => from === sender);
      const tasks = own.map(({ to, family, service }) => ({
        protocol: service.protocol,
        address: to.addresses[family] ?? '',
        port: service.port,
        owner: to.name,
        timeoutMs,
      }));
      const answer = await askPlace(sender, { op: 'probe', tasks });
      own.forEach(({ index }, place) => (outcomes[index] = answer.outcomes[place] ?? NO_OUTCOME));
    }),
  );
  return outcomes;
}
