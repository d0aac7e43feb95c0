import type * as vscode from 'vscode';

/** A place that probably needs an edit next, and what it becomes. */
export interface Place {
  document: vscode.TextDocument;
  range: vscode.Range;
  text: string;
  /** The place after this one, once this one was taken. */
  next(signal: AbortSignal): Promise<Place | null>;
}
