/** Which files of a hub's repository a model is made of, as the hub lists them for one revision. */
import { z } from 'zod';
import { MoebiusError } from '../base/errors.ts';
import { hubInfoUrl, hubListUrl } from './catalogue.ts';
import { downloadJson } from './download-json.ts';

export interface HubFile {
  /** A plain name in the repository's root. */
  name: string;
  sizeBytes: number;
  /** Large files by sha256 of their content, small ones by git's own hash of a blob. */
  hash: { kind: 'sha256' | 'git-blob'; hex: string };
}

export interface HubFiles {
  repository: string;
  /** Commit that all files are of, however long their download takes. */
  revision: string;
  files: HubFile[];
}

/** What conversion reads. Other weights there may be (`original/`, `consolidated.safetensors`) are the same ones again. */
const WEIGHTS = /^model(-\d{5}-of-\d{5})?\.safetensors$/;
const OTHERS = [
  'config.json',
  'generation_config.json',
  'model.safetensors.index.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
];
const NEEDED = ['config.json', 'tokenizer.json'];

const commit = z.string().regex(/^[0-9a-f]{40}$/);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const size = z
  .int()
  .nonnegative()
  .max(2 ** 50);

const infoSchema = z.object({ sha: commit });
const listSchema = z
  .array(
    z.object({
      type: z.string(),
      path: z.string(),
      oid: commit,
      size,
      lfs: z.object({ oid: sha256, size }).nullish(),
    }),
  )
  .max(10_000);

/** Asks the hub. Throws `download-failed` if it can't be reached, its answer is not one, or files are missing. */
export async function listHubFiles(repository: string, signal?: AbortSignal): Promise<HubFiles> {
  const info = read(infoSchema, await downloadJson(hubInfoUrl(repository), signal), repository);
  const list = read(listSchema, await downloadJson(hubListUrl(repository, info.sha), signal), repository);
  const files = list
    .filter(({ type, path }) => type === 'file' && (OTHERS.includes(path) || WEIGHTS.test(path)))
    .map(({ path, size, oid, lfs }): HubFile => {
      if (lfs) return { name: path, sizeBytes: lfs.size, hash: { kind: 'sha256', hex: lfs.oid } };
      return { name: path, sizeBytes: size, hash: { kind: 'git-blob', hex: oid } };
    });
  const missing = NEEDED.filter(name => files.every(file => file.name !== name));
  if (!files.some(file => WEIGHTS.test(file.name))) missing.push('model.safetensors');
  if (missing.length > 0) throw unusable(repository, `it has no ${missing.join(', ')}`);
  return { repository, revision: info.sha, files };
}

const filesSchema: z.ZodType<HubFiles> = z.strictObject({
  repository: z.string(),
  revision: commit,
  files: z
    .array(
      z.strictObject({
        name: z.string().refine(name => OTHERS.includes(name) || WEIGHTS.test(name)),
        sizeBytes: size,
        hash: z.discriminatedUnion('kind', [
          z.strictObject({ kind: z.literal('sha256'), hex: sha256 }),
          z.strictObject({ kind: z.literal('git-blob'), hex: commit }),
        ]),
      }),
    )
    .min(1),
});

/** A list that was kept, checked; null if it is damaged or of another repository. */
export function parseHubFiles(text: string, repository: string): HubFiles | null {
  try {
    const { success, data } = filesSchema.safeParse(JSON.parse(text));
    return success && data.repository === repository ? data : null;
  } catch {
    return null;
  }
}

function read<T>(schema: z.ZodType<T>, json: unknown, repository: string): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw unusable(repository, `the hub's list is not as expected (${issue.path.join('.')}: ${issue.message})`);
}

const unusable = (repository: string, problem: string): MoebiusError =>
  new MoebiusError('download-failed', `${repository} can't be used: ${problem}.`);
