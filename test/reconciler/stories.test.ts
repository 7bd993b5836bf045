/** Plays every story of the folder beside this file. */
import { readdirSync, readFileSync } from 'node:fs';
import { parseStory, StoryTeller } from './support/story.js';

const FOLDER = new URL('./stories/', import.meta.url);

describe('reconciler stories', () => {
  for (const file of readdirSync(FOLDER)
    .filter((name) => name.endsWith('.txtar'))
    .sort()) {
    it(file.replace('.txtar', ''), () => {
      return new StoryTeller(parseStory(readFileSync(new URL(file, FOLDER), 'utf8'))).tell();
    });
  }
});
