/** The generator: several packages, oneofs, services, comments and options; what is stale is told. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { compareOutput, writeOutput } from '../../scripts/generate/output.js';
import { generatePackage, type PackageConfig } from '../../scripts/generate/package.js';

const COMMON = `syntax = "proto3";
package acme.common.v1alpha1;
// Family.
enum Family { FAMILY_UNSPECIFIED = 0; FAMILY_INET = 1; }
message Address { Family family = 1; oneof value { fixed32 v4 = 2; bytes v6 = 3; } }
`;

const CLOUD = `syntax = "proto3";
package acme.cloud.v1;
import "google/api/annotations.proto";
import "google/protobuf/empty.proto";
import "common.proto";
option go_package = "x";
// A port. Ends a comment: */
message Port {
  option (google.api.resource) = { type: "acme/Port" pattern: "ports/{port}" };
  string name = 1 [(google.api.field_behavior) = REQUIRED];
  optional uint64 mtu = 2;
  acme.common.v1alpha1.Address address = 3;
  repeated Kind kinds = 4;
  map<string, Port> peers = 5;
  enum Kind { KIND_UNSPECIFIED = 0; KIND_HOST = 1; }
  reserved 9;
}
service Ports {
  rpc Watch(Port) returns (stream Port) {
    option (google.api.http) = { get: "/v1/{name=ports/*}" additional_bindings { get: "/a" } };
  }
  rpc Delete(Port) returns (google.protobuf.Empty);
}
`;

describe('generator', () => {
  let folder: string;
  let config: PackageConfig;

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'calico-xpu-generate-'));
    mkdirSync(path.join(folder, 'proto'));
    writeFileSync(path.join(folder, 'proto/common.proto'), COMMON);
    writeFileSync(path.join(folder, 'proto/cloud.proto'), CLOUD);
    config = {
      name: 'acme',
      protoDirs: ['proto'],
      includeDirs: ['proto'],
      outDir: 'out',
      int64: 'string',
      enums: 'name',
    };
  });
  after(() => rmSync(folder, { recursive: true }));

  const generate = (protos = ['proto/cloud.proto'], options: Partial<PackageConfig> = {}) =>
    generatePackage(folder, { ...config, ...options }, protos);

  it('writes a module per package, an index, a descriptor and the services', async () => {
    const files = await generate();
    expect(files.map(({ name }) => name)).to.have.members([
      'descriptor.ts',
      'types.ts',
      'cloud.ts',
      'common.ts',
      'protobuf.ts',
      'services.ts',
    ]);
  });

  it('is deterministic', async () => {
    expect(await generate()).to.deep.equal(await generate());
  });

  it('keeps wire names, and tells the members of a oneof apart', async () => {
    const text = textOf(await generate(), 'cloud.ts');
    expect(text).to.include("import type * as common from './common.js';");
    expect(text).to.include('readonly mtu?: string;');
    expect(text).to.include('readonly address?: common.Address | null;');
    expect(text).to.include('readonly kinds: readonly Port_Kind[];');
    expect(text).to.include('readonly peers: { readonly [key: string]: Port };');
    expect(text).to.include("export type Port_Kind = 'KIND_UNSPECIFIED' | 'KIND_HOST';");
    const common = textOf(await generate(), 'common.ts');
    expect(common).to.include("{ readonly value: 'v4'; readonly v4: number }");
    expect(common).to.include("{ readonly value: 'v6'; readonly v6: Uint8Array }");
  });

  it('tells paths and streams of the services', async () => {
    const text = textOf(await generate(), 'services.ts');
    expect(text).to.match(/path: '\/acme\.cloud\.v1\.Ports\/Watch',[^}]*responseStream: true/);
    expect(text).to.include("responseType: 'google.protobuf.Empty'");
  });

  it('a single package with numbers for enums has one module of types', async () => {
    const files = await generate(['proto/common.proto'], { enums: 'number', int64: 'long' });
    expect(files.map(({ name }) => name)).to.have.members(['descriptor.ts', 'types.ts']);
    expect(textOf(files, 'types.ts')).to.include(
      'export const Family = { FAMILY_UNSPECIFIED: 0, FAMILY_INET: 1 } as const;',
    );
  });

  it('names the file and line of a syntax error, and an import that is not there', async () => {
    writeFileSync(path.join(folder, 'bad.proto'), 'syntax = "proto3";\nmessage {');
    expect(await failure(() => generate(['bad.proto']))).to.match(/bad\.proto.*line 2/);
    writeFileSync(path.join(folder, 'lost.proto'), 'syntax = "proto3"; import "gone.proto";');
    expect(await failure(() => generate(['lost.proto']))).to.equal(
      'lost.proto: cannot find import gone.proto',
    );
  });

  it('finds what differs, is missing or is left over', async () => {
    const out = path.join(folder, 'out');
    const files = await generate();
    expect(compareOutput(out, files)).to.have.length(files.length);
    writeOutput(out, files);
    expect(compareOutput(out, files)).to.deep.equal([]);
    writeFileSync(path.join(out, 'types.ts'), '// edited by hand');
    writeFileSync(path.join(out, 'stale.ts'), '');
    expect(compareOutput(out, files)).to.deep.equal(
      ['types.ts', 'stale.ts'].map((name) => path.join(out, name)),
    );
    writeOutput(out, files);
    expect(compareOutput(out, files)).to.deep.equal([]);
    expect(readFileSync(path.join(out, 'types.ts'), 'utf8')).to.equal(textOf(files, 'types.ts'));
  });
});

function textOf(files: readonly { name: string; text: string }[], name: string): string {
  return files.find((file) => file.name === name)?.text ?? '';
}

async function failure(run: () => Promise<unknown>): Promise<string> {
  try {
    await run();
    return 'no failure';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
