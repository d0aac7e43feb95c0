/**
 * Chats on disk: `<folder>/<id>.jsonl`, one event a line, only ever appended to. Written synchronously: a line is a few
 * hundred bytes, and once the call returns it survives the end of this process, however that comes. The oldest chats go when there are
 * too many of them or they take too much room.
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import { open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  parseEvents,
  readTranscript,
  type Transcript,
  type TranscriptEvent,
} from '../../agent/transcript.ts';
import type { ChatEntry } from '../../protocol/webview.ts';

/** The `chat` event is the first line and holds the title, so a list needs no more of a file than this. */
const HEAD_BYTES = 4096;
/** Of all chats of a workspace. What is kept is also listed and searched, so there are not more than that takes moments for. */
const LIMITS = { chats: 300, bytes: 100_000_000 };
/** Of what may grow, and at most does to the cap. */
export interface DiskUse {
  sizeBytes: number;
  capBytes: number;
}
const CHAT_ID = /^[a-z0-9-]{8,64}$/;

export class ChatStore {
  readonly #folder: string;
  /** Files that this process has written to: their last line is whole. */
  readonly #begun = new Set<string>();
  /** What still comes for these, e.g. of a program that runs on, is for nobody. */
  readonly #deleted = new Set<string>();
  readonly #limits: typeof LIMITS;

  constructor(folder: string, limits = LIMITS) {
    this.#folder = folder;
    this.#limits = limits;
  }

  /** @throws the file system's error, e.g. ENOSPC or EROFS */
  append(chatId: string, event: TranscriptEvent): void {
    if (this.#deleted.has(chatId)) return;
    // Begins with a line end when an earlier process may have left a torn line.
    const start = this.#begun.has(chatId) || event.type === 'chat' ? '' : '\n';
    mkdirSync(this.#folder, { recursive: true });
    appendFileSync(this.#path(chatId), `${start}${JSON.stringify(event)}\n`);
    this.#begun.add(chatId);
  }

  /** null when there is no such chat. */
  async load(chatId: string): Promise<Transcript | null> {
    const lines = await readFile(this.#path(chatId), 'utf8').catch(() => null);
    return lines === null ? null : readTranscript(chatId, lines);
  }

  async delete(chatId: string): Promise<void> {
    const path = this.#path(chatId);
    this.#deleted.add(chatId);
    this.#begun.delete(chatId);
    await rm(path, { force: true });
  }

  /** Newest first; with a query, those whose title or messages contain it. */
  async list(query = ''): Promise<ChatEntry[]> {
    const newest = (await this.#newest()).slice(0, this.#limits.chats);
    const needle = query.trim().toLowerCase();
    const entries: ChatEntry[] = [];
    for (const { id, changedAt } of newest) {
      const title = needle === '' ? await this.#title(id) : await this.#matchingTitle(id, needle);
      if (title !== null) entries.push({ id, title, changedAt });
    }
    return entries;
  }

  /** What all of them take on disk. */
  async use(): Promise<DiskUse> {
    const chats = await this.#newest();
    const sizeBytes = chats.reduce((sum, chat) => sum + chat.sizeBytes, 0);
    return { sizeBytes, capBytes: this.#limits.bytes };
  }

  /**
   * Deletes those for which the limits leave no room beside the newer ones. Those that are open come first, and stay whatever they take:
   * one for which there is no room is not counted, since no deletion makes it fit.
   */
  async prune(isOpen: (chatId: string) => boolean): Promise<void> {
    const chats = await this.#newest();
    const open = chats.filter(({ id }) => isOpen(id));
    let [count, bytes] = [0, 0];
    for (const { id, sizeBytes } of [...open, ...chats.filter(chat => !open.includes(chat))]) {
      if (count < this.#limits.chats && bytes + sizeBytes <= this.#limits.bytes) {
        count++;
        bytes += sizeBytes;
      } else if (!isOpen(id)) await this.delete(id);
    }
  }

  /** @throws RangeError for an id that is not one of ours, e.g. one with a path in it */
  #path(chatId: string): string {
    if (!CHAT_ID.test(chatId)) throw new RangeError(`Not a chat id: ${JSON.stringify(chatId)}`);
    return join(this.#folder, `${chatId}.jsonl`);
  }

  async #newest(): Promise<{ id: string; changedAt: number; sizeBytes: number }[]> {
    const names = await readdir(this.#folder).catch(() => []);
    const ids = names.filter(name => name.endsWith('.jsonl')).map(name => name.slice(0, -'.jsonl'.length));
    const found = ids
      .filter(id => CHAT_ID.test(id))
      .map(async id => {
        const stats = await stat(this.#path(id)).catch(() => null);
        return { id, changedAt: stats?.mtimeMs ?? 0, sizeBytes: stats?.size ?? 0 };
      });
    return (await Promise.all(found)).sort((a, b) => b.changedAt - a.changedAt);
  }

  async #title(id: string): Promise<string | null> {
    const file = await open(this.#path(id)).catch(() => null);
    if (!file) return null;
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      const first = parseEvents(buffer.toString('utf8', 0, bytesRead).split('\n', 1)[0]!)[0];
      return first?.type === 'chat' ? first.title : null;
    } finally {
      await file.close();
    }
  }

  async #matchingTitle(id: string, needle: string): Promise<string | null> {
    const transcript = await this.load(id);
    if (!transcript?.title) return null;
    const texts = [transcript.title, ...transcript.entries.map(entry => entry.text)];
    return texts.some(text => text.toLowerCase().includes(needle)) ? transcript.title : null;
  }
}
