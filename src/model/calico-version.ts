/** Calico release numbers, as far as they decide what a message or a default means. */

/** A release; `newest` stands for the development head and for a version text we cannot read. */
export interface CalicoVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** Later than every release: the development head. */
export const NEWEST_CALICO: CalicoVersion = {
  major: Number.MAX_SAFE_INTEGER,
  minor: 0,
  patch: 0,
};

/**
 * Reads ConfigUpdate's `CalicoVersion` (`v3.28.1`, also without `v` and with a suffix such as `-rc1`). Absent, `head` or
 * any other text is the newest.
 */
export function parseCalicoVersion(text: string | undefined): CalicoVersion {
  const match = /^v?(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?:[-+.].*)?$/.exec(text ?? '');
  if (match === null) return NEWEST_CALICO;
  return { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3] ?? 0) };
}

/** True from release `major.minor.patch` on. */
export function isAtLeast(
  version: CalicoVersion,
  major: number,
  minor: number,
  patch = 0,
): boolean {
  if (version.major !== major) return version.major > major;
  if (version.minor !== minor) return version.minor > minor;
  return version.patch >= patch;
}
