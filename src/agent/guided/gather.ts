/** Finds what a task is about: the files worth changing, best first, and the code that explains them. */

import { MoebiusError } from '../../base/errors.ts';
import { escapeRegExp } from '../../base/escape-regexp.ts';
import type { AgentOptions } from '../agent.ts';
import { enclosingBlock } from '../code/enclosing-block.ts';
import type { Diagnostic } from '../ports.ts';
import { functionsOf } from './bodies.ts';
import type { CheckReport, Frame } from './check-report.ts';
import { aboutOf } from './intent.ts';
import { codeNamesIn, namesIn } from './names.ts';
import type { CodeReference } from './prompts.ts';
import { type Clues, definedName, IMPORT_LINE, type Region, regionsOf } from './region.ts';
import { baseName, importedFiles, isCode, isTest, languageOf } from './source-paths.ts';

/** One place that may be rewritten. */
export interface Step {
  path: string;
  region: Region;
}
/** A function that a failing test leads to. */
export interface Suspect {
  path: string;
  name: string;
}
export interface Gathered {
  steps: Step[];
  /** Code of failing tests. */
  tests: CodeReference[];
  /** Functions that the failing tests run through or name, the most likely first. */
  suspects: Suspect[];
  /** Why the likeliest of the files that can't be read can't be; null: all of them can. */
  refusal: MoebiusError | null;
}

/** As many as a walk over a workspace gives: a file that the task names may be the last of them. */
const MAX_PATHS = 200_000;
const MAX_STEPS = 4;
const GREP_NAMES = 6;
const GREP_HITS = 20;
const TEST_LINES = 30;
const MAX_TESTS = 2;
/** Tests that are looked through for what they import. */
const MAX_TEST_FILES = 20;

export const workspacePaths = ({ ports, signal }: AgentOptions): Promise<string[]> =>
  ports.workspace.find('**/*', MAX_PATHS, signal);

/** `text` reads a file as it is now, with `\n` line ends. */
export async function gather(
  options: AgentOptions,
  paths: readonly string[],
  problems: readonly Diagnostic[],
  report: CheckReport | null,
  text: (path: string) => Promise<string>,
): Promise<Gathered> {
  const { task, news = '', context, ports, signal } = options;
  const frames = report?.frames ?? [];
  const tests = await failingTests(frames, text);
  const called = tests.flatMap(test => test.text.match(/[A-Za-z_$][\w$]*/g) ?? []);
  const asked = codeNamesIn(aboutOf(options));
  const names = [...asked, ...tests.flatMap(test => namesIn(test.text))];
  const scores = new Map<string, number>();
  const add = (path: string, score: number) => scores.set(path, (scores.get(path) ?? 0) + score);

  for (const { path } of problems) add(path, 20);
  if (context.openFile) add(context.openFile.path, problems.length > 0 ? 4 : 8);
  for (const path of paths) {
    if (mentions(task, path)) add(path, 10);
    else if (mentions(news, path)) add(path, 3);
  }
  for (const path of new Set(frames.map(frame => frame.path))) add(path, 6);
  const testFiles = [...new Set([...frames.map(frame => frame.path), ...paths])].filter(isTestCode);
  for (const path of report ? testFiles.slice(0, MAX_TEST_FILES) : []) {
    const isFailing = frames.some(frame => frame.path === path);
    const test = await text(path).catch(unreadable);
    if (test instanceof MoebiusError) continue;
    for (const imported of importedFiles(path, test, paths)) add(imported, isFailing ? 5 : 1);
  }
  for (const name of asked.slice(0, GREP_NAMES)) {
    const hits = await ports.workspace.grep({ pattern: name, isRegExp: false, limit: GREP_HITS }, signal);
    for (const hit of hits) if (definedName(hit.text) === name) add(hit.path, 4);
  }
  const wantsTests = /\b(?:write|add|extend|create)\b[^.]*\btests?\b/i.test(task);
  for (const path of scores.keys()) {
    const isAsked = wantsTests || problems.some(problem => problem.path === path);
    if (!isAsked && isTest(path)) scores.delete(path);
    // What no model of this size should rewrite unless it is told to: data, lock files, documents.
    else if (!isCode(path) && !mentions(task, path) && path !== context.openFile?.path) scores.delete(path);
  }
  for (const path of newFiles(task, paths)) add(path, 12);
  const ranked = [...scores].sort(([, a], [, b]) => b - a).map(([path]) => path);

  const steps: Step[] = [];
  const suspects: Suspect[] = [];
  let files = 0;
  let refusal: MoebiusError | null = null;
  for (const path of ranked) {
    if (files === MAX_STEPS) break;
    const stored = await text(path).catch(unreadable);
    if (stored instanceof MoebiusError) {
      refusal ??= stored;
      continue;
    }
    files++;
    const lines = stored.split('\n');
    const regions = regionsOf(lines, cluesFor(path, options, problems, frames, names));
    for (const region of regions) steps.push({ path, region });
    if (report) suspects.push(...suspectsIn(path, lines, frames, called));
  }
  return { steps: steps.slice(0, MAX_STEPS), tests, suspects, refusal };
}

