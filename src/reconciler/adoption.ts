/** Reads what the XPU holds of ours: after a cold start, another boot, a surprise, or writes of unknown outcome. */
import { OpiError } from '../opi/objects/errors.js';
import {
  CLOUD_KINDS,
  EXTENSION_KINDS,
  OBJECT_KINDS,
  type ObjectKind,
  type ObjectNamer,
} from '../opi/objects/key.js';
import type { AnyObject } from '../opi/objects/specs.js';
import type { TargetCapabilities } from '../opi/objects/target.js';
import type { Core } from './core.js';

/**
 * Lists every kind and takes what is ours for the acknowledged state; foreign objects are not looked at. Memberships are
 * compared later, for wanted groups only.
 * @throws OpiError if the XPU cannot be read; nothing of the listing is taken over then.
 */
export async function adoptAll(core: Core, namer: ObjectNamer): Promise<void> {
  const capabilities = await core.caller.probe();
  await adoptAs(core, namer, capabilities);
}

/**
 * Reads as much as is due: all, or the kinds in doubt if the XPU is still the one we know. A plain target cannot tell
 * that it is, so there everything is read.
 * @throws OpiError if the XPU cannot be read.
 */
export async function recover(core: Core, namer: ObjectNamer): Promise<'adopted' | 'checked'> {
  const { trust } = core;
  const capabilities = await core.caller.probe();
  const known = capabilities.bootId !== undefined && capabilities.bootId === trust.bootId;
  if (!known || trust.adoptionDue) {
    await adoptAs(core, namer, capabilities);
    return 'adopted';
  }
  await adoptKinds(core, namer, [...trust.doubts]);
  trust.restored(capabilities.bootId);
  return 'checked';
}

async function adoptAs(
  core: Core,
  namer: ObjectNamer,
  capabilities: TargetCapabilities,
): Promise<void> {
  const { level, bootId } = capabilities;
  await adoptKinds(core, namer, level === 'native' ? OBJECT_KINDS : CLOUD_KINDS);
  if (level === 'plain') for (const kind of EXTENSION_KINDS) core.views.adopt(kind, []);
  core.views.mistrustMembers();
  if (bootId !== core.trust.bootId) core.failures.clearAll();
  core.trust.restored(bootId);
  core.logger.info({ level, bootId, objects: core.views.acknowledged.size }, 'XPU state adopted');
}

async function adoptKinds(
  core: Core,
  namer: ObjectNamer,
  kinds: readonly ObjectKind[],
): Promise<void> {
  const listings = await Promise.all(
    kinds.map(async (kind) => ({ kind, objects: await listOurs(core, namer, kind) })),
  );
  for (const { kind, objects } of listings) core.views.adopt(kind, objects);
}

/** Our objects of a kind; a kind that the server does not offer has none. */
async function listOurs(core: Core, namer: ObjectNamer, kind: ObjectKind): Promise<AnyObject[]> {
  try {
    const found = (await core.caller.list(kind)) as AnyObject[];
    return found.filter(({ key }) => namer.isOurs(key.id));
  } catch (thrown) {
    if (thrown instanceof OpiError && thrown.code === 'UNSUPPORTED') return [];
    throw thrown;
  }
}
