/** The linter's rules, derived from the import table. */
import type { IConfiguration } from 'dependency-cruiser';
import { IO_BUILTINS, MODULES, NATIVE } from './table.js';
import type { Module } from './table.js';

type Rule = NonNullable<IConfiguration['forbidden']>[number];

/** All rules for one cruise over `src/`, `test/`, `bench/` and `scripts/`. */
export function importRules(modules: readonly Module[] = MODULES): Rule[] {
  return [...GENERAL_RULES, nativeRule(), ...modules.flatMap(moduleRules)];
}

const GENERAL_RULES: readonly Rule[] = [
  {
    name: 'no-cycles',
    severity: 'error',
    comment: 'Two files that need each other are one file, or lack a third.',
    from: { path: '^src/' },
    to: { circular: true },
  },
  {
    name: 'no-orphans',
    severity: 'error',
    comment: 'A file that nobody imports and that imports nobody is dead.',
    from: { orphan: true, path: '^src/', pathNot: '^src/gen/' },
    to: {},
  },
  {
    name: 'product-is-not-test',
    severity: 'error',
    comment: 'What ships does not depend on what tests it.',
    from: { path: '^src/' },
    to: { path: '^(test|bench|scripts)/' },
  },
  {
    name: 'no-undeclared-packages',
    severity: 'error',
    comment: 'Shipped code imports runtime dependencies of package.json only.',
    from: { path: '^src/' },
    to: {
      dependencyTypes: ['npm-dev', 'npm-no-pkg', 'unknown', 'undetermined'],
      pathNot: '/@types/',
    },
  },
];

function nativeRule(): Rule {
  return {
    name: 'native-code-in-named-files',
    severity: 'error',
    comment: 'Native code can take the process down: few files, each with one narrow interface.',
    from: { path: '^src/', pathNot: NATIVE.files.map((file) => `^src/${file}\\.ts$`) },
    to: { path: packagePattern(NATIVE.packages) },
  };
}

function moduleRules(module: Module): Rule[] {
  return [
    importRule(module),
    ...(module.typesOf ?? []).map((other) => typesRule(module, other)),
    packageRule(module),
    ...(module.io?.includes('*') === true ? [] : [ioRule(module)]),
  ];
}

/** Where the files of a module, or of a part of one, are. */
function pathOf(name: string): string {
  return `^src/${name}(/|\\.ts$)`;
}

function importRule(module: Module): Rule {
  const others = module.imports.includes('*')
    ? MODULES.filter((other) => other.rank < module.rank).map((other) => other.name)
    : [...module.imports, ...(module.typesOf ?? [])];
  return {
    name: `${module.name}-imports`,
    severity: 'error',
    comment: `src/${module.name} may import ${others.length === 0 ? 'nothing' : others.join(', ')}.`,
    from: { path: pathOf(module.name) },
    to: { path: '^src/', pathNot: [module.name, ...others].map(pathOf) },
  };
}

function typesRule(module: Module, other: string): Rule {
  return {
    name: `${module.name}-imports-types-of-${other}`,
    severity: 'error',
    comment: `src/${module.name} may know the shapes of src/${other}, not call it.`,
    from: { path: pathOf(module.name) },
    to: { path: pathOf(other), dependencyTypesNot: ['type-only'] },
  };
}

function packageRule(module: Module): Rule {
  const packages = module.packages ?? [];
  return {
    name: `${module.name}-packages`,
    severity: 'error',
    comment: `src/${module.name} may use the packages: ${packages.join(', ') || 'none'}.`,
    from: { path: pathOf(module.name) },
    to: {
      path: '(^|/)node_modules/',
      ...(packages.length === 0 ? {} : { pathNot: packagePattern(packages) }),
    },
  };
}

function packagePattern(packages: readonly string[]): string {
  return `(^|/)node_modules/(@types/)?(${packages.join('|')})/`;
}

function ioRule(module: Module): Rule {
  const files = (module.io ?? []).map((file) =>
    file.endsWith('/*')
      ? `^src/${module.name}/${file.slice(0, -1)}`
      : `^src/${module.name}/${file}\\.ts$`,
  );
  return {
    name: `${module.name}-io`,
    severity: 'error',
    comment: `I/O built-ins in src/${module.name}: ${module.io?.join(', ') ?? 'nowhere'}.`,
    from: { path: pathOf(module.name), ...(files.length === 0 ? {} : { pathNot: files }) },
    to: { path: `^(node:)?(${IO_BUILTINS.join('|')})(/promises)?$`, dependencyTypes: ['core'] },
  };
}
