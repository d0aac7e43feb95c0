/** What somebody wants attached, before it is read. */
export type AttachmentRequest =
  | { kind: 'selection' }
  | { kind: 'problems' }
  /** What a checker says of one place. */
  | { kind: 'problem'; label: string; text: string }
  /** A file or folder, workspace-relative, as the page's list shows it. */
  | { kind: 'path'; path: string }
  /** The symbol that begins at a line (from 1) of a file. */
  | { kind: 'symbol'; path: string; line: number }
  /** URIs from a drag; only inside the workspace. */
  | { kind: 'dropped'; uris: string[] }
  /** A file that a command of ours names. */
  | { kind: 'file'; fsPath: string }
  /** Text that a command of ours gives, e.g. the terminal's selection. */
  | { kind: 'text'; label: string; text: string; language?: string }
  /** Files that the user picks in a dialog. */
  | { kind: 'pick' };
