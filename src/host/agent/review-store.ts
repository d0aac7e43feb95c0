/**
 * Changes of the agent that are not decided about, in one file of the extension's own: a reload of the window must not decide about
 * them. No `vscode` in here.
 */
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod/mini';
import { Mutex } from '../../base/mutex.ts';

export interface Review {
  /** The file before the agent's changes that are not decided about, with `\n` line ends. */
  before: string;
  /** The agent's changes. */
  keys: ReadonlySet<string>;
}

/** Of all of it; what was changed longest ago is forgotten first. */
const MAX_CHARS = 8_000_000;

const stored = z.array(z.object({ uri: z.string(), before: z.string(), keys: z.array(z.string()) }));

export class ReviewStore {
  readonly #path: string;
  readonly #mutex = new Mutex();
  #saves = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** By URI. Files that are gone are left out; a file that is damaged holds nothing. */
  async load(): Promise<Map<string, Review>> {
    const text = await readFile(this.#path, 'utf8').catch(() => '[]');
    const parsed = stored.safeParse(jsonOf(text));
    const reviews = new Map<string, Review>();
    for (const { uri, before, keys } of parsed.success ? parsed.data : []) {
      if (await isThere(uri)) reviews.set(uri, { before, keys: new Set(keys) });
    }
    return reviews;
  }

  /** Rejects with the file system's error. Of several calls in a row the last one counts. */
  save(reviews: ReadonlyMap<string, Review>): Promise<void> {
    const save = ++this.#saves;
    return this.#mutex.run(async () => {
      if (save !== this.#saves) return;
      const list = [...reviews].map(([uri, { before, keys }]) => ({ uri, before, keys: [...keys] }));
      await mkdir(dirname(this.#path), { recursive: true });
      await writeFile(`${this.#path}.part`, JSON.stringify(fitting(list)), { mode: 0o600 });
      await rename(`${this.#path}.part`, this.#path);
    });
  }
}

type Stored = z.infer<typeof stored>;

/** The newest stand last. */
function fitting(list: Stored): Stored {
  let left = MAX_CHARS;
  const first = list.findLastIndex(({ before, keys }) => {
    left -= before.length + keys.reduce((sum, key) => sum + key.length, 0);
    return left < 0;
  });
  return list.slice(first + 1);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** What is no file on disk is no review either. */
async function isThere(uri: string): Promise<boolean> {
  try {
    return (await stat(fileURLToPath(uri))).isFile();
  } catch {
    return false;
  }
}
