/** Renders TypeScript types for messages, enums and services, with names exactly as on the wire. */
import protobuf from 'protobufjs';

import { methodTypes } from './services.js';

/** How 64-bit integers and enums appear at run time: as the package's decoder is configured. */
export interface TypeOptions {
  /** `long`: `Long` (protobufjs reflection). `string`: decimal text (proto-loader, `longs: String`). */
  readonly int64: 'long' | 'string';
  /** `number`: the wire number, with a const table. `name`: the value's name (`enums: String`). */
  readonly enums: 'number' | 'name';
}

/** One proto package that defines something. */
export interface ProtoPackage {
  readonly namespace: protobuf.NamespaceBase;
  /** Module name: the last part of the package name that is not a version. */
  readonly shortName: string;
}

const INT64 = new Set(['int64', 'uint64', 'sint64', 'fixed64', 'sfixed64']);

/** Helper type of every generated package. */
const DRAFT = `
/**
 * A message to be encoded: every member may be left out and then has its proto3 default. The members of a oneof lie side
 * by side; the writer sets one. (Read messages are unions of all combinations: too many to check literals against.)
 */
export type Draft<T> = [T] extends [Uint8Array | null | undefined]
  ? T
  : [T] extends [readonly (infer U)[]]
    ? readonly Draft<U>[]
    : [NonNullable<T>] extends [object]
      ? { readonly [K in MemberOf<NonNullable<T>>]?: Draft<ValueOf<NonNullable<T>, K>> | null | undefined }
      : T;

type MemberOf<T> = T extends unknown ? keyof T : never;
type ValueOf<T, K extends PropertyKey> = T extends unknown
  ? K extends keyof T
    ? NonNullable<T[K]>
    : never
  : never;
`;

/** The packages of `root` in order of their names. Throws when two would share a module name. */
export function packagesOf(root: protobuf.Root): readonly ProtoPackage[] {
  const packages = collect(root)
    .map((namespace) => ({ namespace, shortName: shortName(namespace) }))
    .sort((a, b) => (a.namespace.fullName < b.namespace.fullName ? -1 : 1));
  const names = new Set(packages.map((one) => one.shortName));
  if (names.size !== packages.length) throw new Error('two proto packages share a module name');
  return packages;
}

/** `types.ts` of several packages: each package's module under its short name. */
export function renderTypesIndex(packages: readonly ProtoPackage[]): string {
  const exports = packages.map(
    ({ namespace, shortName: name }) =>
      `/** ${namespace.fullName.slice(1)} */\nexport * as ${name} from './${name}.js';`,
  );
  return `${exports.join('\n')}\n${DRAFT}`;
}

/** The types of one package. */
export function renderPackageTypes(
  packages: readonly ProtoPackage[],
  own: ProtoPackage,
  options: TypeOptions,
  single: boolean,
): string {
  const writer = new TypeWriter(packages, own, options);
  const body = writer.render(own.namespace);
  return [...writer.imports(), single ? DRAFT : '', body].join('\n');
}

function collect(parent: protobuf.NamespaceBase): protobuf.NamespaceBase[] {
  const children = parent.nestedArray.filter(isPackage).flatMap((child) => collect(child));
  const defines = parent.nestedArray.some((one) => !isPackage(one));
  return defines ? [parent, ...children] : children;
}

function isPackage(one: protobuf.ReflectionObject): one is protobuf.Namespace {
  return (
    one instanceof protobuf.Namespace &&
    !(one instanceof protobuf.Type) &&
    !(one instanceof protobuf.Service)
  );
}

function shortName(namespace: protobuf.NamespaceBase): string {
  const parts = namespace.fullName.slice(1).split('.');
  const named = parts.filter((part) => !/^v\d+((alpha|beta)\d+)?$/.test(part));
  return named.at(-1) ?? 'root';
}

class TypeWriter {
  private readonly packages: readonly ProtoPackage[];
  private readonly own: ProtoPackage;
  private readonly options: TypeOptions;
  private readonly used = new Set<string>();

  constructor(packages: readonly ProtoPackage[], own: ProtoPackage, options: TypeOptions) {
    this.packages = packages;
    this.own = own;
    this.options = options;
  }

  /** Import lines for what `render` used. */
  imports(): string[] {
    return [...this.used]
      .sort()
      .map((name) =>
        name === 'Long'
          ? "import type Long from 'long';"
          : `import type * as ${name} from './${name}.js';`,
      );
  }

  render(namespace: protobuf.NamespaceBase): string {
    return namespace.nestedArray
      .filter((one) => !isPackage(one))
      .map((one) => {
        if (one instanceof protobuf.Type) return `${this.message(one)}\n${this.render(one)}`;
        if (one instanceof protobuf.Enum) return this.enumeration(one);
        return one instanceof protobuf.Service ? this.service(one) : '';
      })
      .join('\n');
  }

