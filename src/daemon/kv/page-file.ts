/**
 * A page of keys and values as a file:
 *
 *   "MOEBKV1\n"   8 bytes
 *   length        u32, little-endian: of the header
 *   header        JSON: where the page belongs, the tokens of its rows and the experts that read them, its blocks
 *   blocks        their bytes, one after the other, in the header's order
 *   checksum      SHA-256 of everything before it
 *
 * The blocks are whatever the engine gave (engine/kv-pages.ts); nothing here knows what a model's cache looks like.
 */
import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, open, readFile, rename, rm, stat } from 'node:fs/promises';
import * as z from 'zod/mini';
import { MoebiusError } from '../../base/errors.ts';
import { KV_PAGE_ROWS, type KvPage } from '../../engine/kv-pages.ts';
import { ALL_EXPERTS, type CachedRows } from '../../engine/read-plan.ts';

const MAGIC = Buffer.from('MOEBKV1\n');
const PREFIX_BYTES = MAGIC.length + 4;
const CHECKSUM_BYTES = 32;
/** Some 5 KB are usual; the rest is for models of many layers. */
const MAX_HEADER_BYTES = 1 << 20;
/** 256 rows of the largest models that run on a desktop machine take about 100 MB. */
export const MAX_FILE_BYTES = 512 * 1024 * 1024;
const NUMBER_BYTES = { f32: 4, f16: 2 };

const count = z.int().check(z.gte(1), z.lte(2 ** 31));
const hash = z.string().check(z.regex(/^[0-9a-f]{64}$/));
const row = z.int().check(z.gte(0), z.lte(2 ** 31));
const headerSchema = z.object({
  parent: hash,
  tokens: z.array(row).check(z.minLength(1), z.maxLength(KV_PAGE_ROWS)),
  /** null: all of them. */
  experts: z.array(z.nullable(z.number().check(z.gte(0)))),
  blocks: z.array(z.object({ name: z.string(), type: z.enum(['f32', 'f16']), rows: count, rowSize: count })),
});
type Header = z.infer<typeof headerSchema>;

/** What a page holds and what it follows, without its numbers. */
export interface PageInfo extends CachedRows {
  /** Key of the page before it, or of the model for a first page. */
  parent: string;
}

/** Name of a page: it tells the model, every token up to the page's end, and by how many experts each was read. */
export function pageKey({ parent, tokens, experts }: PageInfo): string {
  return createHash('sha256')
    .update(JSON.stringify([parent, tokens, experts.map(plain)]))
    .digest('hex');
}

/** Writes the file whole or not at all; only the user can read it. */
export async function writePage(path: string, parent: string, page: KvPage): Promise<void> {
  const { tokens, blocks } = page;
  const layout = blocks.map(({ name, type, rows, rowSize }) => ({ name, type, rows, rowSize }));
  const header: Header = { parent, tokens, experts: page.experts.map(plain), blocks: layout };
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  const parts = [MAGIC, length, json, ...blocks.map(({ data }) => data)];
  const checksum = createHash('sha256');
  for (const part of parts) checksum.update(part);
  const partial = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(partial, 'w', 0o600);
    try {
      for (const part of [...parts, checksum.digest()]) await file.writeFile(part);
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** What the file says it holds. Throws `format-invalid` unless it is a page and as long as it says. */
export async function readPageInfo(path: string): Promise<PageInfo> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const prefix = await readBytes(file, 0, PREFIX_BYTES);
    const headerBytes = headerLength(prefix);
    return parseHeader(await readBytes(file, PREFIX_BYTES, headerBytes), size).info;
  } finally {
    await file.close();
  }
}

/** The whole page. Throws `format-invalid` if one bit of it is wrong. */
export async function readPage(path: string): Promise<PageInfo & KvPage> {
  const { size } = await stat(path);
  if (size > MAX_FILE_BYTES) throw invalid(`it has ${size} bytes`);
  const bytes = await readFile(path);
  const body = bytes.subarray(0, -CHECKSUM_BYTES);
  const headerBytes = headerLength(bytes);
  const { info, layout } = parseHeader(
    bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + headerBytes),
    bytes.length,
  );
  if (!createHash('sha256').update(body).digest().equals(bytes.subarray(body.length))) {
    throw invalid('its checksum is wrong');
  }
  let at = PREFIX_BYTES + headerBytes;
  const blocks = layout.map(block => {
    const data = bytes.subarray(at, at + bytesOf(block));
    at += data.length;
    return { ...block, data };
  });
  return { ...info, blocks };
}

function headerLength(prefix: Buffer): number {
  if (prefix.length < PREFIX_BYTES || !prefix.subarray(0, MAGIC.length).equals(MAGIC))
    throw invalid('it is no page');
  const length = prefix.readUInt32LE(MAGIC.length);
  if (length > MAX_HEADER_BYTES) throw invalid(`its header has ${length} bytes`);
  return length;
}

function parseHeader(json: Buffer, fileBytes: number): { info: PageInfo; layout: Header['blocks'] } {
  let value: unknown;
  try {
    value = JSON.parse(json.toString('utf8'));
  } catch {
    throw invalid('its header is no JSON');
  }
  const parsed = z.safeParse(headerSchema, value);
  if (!parsed.success) throw invalid('its header is another');
  const { parent, tokens, experts, blocks } = parsed.data;
  if (experts.length !== tokens.length) throw invalid('its header is another');
  const expected = blocks.reduce(
    (sum, block) => sum + bytesOf(block),
    PREFIX_BYTES + json.length + CHECKSUM_BYTES,
  );
  if (fileBytes !== expected) throw invalid(`it has ${fileBytes} bytes instead of ${expected}`);
  return { info: { parent, tokens, experts: experts.map(k => k ?? ALL_EXPERTS) }, layout: blocks };
}

async function readBytes(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
  return buffer.subarray(0, bytesRead);
}

const bytesOf = ({ type, rows, rowSize }: Header['blocks'][number]): number =>
  rows * rowSize * NUMBER_BYTES[type];

/** JSON knows no infinity. */
const plain = (experts: number): number | null => (experts === ALL_EXPERTS ? null : experts);

const invalid = (problem: string): MoebiusError =>
  new MoebiusError('format-invalid', `A saved page of keys and values is damaged: ${problem}.`);
