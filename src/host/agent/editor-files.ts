/** The files of the workspace as the editor shows them: unsaved text where there is some, else what is on disk. */
import type { WorkspacePort } from '../../agent/ports.ts';
import { MoebiusError } from '../../base/errors.ts';
import type { FileState, FileStates } from '../../workspace/checkpoints.ts';
import { decodeText, encodeText } from '../../workspace/encoding.ts';
import { readState } from '../../workspace/file-set.ts';
import type { ResolvedPath, WorkspaceFolders } from '../../workspace/folders.ts';
import { nodeFileStates } from '../../workspace/node-edits.ts';
import { NodeWorkspace, versionOf } from '../../workspace/node-workspace.ts';
import { editDocument, refuseUnsavedNotebook, unsavedDocument, wholeText } from './documents.ts';

/** Of unsaved text; never that of a file, so that an edit made for one is not applied to the other. */
export const unsavedVersion = (text: string): string => `unsaved-${versionOf(Buffer.from(text))}`;

/** Lists and searches look at the disk; what is read of a file is its unsaved text. */
export function editorWorkspace(folders: WorkspaceFolders): WorkspacePort {
  const disk = new NodeWorkspace(folders);
  return {
    list: (path, options) => disk.list(path, options),
    find: (glob, limit, signal) => disk.find(glob, limit, signal),
    grep: (query, signal) => disk.grep(query, signal),
    leadsAway: path => disk.leadsAway(path),
    isIgnored: folder => disk.isIgnored(folder),
    gitRisk: (folder, comparesFiles, signal) => disk.gitRisk(folder, comparesFiles, signal),
    async read(path, signal) {
      // From disk first: what may not be read there may not be read here either.
      const file = await disk.read(path, signal);
      const text = (await unsavedDocument(await folders.resolve(path)))?.getText();
      return text === undefined ? file : { ...file, text, version: unsavedVersion(text) };
    },
  };
}

/** The bytes that saving this text would write over `stored`. */
export function bytesOf(text: string, stored: NonNullable<FileState>, path: string): Uint8Array {
  return encodeText({ ...decodeText(stored.bytes, path), text });
}

/** For the checkpoints: an unsaved document is put back in the editor, and stays unsaved. */
export class EditorFileStates implements FileStates {
  readonly #folders: WorkspaceFolders;
  readonly #disk: FileStates;

  constructor(folders: WorkspaceFolders) {
    this.#folders = folders;
    this.#disk = nodeFileStates(folders);
  }

  async read(path: string): Promise<FileState> {
    return currentState(await this.#folders.resolve(path));
  }

  async write(states: ReadonlyMap<string, FileState>): Promise<void> {
    const onDisk = new Map<string, FileState>();
    const inEditor: (() => Promise<boolean>)[] = [];
    for (const [path, state] of states) {
      const target = await this.#folders.resolve(path);
      await refuseUnsavedNotebook(target);
      const document = state && (await unsavedDocument(target));
      if (!document) onDisk.set(path, state);
      else {
        const { text } = decodeText(state.bytes, path);
        inEditor.push(() => editDocument(document, [wholeText(document, text)]));
      }
    }
    await this.#disk.write(onDisk);
    for (const edit of inEditor) {
      if (!(await edit()))
        throw new MoebiusError('busy', 'The editor did not accept the change of an unsaved file.');
    }
  }
}

export async function currentState(target: ResolvedPath): Promise<FileState> {
  const stored = await readState(target);
  const document = stored && (await unsavedDocument(target));
  return document ? { ...stored, bytes: bytesOf(document.getText(), stored, target.path) } : stored;
}