  private message(type: protobuf.Type): string {
    const name = this.localName(type);
    const oneofs = type.oneofsArray.filter((oneof) => !oneof.isProto3Optional);
    const inOneof = new Set(oneofs.flatMap((oneof) => oneof.fieldsArray));
    const fields = type.fieldsArray.filter((field) => !inOneof.has(field));
    const body = `{\n${fields.map((field) => this.member(field)).join('\n')}\n}`;
    const comment = doc(type.comment ?? `Message ${type.fullName.slice(1)}.`);
    if (oneofs.length === 0) return `${comment}export interface ${name} ${body}`;
    const unions = oneofs.map((oneof) => this.union(oneof));
    return `${comment}export type ${name} = ${[body, ...unions].join(' & ')};`;
  }

  /** The members of a oneof, told apart by a member with the oneof's name. */
  private union(oneof: protobuf.OneOf): string {
    const cases = oneof.fieldsArray.map(
      (field) =>
        `{ readonly ${oneof.name}: '${field.name}';\n${doc(field.comment)}readonly ${field.name}: ${this.fieldType(field)} }`,
    );
    return `(${[`{ readonly ${oneof.name}?: undefined }`, ...cases].join(' | ')})`;
  }

  private member(field: protobuf.Field): string {
    const comment = doc(field.comment);
    if (field.repeated)
      return `${comment}readonly ${field.name}: readonly ${this.element(field)}[];`;
    if (field.map) return `${comment}readonly ${field.name}: ${this.fieldType(field)};`;
    if (field.resolvedType instanceof protobuf.Type) {
      return `${comment}readonly ${field.name}?: ${this.fieldType(field)} | null;`;
    }
    const optional = field.partOf?.isProto3Optional === true ? '?' : '';
    return `${comment}readonly ${field.name}${optional}: ${this.fieldType(field)};`;
  }

  private element(field: protobuf.Field): string {
    const element = this.fieldType(field);
    return element.includes('|') ? `(${element})` : element;
  }

  private fieldType(field: protobuf.Field): string {
    const value = this.valueType(field);
    return field.map ? `{ readonly [key: string]: ${value} }` : value;
  }

  private valueType(field: protobuf.Field): string {
    const resolved = field.resolve().resolvedType;
    if (resolved instanceof protobuf.Enum && this.options.enums === 'number') return 'number';
    if (resolved !== null) return this.reference(resolved);
    if (field.type === 'string') return 'string';
    if (field.type === 'bool') return 'boolean';
    if (field.type === 'bytes') return 'Uint8Array';
    if (!INT64.has(field.type)) return 'number';
    if (this.options.int64 === 'string') return 'string';
    this.used.add('Long');
    return 'Long | number';
  }

  private enumeration(type: protobuf.Enum): string {
    const name = this.localName(type);
    const comment = doc(type.comment ?? `Enum ${type.fullName.slice(1)}.`);
    if (this.options.enums === 'number') {
      return `${comment}export const ${name} = ${JSON.stringify(type.values)} as const;`;
    }
    const values = Object.keys(type.values).map((value) => `'${value}'`);
    return `${comment}export type ${name} = ${values.join(' | ')};`;
  }

  private service(service: protobuf.Service): string {
    const methods = service.methodsArray.map((method) => {
      const { request, response } = methodTypes(method);
      return `${doc(method.comment)}readonly ${method.name}: { readonly request: ${this.reference(request)}; readonly response: ${this.reference(response)} };`;
    });
    const comment = doc(service.comment ?? `Service ${service.fullName.slice(1)}.`);
    return `${comment}export interface ${service.name}Methods {\n${methods.join('\n')}\n}`;
  }

  private reference(type: protobuf.Type | protobuf.Enum): string {
    const home = this.packages.find(({ namespace }) => namespace === packageOf(type));
    if (home === undefined) throw new Error(`${type.fullName} is in no known package`);
    if (home.namespace === this.own.namespace) return this.localName(type);
    this.used.add(home.shortName);
    return `${home.shortName}.${this.localName(type)}`;
  }

  /** `Outer_Inner` for nested definitions. */
  private localName(type: protobuf.ReflectionObject): string {
    const outer = type.parent;
    return outer instanceof protobuf.Type ? `${this.localName(outer)}_${type.name}` : type.name;
  }
}

function packageOf(type: protobuf.ReflectionObject): protobuf.NamespaceBase | null {
  const parent = type.parent;
  return parent instanceof protobuf.Type ? packageOf(parent) : parent;
}

/** `*` followed by `/` inside a comment would end it. */
function escapeComment(text: string): string {
  return text.replaceAll('*/', '*\u200b/');
}

function doc(comment: string | null | undefined): string {
  if (comment === null || comment === undefined || comment === '') return '';
  const lines = escapeComment(comment).split('\n');
  if (lines.length === 1) return `/** ${lines[0]} */\n`;
  return `/**\n${lines.map((line) => ` * ${line}`.trimEnd()).join('\n')}\n */\n`;
}
