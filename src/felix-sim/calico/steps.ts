/** Which files make which steps of a scenario: files in the order of their names, those that begin with `00` before Felix starts. */

/** A file of YAML. */
export interface CalicoFile {
  /** Without its folder: it says when the file is applied, and whether its resources are deleted. */
  readonly name: string;
  readonly text: string;
}

/** Files that are applied together. */
export interface FileStep {
  readonly name: string;
  readonly files: readonly CalicoFile[];
}

/** Name of the step that ends with InSync. */
export const START_STEP = 'start';
/** The file that holds messages of the protocol itself. */
export const MESSAGES_FILE = /^messages\.ya?ml$/;

const YAML_FILE = /\.(ya?ml|json)$/;

/** True for files that hold resources or messages. */
export function isScenarioFile(name: string): boolean {
  return YAML_FILE.test(name);
}

/** True if the resources of a file are to be deleted. */
export function deletes({ name }: CalicoFile): boolean {
  return /\.delete\.[a-z0-9.]+$/.test(name);
}

/**
 * The steps. The first one is `start`: all files that begin with `00`, or the first file where none does. Each other file
 * is a step of its own, named like the file without its endings; neighbours of one name are one step.
 */
export function fileSteps(files: readonly CalicoFile[]): FileStep[] {
  const sorted = files.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const early = sorted.filter(({ name }) => name.startsWith('00'));
  const start = early.length > 0 ? early : sorted.slice(0, 1);
  const steps: { name: string; files: CalicoFile[] }[] = [{ name: START_STEP, files: start }];
  for (const file of sorted.filter((candidate) => !start.includes(candidate))) {
    const name = stepName(file.name);
    const last = steps.at(-1);
    if (last?.name === name) last.files.push(file);
    else steps.push({ name, files: [file] });
  }
  return steps;
}

function stepName(file: string): string {
  return file.replace(YAML_FILE, '').replace(/(\.(delete|k8s))+$/, '');
}
