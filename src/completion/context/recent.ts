/** What the user has just done elsewhere: lines that were edited, and text that was copied. */
import type { ContextFile } from './context-file.ts';

const REMEMBERED_EDITS = 6;
/** Shown on each side of an edited line, so that it can be understood. */
export const EDIT_LINES = 3;
const LONGEST_CHARS = 1200;
/** Shorter copies are words, longer ones files. */
const COPY_CHARS = { least: 20, most: 1200 };
/** A line this long says where a piece is from. */
const TELLING_CHARS = 8;

/** A document by its address, as two folders of a workspace may have the same path in them. */
interface Source {
  uri: string;
  path: string;
}
export interface RecentPiece extends ContextFile {
  uri: string;
}

export class RecentWork {
  private edits: (RecentPiece & { line: number })[] = [];
  private copied: RecentPiece | null = null;

  /** The document was edited at `line`; `text`: the lines around. Edits close to each other are one. */
  edited({ uri, path }: Source, line: number, text: string): void {
    const edit = { uri, path, line, text: text.slice(0, LONGEST_CHARS) };
    const isSame = (other: typeof edit) => other.uri === uri && Math.abs(other.line - line) <= 2 * EDIT_LINES;
    this.edits = [edit, ...this.edits.filter(other => !isSame(other))].slice(0, REMEMBERED_EDITS);
  }

  copy({ uri, path }: Source, text: string): void {
    const { length } = text.trim();
    if (length >= COPY_CHARS.least && length <= COPY_CHARS.most) this.copied = { uri, path, text };
  }

  /** For a cursor in the document `uri` of which the prompt shows `shown`: what that does not show, oldest first. */
  filesFor(uri: string, shown: string): RecentPiece[] {
    const isNews = (piece: RecentPiece) => fileOf(piece.uri) !== fileOf(uri) || !isShown(piece.text, shown);
    const edits = this.edits.map(({ uri, path, text }) => ({ uri, path, text })).reverse();
    return [...edits, ...(this.copied ? [this.copied] : [])].filter(isNews);
  }
}

/** Cells of a notebook have its address and a fragment; a prompt shows several. */
const fileOf = (uri: string): string => uri.replace(/#.*$/, '');

/** Any line of it that can be told from others. */
export const isShown = (piece: string, shown: string): boolean =>
  piece.split('\n').some(line => line.trim().length >= TELLING_CHARS && shown.includes(line.trim()));
