/** Makes the line from an agent's settings to its XPU: client, lock, translator. */
import { systemClock } from '../base/clock.js';
import type { Logger } from '../base/log.js';
import type { Settings } from '../agent/settings.js';
import { XpuLink, type XpuConnection } from '../agent/xpu-link.js';
import { acquireWriterLock } from '../driver/lock.js';
import { grpcTarget } from '../opi/client/address.js';
import { connectOpiTarget } from '../opi/client/target.js';
import { ObjectNamer } from '../opi/objects/key.js';
import { Translator } from '../translators/translator.js';
import { defaultSettings, type TranslatorSettings } from '../translators/settings.js';

/** A left-over driver has this long to notice that its Felix is gone. */
const LOCK_WAIT_MS = 15_000;

/** Opens the line; nothing is sent before the pipeline asks. */
export function connectXpu(settings: Settings, node: string, logger: Logger): XpuConnection {
  const translatorSettings = toTranslatorSettings(settings, node);
  const namer = new ObjectNamer(translatorSettings.ownerId);
  const target = connectOpiTarget({
    address: settings.address,
    callTimeoutMs: settings.callTimeoutMs,
    logger,
    ...(settings.tls === undefined ? {} : { tls: settings.tls }),
  });
  const link = new XpuLink({
    target,
    namer,
    clock: systemClock,
    logger,
    required: settings.target,
    translator: (capabilities) => new Translator(translatorSettings, capabilities),
    // One XPU, one lock, however its address is written.
    acquire: async () => {
      await acquireWriterLock(grpcTarget(settings.address), LOCK_WAIT_MS, systemClock);
    },
  });
  return { link, calls: () => target.calls(), writes: () => target.writes() };
}

/** What the translators need of the settings of `node`. */
export function toTranslatorSettings(settings: Settings, node: string): TranslatorSettings {
  const { uplinkInterface, hostInterfaces } = settings;
  const uplink = hostInterfaces.find(({ name }) => name === uplinkInterface);
  return {
    ...defaultSettings(settings.ownerId || node),
    nodeName: node,
    uplink: uplink ?? { name: uplinkInterface },
    otherInterfaces: hostInterfaces.filter(({ name }) => name !== uplinkInterface),
    ruleBudget: settings.ruleBudget,
  };
}
