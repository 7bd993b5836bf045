/** The settings of driver and agent as the help shows them. */
import { describeSettings } from '../agent/settings.js';

/** Two lines per setting: its environment variable and default, then its meaning. */
export function settingsText(): string {
  const lines = describeSettings().map(
    ({ variable, describe, fallback }) => `  ${variable} [default: ${fallback}]\n      ${describe}`,
  );
  return ['Settings (environment variables):', ...lines].join('\n');
}
