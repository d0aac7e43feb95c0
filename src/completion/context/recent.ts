/** What the user has just done elsewhere: lines that were edited, and text that was copied. */
import type { ContextFile } from './context-file.ts';

const REMEMBERED_EDITS = 6;
/** Shown on each side of an edited line, so that it can be understood. */
export const EDIT_LINES = 3;
const LONGEST_CHARS = 1200;
/** Shorter copies are words, longer ones files. */
const COPY_CHARS = { least: 20, most: 1200 };

interface Edit extends ContextFile {
  line: number;
}

export class RecentWork {
  private edits: Edit[] = [];
  private copied: ContextFile | null = null;

  /** The document at `path` was edited at `line`; `text`: the lines around. Edits close to each other are one. */
  edited(path: string, line: number, text: string): void {
    const edit = { path, line, text: text.slice(0, LONGEST_CHARS) };
    const isSame = (other: Edit) => other.path === path && Math.abs(other.line - line) <= 2 * EDIT_LINES;
    this.edits = [edit, ...this.edits.filter(other => !isSame(other))].slice(0, REMEMBERED_EDITS);
  }

  copy(path: string, text: string): void {
    const { length } = text.trim();
    if (length >= COPY_CHARS.least && length <= COPY_CHARS.most) this.copied = { path, text };
  }

  /** For a cursor in `path`: what is of other files, oldest first. */
  filesFor(path: string): ContextFile[] {
    const edits = this.edits.filter(edit => edit.path !== path).reverse();
    const all: ContextFile[] = edits.map(({ path, text }) => ({ path, text }));
    if (this.copied && this.copied.path !== path) all.push(this.copied);
    return all;
  }
}