const isTestCode = (path: string): boolean => isTest(path) && isCode(path);

/**
 * What is read only to understand a task, or only looks as if the task were about it, is passed over where it can't be read: a
 * binary file, a secret, a link that leads out. Throws everything else on.
 */
function unreadable(error: unknown): MoebiusError {
  if (error instanceof MoebiusError && error.code !== 'cancelled') return error;
  throw error;
}

/** Where an error was thrown is nearer to the fault than what a test calls. */
function suspectsIn(
  path: string,
  lines: readonly string[],
  frames: readonly Frame[],
  names: readonly string[],
): Suspect[] {
  const functions = functionsOf(lines);
  const places = frames.filter(frame => frame.path === path).map(frame => frame.line - 1);
  const run = places.flatMap(at => functions.find(({ first, last }) => first <= at && at <= last) ?? []);
  const named = names.flatMap(name => functions.find(one => one.name === name) ?? []);
  return [...new Set([...run, ...named].map(({ name }) => name))].map(name => ({ path, name }));
}

/** Files that a task wants and that are not there yet. */
function newFiles(task: string, paths: readonly string[]): string[] {
  if (!/\b(?:create|add|write|new|make|put|save)\b/i.test(task)) return [];
  const named = task.match(/(?<![\w./:-])[\w-][\w./-]*\.\w{1,6}\b/g) ?? [];
  return named.filter(
    path => isCode(path) && !paths.some(known => known === path || known.endsWith(`/${path}`)),
  );
}

function cluesFor(
  path: string,
  { context: { openFile } }: AgentOptions,
  problems: readonly Diagnostic[],
  frames: readonly Frame[],
  names: readonly string[],
): Clues {
  const selected = openFile?.path === path && openFile.selection ? [openFile.selection.startLine] : [];
  const lines = [...problems, ...frames].filter(place => place.path === path).map(place => place.line);
  return { lines: [...lines, ...selected].map(line => line - 1), names };
}

/** A task names a file by its path or, when that is telling enough, by its name. */
function mentions(task: string, path: string): boolean {
  const name = baseName(path);
  // Asked of every file of the workspace, so what is cheap comes first.
  if (!task.includes(name)) return false;
  return (
    task.includes(path) ||
    (name.includes('.') && new RegExp(`(?<![\\w./-])${escapeRegExp(name)}(?![\\w-])`).test(task))
  );
}

