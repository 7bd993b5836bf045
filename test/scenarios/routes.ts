/**
 * The expansion of a list of states: many ways to be told them. Every way ends in one of the states, and what stands on the
 * XPU then must be what that state alone gives. Ways that read the same in both directions prove little, so lists should not.
 */
import type { Chance } from '../support/chance.js';
import { EMPTY, type State } from './states.js';

/** One way through a list of states. */
export interface Route {
  readonly name: string;
  /** The states in the order in which they are told; the last one is where it ends. */
  readonly visits: readonly State[];
  /** Order of messages where Felix promises none. */
  readonly within: 'as told' | 'reversed' | 'shuffled';
  /** When the XPU is written to. */
  readonly flush: 'after each state' | 'after each message' | 'at the end';
  /** A session for each state: Felix restarts between them. */
  readonly restarts: boolean;
}

const PLAIN_ROUTE = {
  within: 'as told',
  flush: 'after each state',
  restarts: false,
} as const;

/** Every way. */
export function routesThrough(states: readonly State[], chance: Chance): Route[] {
  const forth = [...states];
  const back = forth.toReversed();
  const routes: Partial<Route>[] = [
    { name: 'as told' },
    { name: 'backwards', visits: back },
    { name: 'forth and back', visits: [...forth, ...back] },
    { name: 'each kind reversed', within: 'reversed' },
    { name: 'each kind shuffled', within: 'shuffled' },
    { name: 'backwards, each kind shuffled', within: 'shuffled', visits: back },
    { name: 'emptied in between', visits: forth.flatMap((state) => [EMPTY, state]) },
    { name: 'to nothing', visits: [...forth, EMPTY] },
    { name: 'split', flush: 'after each message', within: 'shuffled' },
    { name: 'split, backwards', flush: 'after each message', visits: back },
    { name: 'squashed', flush: 'at the end' },
    { name: 'squashed, forth and back', flush: 'at the end', visits: [...forth, ...back] },
    { name: 'states in a random order', visits: [...chance.shuffled(forth), ...forth.slice(-1)] },
    { name: 'each in a session of its own', restarts: true, within: 'shuffled' },
    { name: 'backwards, each in a session of its own', restarts: true, visits: back },
  ];
  return routes.map((route) => ({ ...PLAIN_ROUTE, name: '', visits: forth, ...route }));
}
