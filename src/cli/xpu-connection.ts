/** Makes the line from an agent's settings to its XPU: client, lock, translator. */
import { systemClock } from '../base/clock.js';
import type { Logger } from '../base/log.js';
import type { Settings } from '../agent/settings.js';
import { toTranslatorSettings } from '../agent/translator-settings.js';
import { XpuLink, type XpuConnection } from '../agent/xpu-link.js';
import { acquireWriterLock } from '../driver/lock.js';
import { grpcTarget } from '../opi/client/address.js';
import { connectOpiTarget } from '../opi/client/target.js';
import { ObjectNamer } from '../opi/objects/key.js';
import { Translator } from '../translators/translator.js';

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