/** The tests around the frames: what they call and expect says more than the runner's message. */
async function failingTests(
  frames: readonly Frame[],
  text: (path: string) => Promise<string>,
): Promise<CodeReference[]> {
  const found = new Map<string, CodeReference>();
  for (const { path, line } of frames.filter(frame => isTest(frame.path))) {
    if (found.size === MAX_TESTS) break;
    const test = await text(path).catch(unreadable);
    if (test instanceof MoebiusError) continue;
    const lines = test.split('\n');
    const block = enclosingBlock(lines, Math.min(line, lines.length) - 1);
    if (!block) continue;
    const first = Math.max(block.first, line - TEST_LINES);
    const last = Math.min(block.last, first + TEST_LINES - 1);
    const body = lines.slice(first, last + 1);
    const shown = [...sharedData(lines, body), ...body].join('\n');
    found.set(`${path}:${first}`, {
      path,
      label: `Failing test, ${path}`,
      language: languageOf(path),
      text: shown,
    });
  }
  return [...found.values()];
}

const ASSIGNMENT = /^(?:export\s+)?(?:const\s+|let\s+|var\s+)?([A-Za-z_$][\w$]*)\s*(?::[^=]+)?=(?![=>])/;
const DATA_LINES = 10;

/** What a test takes from the top of its file: without its input a failure can't be understood. */
function sharedData(lines: readonly string[], body: readonly string[]): string[] {
  const used = new Set(namesIn(body.join('\n')));
  return lines.flatMap((line, index) => {
    const name = ASSIGNMENT.exec(line)?.[1];
    if (name === undefined || !used.has(name) || IMPORT_LINE.test(line) || body.includes(line)) return [];
    const after = lines.slice(index + 1, index + DATA_LINES);
    const end = after.findIndex(
      next => ASSIGNMENT.test(next) || /^(?:def|class|function|async|test|describe|it|@)/.test(next),
    );
    return [
      line,
      ...(end < 0 ? after : after.slice(0, end)).filter((_, at, all) =>
        all.slice(at).some(rest => rest.trim() !== ''),
      ),
    ];
  });
}

/** Some 900 tokens: what a small model takes in of a list of examples. */
const SPEC_CHARS = 3000;
const MAX_SPECS = 2;

/** The tests of a file, as far as they are read: they say what its functions are to do. */
export async function specsOf(
  path: string,
  paths: readonly string[],
  read: (path: string) => Promise<string>,
): Promise<CodeReference[]> {
  const specs: CodeReference[] = [];
  for (const test of paths.filter(isTestCode)) {
    if (specs.length === MAX_SPECS) break;
    const text = await read(test).catch(unreadable);
    if (text instanceof MoebiusError || !importedFiles(test, text, paths).includes(path)) continue;
    const short = text.length <= SPEC_CHARS ? text : text.slice(0, text.lastIndexOf('\n', SPEC_CHARS));
    specs.push({ path: test, label: `Tests, ${test}`, language: languageOf(test), text: short.trim() });
  }
  return specs;
}

const SMALL_FILE_LINES = 40;
const DEFINITIONS = 4;

/** What other files define of the names that `code` uses: small ones whole, of others the definitions. */
export async function relatedCode(
  path: string,
  text: string,
  code: string,
  paths: readonly string[],
  read: (path: string) => Promise<string>,
): Promise<CodeReference[]> {
  const used = new Set(namesIn(code));
  const references: CodeReference[] = [];
  for (const other of importedFiles(path, text, paths)) {
    const stored = await read(other).catch(unreadable);
    if (stored instanceof MoebiusError) continue;
    const lines = stored.split('\n');
    const language = languageOf(other);
    if (lines.length <= SMALL_FILE_LINES) {
      references.push({
        path: other,
        label: `${other} (for reference)`,
        language,
        text: lines.join('\n').trim(),
      });
      continue;
    }
    const at = lines.flatMap((line, index) => (used.has(definedName(line) ?? '') ? [index] : []));
    const blocks = at.slice(0, DEFINITIONS).map(index => enclosingBlock(lines, index));
    const parts = blocks
      .filter(block => block !== null)
      .map(({ first, last }) => lines.slice(first, Math.min(last + 1, first + TEST_LINES)));
    if (parts.length > 0) {
      references.push({
        path: other,
        label: `From ${other} (for reference)`,
        language,
        text: parts.map(part => part.join('\n')).join('\n\n'),
      });
    }
  }
  return references;
}
