/** What the translators need of an agent's settings. */
import { defaultSettings, type TranslatorSettings } from '../translators/settings.js';
import type { CompileSettings } from './snapshot.js';

/** Settings of the translators of `node`. */
export function toTranslatorSettings(settings: CompileSettings, node: string): TranslatorSettings {
  const { uplinkInterface, hostInterfaces } = settings;
  const uplink = hostInterfaces.find(({ name }) => name === uplinkInterface);
  return {
    ...defaultSettings(settings.ownerId || node),
    nodeName: node,
    uplink: uplink ?? { name: uplinkInterface },
    otherInterfaces: hostInterfaces.filter(({ name }) => name !== uplinkInterface),
    uplinkMtu: settings.uplinkMtu,
    ruleBudget: settings.ruleBudget,
  };
}
