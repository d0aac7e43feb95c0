/** All tools, in the order in which the model reads of them. The order never changes: it is part of every prompt's cached beginning. */
import { askUser } from './ask-user.ts';
import { commandOutput } from './command-output.ts';
import { editFile } from './edit-file.ts';
import { findFiles } from './find-files.ts';
import { getDiagnostics } from './get-diagnostics.ts';
import { grep } from './grep.ts';
import { listDir } from './list-dir.ts';
import { readFile } from './read-file.ts';
import { runCommand } from './run-command.ts';
import { taskDone } from './task-done.ts';
import { todo } from './todo.ts';
import type { Tool } from './tool.ts';
import { writeFile } from './write-file.ts';

export const TOOLS: readonly Tool[] = [
  readFile,
  listDir,
  findFiles,
  grep,
  editFile,
  writeFile,
  runCommand,
  commandOutput,
  getDiagnostics,
  todo,
  askUser,
  taskDone,
];
