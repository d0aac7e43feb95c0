/** For unit tests, imported before anything that imports `vscode`: documents and edits behave as in VS Code, what is shown is noted down. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import Module from 'node:module';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Position, Range, Selection } from './vscode-ranges.ts';

export { Position, Range };

export class Uri {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  static file = (path: string) => new Uri(pathToFileURL(path).href);
  static parse = (text: string) => new Uri(text);
  static joinPath = ({ fsPath }: Uri, ...parts: string[]) => Uri.file(join(fsPath, ...parts));
  get scheme(): string {
    return this.text.slice(0, this.text.indexOf(':'));
  }
  get path(): string {
    return new URL(this.text).pathname;
  }
  get fsPath(): string {
    return new URL(this.text).pathname;
  }
  toString(): string {
    return this.text;
  }
}
class EventEmitter<T> {
  readonly #listeners = new Set<(value: T) => void>();
  readonly event = (listener: (value: T) => void) => {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  };
  fire(value: T): void {
    for (const listener of [...this.#listeners]) listener(value);
  }
  dispose(): void {
    this.#listeners.clear();
  }
}

const changes = new EventEmitter<{ document: TextDocument; contentChanges: object[] }>();
const closed = new EventEmitter<TextDocument>();
const saved = new EventEmitter<TextDocument>();
const diagnosed = new EventEmitter<object>();
const active = new EventEmitter<TextEditor | undefined>();

export class TextDocument {
  readonly uri: Uri;
  readonly languageId: string;
  readonly encoding = 'utf8';
  readonly eol: number;
  isDirty = false;
  isClosed = false;
  /** As a read-only file. */
  isReadOnly = false;
  /** Counts its changes. */
  version = 1;
  #text: string;

  constructor(path: string, text = readFileSync(path, 'utf8')) {
    this.uri = Uri.file(path);
    this.languageId = path.endsWith('.py') ? 'python' : 'plaintext';
    this.#text = text;
    this.eol = text.includes('\r\n') ? 2 : 1;
  }

  get lineCount(): number {
    return this.#text.split('\n').length;
  }
  getText(range?: Range): string {
    return range ? this.#text.slice(this.offsetAt(range.start), this.offsetAt(range.end)) : this.#text;
  }
  lineAt(line: number) {
    const text = this.#text.split(/\r?\n/)[line]!;
    return { text, range: new Range(line, 0, line, text.length) };
  }
  positionAt(offset: number): Position {
    const lines = this.#text.slice(0, offset).split('\n');
    return new Position(lines.length - 1, lines.at(-1)!.length);
  }
  offsetAt({ line, character }: Position): number {
    const lines = this.#text.split('\n');
    if (line >= lines.length) return this.#text.length;
    return lines.slice(0, line).reduce((sum, text) => sum + text.length + 1, 0) + character;
  }
  validatePosition(position: Position): Position {
    return this.positionAt(this.offsetAt(position));
  }
  async save(): Promise<boolean> {
    writeFileSync(this.uri.fsPath, this.#text);
    this.isDirty = false;
    saved.fire(this);
    return true;
  }
  revert(): void {
    this.#text = readFileSync(this.uri.fsPath, 'utf8');
    this.isDirty = false;
  }
  /** Of one edit, all at once. Line ends become the document's, as in the editor. */
  apply(edits: { range: Range; text: string }[]): boolean {
    if (this.isReadOnly) return false;
    const eol = this.eol === 2 ? '\r\n' : '\n';
    const placed = edits
      .map(({ range, text }) => ({
        range,
        start: this.offsetAt(range.start),
        end: this.offsetAt(range.end),
        text: text.replace(/\r?\n/g, eol),
      }))
      .sort((a, b) => b.start - a.start);
    for (const { start, end, text } of placed)
      this.#text = this.#text.slice(0, start) + text + this.#text.slice(end);
    this.isDirty = true;
    this.version++;
    changes.fire({ document: this, contentChanges: placed.map(({ range, text }) => ({ range, text })) });
    return true;
  }
  /** What the user types, at an offset or in place of a range of them. */
  type(text: string, start: number, end = start): void {
    this.apply([{ range: new Range(this.positionAt(start), this.positionAt(end)), text }]);
  }
  /** What has changed on disk, as the editor takes it a moment later. */
  reload(): void {
    this.#text = readFileSync(this.uri.fsPath, 'utf8');
    this.version++;
    changes.fire({ document: this, contentChanges: [{ text: this.#text }] });
  }
  close(): void {
    this.isClosed = true;
    editor.documents.splice(editor.documents.indexOf(this), 1);
    closed.fire(this);
  }
}

interface Builder {
  replace(range: Range, text: string): void;
}
export class TextEditor {
  selection = new Selection(0, 0, 0, 0);
  /** Its tab was left; who edits it is refused, and only then told. */
  isGone = false;
  /** Options of each edit, for the steps of undo. */
  readonly edits: object[] = [];
  /** Ranges or options by the name of their type. */
  readonly decorations = new Map<string, unknown[]>();
  readonly document: TextDocument;
  constructor(document: TextDocument) {
    this.document = document;
  }
  get selections(): Selection[] {
    return [this.selection];
  }
  /** As in VS Code, true also where the document is read-only and nothing was changed. */
  async edit(build: (builder: Builder) => void, options: object): Promise<boolean> {
    if (this.isGone) {
      editor.shown = editor.shown.filter(one => one !== this);
      throw new Error('illegalArgument');
    }
    const edits: { range: Range; text: string }[] = [];
    build({ replace: (range, text) => edits.push({ range, text }) });
    this.edits.push(options);
    await undefined;
    this.document.apply(edits);
    return true;
  }
  setDecorations(type: { name: string }, ranges: unknown[]): void {
    this.decorations.set(type.name, ranges);
  }
  revealRange(): void {}
}

interface Pty {
  onDidWrite: (listener: (text: string) => void) => unknown;
  open(): void;
  close(): void;
}

/** What the tests see and set of it. */
export const editor = {
  documents: [] as TextDocument[],
  shown: [] as TextEditor[],
  contexts: {} as Record<string, unknown>,
  terminals: [] as { name: string; pty: Pty; written: string; shows: number }[],
  /** Notifications, with what a click on a button of theirs does. */
  informed: [] as { text: string; choose(button: string): void }[],
  /** Paths of the workspace, as they were opened. */
  folders: [] as string[],
  isTrusted: true,
  /** The user's, by their whole names. */
  settings: {} as Record<string, unknown>,
  /** The workspace's, likewise. */
  workspaceSettings: {} as Record<string, unknown>,
  warnings: [] as string[],
  /** What the user answers to one. */
  answerWarning: async (): Promise<string | undefined> => undefined,
  /** Paths that the user chooses in a file dialog. */
  picked: [] as string[],
  diagnostics: [] as [Uri, object[]][],
  /** What a language server finds in a file. */
  diagnose(uri: Uri, found: object[]): void {
    editor.diagnostics = [...editor.diagnostics.filter(([one]) => one !== uri), [uri, found]];
    diagnosed.fire({ uris: [uri] });
  },
  /** Paths that a search of the workspace finds, instead of those on disk. */
  found: [] as string[],
  notebooks: [] as { uri?: Uri; isDirty?: boolean; getCells(): object[] }[],
  /** Paths of the files in the editor's tabs. */
  tabs: [] as string[],
  /** What a language server knows of the name at a place. */
  definitionsAt: (_uri: Uri, _position: Position): object[] => [],
  /** What a language server knows of the structure of any file. */
  symbols: [] as object[],
  /** Opens a file, and shows it if it is to be active. */
  open(path: string, isShown = true): TextDocument {
    const document = new TextDocument(path);
    editor.documents.push(document);
    if (isShown) editor.show(document);
    return document;
  },
  show(document: TextDocument): TextEditor {
    const known = editor.shown.find(one => one.document === document);
    const shown = known ?? new TextEditor(document);
    editor.shown = [shown, ...editor.shown.filter(one => one !== shown)];
    active.fire(shown);
    return shown;
  },
  reset(): void {
    editor.documents.length = 0;
    editor.shown = [];
    editor.contexts = {};
    editor.terminals = [];
    editor.informed = [];
    editor.folders = [];
    editor.isTrusted = true;
    editor.settings = {};
    editor.workspaceSettings = {};
    editor.warnings = [];
    editor.answerWarning = async () => undefined;
    editor.picked = [];
    editor.diagnostics = [];
    editor.found = [];
    editor.notebooks = [];
    editor.tabs = [];
    editor.definitionsAt = () => [];
    editor.symbols = [];
  },
};

class TabInputText {
  readonly uri: Uri;
  constructor(uri: Uri) {
    this.uri = uri;
  }
}

class RelativePattern {
  readonly base: string;
  readonly glob: string;
  constructor(folder: Uri, glob: string) {
    this.base = folder.fsPath;
    this.glob = glob;
  }
}

class WorkspaceEdit {
  readonly byUri = new Map<string, { range: Range; text: string }[]>();
  replace(uri: Uri, range: Range, text: string): void {
    const key = uri.toString();
    this.byUri.set(key, [...(this.byUri.get(key) ?? []), { range, text }]);
  }
}

const vscode = {
  Position,
  Range,
  Selection,
  Uri,
  EventEmitter,
  RelativePattern,
  WorkspaceEdit,
  TabInputText,
  NotebookCellKind: { Markup: 1, Code: 2 },
  Location: class {
    readonly uri: Uri;
    readonly range: Range;
    constructor(uri: Uri, start: Position) {
      this.uri = uri;
      this.range = new Range(start, start);
    }
  },
  CancellationTokenSource: class {
    readonly token = {};
    cancel() {}
  },
  EndOfLine: { LF: 1, CRLF: 2 },
  ConfigurationTarget: { Global: 1, Workspace: 2 },
  FileType: { File: 1, Directory: 2 },
  SymbolKind: { Class: 4, Method: 5, Constructor: 8, Enum: 9, Interface: 10, Function: 11, Struct: 22 },
  DiagnosticSeverity: { Error: 0, Warning: 1, Information: 2, Hint: 3 },
  TextEditorRevealType: { InCenterIfOutsideViewport: 2 },
  ProgressLocation: { Window: 10, Notification: 15 },
  InlineCompletionTriggerKind: { Invoke: 0, Automatic: 1 },
  ThemeColor: class {},
  ThemeIcon: class {},
  CodeActionKind: { QuickFix: 'quickfix', RefactorRewrite: 'refactor.rewrite' },
  CodeAction: class {
    readonly title: string;
    constructor(title: string) {
      this.title = title;
    }
  },
  CodeLens: class {
    readonly range: Range;
    readonly command: { title: string };
    constructor(range: Range, command: { title: string }) {
      this.range = range;
      this.command = command;
    }
  },
  MarkdownString: class {
    value = '';
    appendCodeblock(text: string) {
      this.value += text;
      return this;
    }
  },
  workspace: {
    get textDocuments() {
      return editor.documents;
    },
    get notebookDocuments() {
      return editor.notebooks;
    },
    fs: {
      readFile: async (uri: Uri) => readFileSync(uri.fsPath),
      stat: async (uri: Uri) => {
        const stat = statSync(uri.fsPath);
        return { type: stat.isDirectory() ? 2 : 1, size: stat.size };
      },
    },
    /** Globs are `*` and all others. In the order of their paths, as far as `limit`. */
    async findFiles({ base, glob }: RelativePattern, _excluded: string, limit: number) {
      if (editor.found.length > 0) return editor.found.map(Uri.file);
      return readdirSync(base, { recursive: glob !== '*', encoding: 'utf8' })
        .map(name => join(base, name))
        .filter(path => statSync(path).isFile())
        .sort()
        .slice(0, limit)
        .map(Uri.file);
    },
    asRelativePath(uri: Uri): string {
      const folder = vscode.workspace.getWorkspaceFolder(uri)?.uri.fsPath;
      return folder ? uri.fsPath.slice(folder.length + 1) || folder : uri.fsPath;
    },
    /** The innermost, where one lies in another; of a folder itself that one. */
    getWorkspaceFolder(uri: Uri) {
      return vscode.workspace.workspaceFolders
        .filter(({ uri: { fsPath } }) => `${uri.fsPath}/`.startsWith(`${fsPath}/`))
        .sort((a, b) => b.uri.fsPath.length - a.uri.fsPath.length)[0];
    },
    decode: async (bytes: Buffer) => bytes.toString('utf8'),
    get isTrusted() {
      return editor.isTrusted;
    },
    get workspaceFolders() {
      return editor.folders.map((path, index) => ({ uri: Uri.file(path), name: basename(path), index }));
    },
    getConfiguration: (section: string) => ({
      get: (name: string, fallback: unknown) => {
        const [user, own] = [editor.settings, editor.workspaceSettings].map(all => all[`${section}.${name}`]);
        const isMerged = typeof user === 'object' && typeof own === 'object';
        return isMerged ? { ...user, ...own } : (own ?? user ?? fallback);
      },
      inspect: (name: string) => ({
        globalValue: editor.settings[`${section}.${name}`],
        workspaceValue: editor.workspaceSettings[`${section}.${name}`],
      }),
      async update(name: string, value: unknown, target: number) {
        (target === 1 ? editor.settings : editor.workspaceSettings)[`${section}.${name}`] = value;
      },
    }),
    registerTextDocumentContentProvider: () => ({ dispose() {} }),
    onDidChangeTextDocument: changes.event,
    onDidSaveTextDocument: saved.event,
    onDidCloseTextDocument: closed.event,
    onDidChangeWorkspaceFolders: new EventEmitter().event,
    onDidChangeConfiguration: new EventEmitter().event,
    createFileSystemWatcher() {
      const { event } = new EventEmitter();
      return { onDidChange: event, onDidCreate: event, onDidDelete: event, dispose() {} };
    },
    async openTextDocument(uri: Uri) {
      const open = editor.documents.find(document => document.uri.toString() === uri.toString());
      return open ?? editor.open(uri.fsPath, false);
    },
    async applyEdit({ byUri }: WorkspaceEdit) {
      const taken = [...byUri].map(([uri, edits]) =>
        editor.documents.find(document => document.uri.toString() === uri)?.apply(edits),
      );
      return taken.every(Boolean);
    },
  },
  window: {
    get tabGroups() {
      return { all: [{ tabs: editor.tabs.map(path => ({ input: new TabInputText(Uri.file(path)) })) }] };
    },
    get visibleTextEditors() {
      return editor.shown;
    },
    get activeTextEditor() {
      return editor.shown[0];
    },
    onDidChangeVisibleTextEditors: new EventEmitter().event,
    onDidChangeActiveTextEditor: active.event,
    createTextEditorDecorationType: (options: object) => ({
      name: 'after' in options ? 'removed' : 'added',
      dispose() {},
    }),
    showTextDocument: async (document: TextDocument) => editor.show(document),
    setStatusBarMessage() {},
    showOpenDialog: async () => editor.picked.map(Uri.file),
    withProgress: (_options: object, work: (progress: object, token: object) => Promise<unknown>) =>
      work({ report() {} }, { isCancellationRequested: false, onCancellationRequested() {} }),
    showInformationMessage: (text: string) =>
      new Promise<string>(choose => editor.informed.push({ text, choose })),
    async showWarningMessage(message: string) {
      editor.warnings.push(message);
      return editor.answerWarning();
    },
    createTerminal({ name, pty }: { name: string; pty: Pty }) {
      const terminal = { name, pty, written: '', shows: 0 };
      pty.onDidWrite(text => {
        terminal.written += text;
      });
      editor.terminals.push(terminal);
      return {
        // The editor opens it when it is shown for the first time.
        show: () => terminal.shows++ === 0 && pty.open(),
        dispose: () => pty.close(),
      };
    },
  },
  languages: {
    registerCodeLensProvider: () => ({ dispose() {} }),
    registerDocumentPasteEditProvider: () => ({ dispose() {} }),
    getDiagnostics: (uri?: Uri) =>
      uri
        ? editor.diagnostics.flatMap(([of, all]) => (of.toString() === uri.toString() ? all : []))
        : editor.diagnostics,
    onDidChangeDiagnostics: diagnosed.event,
  },
  commands: {
    async executeCommand(command: string, key: unknown, value: unknown) {
      if (command === 'setContext') editor.contexts[key as string] = value;
      if (command === 'vscode.executeDefinitionProvider')
        return editor.definitionsAt(key as Uri, value as Position);
      if (command === 'vscode.executeDocumentSymbolProvider') return editor.symbols;
      if (command === 'workbench.action.files.revert') editor.shown[0]?.document.revert();
    },
  },
};

// The editor's module exists only inside the editor.
const modules = Module as unknown as { _load(request: string, ...rest: unknown[]): unknown };
const load = modules._load;
modules._load = (request, ...rest) => (request === 'vscode' ? vscode : load(request, ...rest));
