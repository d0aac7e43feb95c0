/** What VS Code's language servers and linters would report, from the same checkers run here. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Diagnostic } from '../../../src/agent/ports.ts';
import type { Files } from '../../support/memory-ports.ts';
import { nodePackages, pythonTool } from './tools.ts';

/** A diagnostic with the checker's own name for its kind. */
export interface Checked extends Diagnostic {
  code: string;
}
export type Checker = (files: Files) => Checked[];

/** Objects of programs that are installed on demand, so that there are no types for them here; used in this file only. */
// biome-ignore lint/suspicious/noExplicitAny: see above
type Foreign = any;

const load = (name: string): Foreign => createRequire(join(nodePackages('checkers'), 'x.js'))(name);

/** Target es2021, strict, module commonjs, types [], as the data's README says. */
export function typescriptChecker(): Checker {
  const ts = load('typescript');
  const options = {
    target: ts.ScriptTarget.ES2021,
    module: ts.ModuleKind.CommonJS,
    strict: true,
    noEmit: true,
    types: [],
  };
  const base = ts.createCompilerHost(options);
  const libraries = new Map<string, unknown>();
  return files => {
    const host = {
      ...base,
      getCurrentDirectory: () => '/project',
      fileExists: (path: string) =>
        files.has(path.replace('/project/', '')) || path.includes('/typescript/lib/'),
      readFile: (path: string) => files.get(path.replace('/project/', '')) ?? base.readFile(path),
      getSourceFile(path: string, language: unknown) {
        const text = files.get(path.replace('/project/', ''));
        if (text !== undefined) return ts.createSourceFile(path, text, language, true);
        if (!libraries.has(path)) libraries.set(path, base.getSourceFile(path, language));
        return libraries.get(path);
      },
      directoryExists: (path: string) => '/project'.startsWith(path) || base.directoryExists(path),
    };
    const roots = [...files.keys()].filter(path => /\.[cm]?tsx?$/.test(path)).map(path => `/project/${path}`);
    const program = ts.createProgram(roots, options, host);
    return ts.getPreEmitDiagnostics(program).flatMap((one: Foreign): Checked[] => {
      if (!one.file) return [];
      const { line, character } = one.file.getLineAndCharacterOfPosition(one.start);
      return [
        {
          path: one.file.fileName.replace('/project/', ''),
          line: line + 1,
          column: character + 1,
          severity: one.category === ts.DiagnosticCategory.Error ? 'error' : 'information',
          message: ts.flattenDiagnosticMessageText(one.messageText, '\n'),
          source: 'ts',
          code: String(one.code),
        },
      ];
    });
  };
}

/** One rule with its options; `rule` null: only whether the file parses. */
export function eslintChecker(rule: string | null, ruleOptions: readonly unknown[]): Checker {
  const { Linter } = load('eslint');
  const linter = new Linter();
  linter.defineParser('@typescript-eslint/parser', load('@typescript-eslint/parser'));
  const config = {
    parser: '@typescript-eslint/parser',
    parserOptions: { sourceType: 'module', ecmaVersion: 2022 },
    rules: rule ? { [rule]: ['error', ...ruleOptions] } : {},
  };
  return files =>
    [...files].flatMap(([path, text]) =>
      linter.verify(text, config, { filename: path }).map(
        (one: Foreign): Checked => ({
          path,
          line: one.line ?? 1,
          column: one.column ?? 1,
          severity: 'error',
          message: one.message,
          source: 'eslint',
          code: one.fatal ? 'parse' : (one.ruleId ?? ''),
        }),
      ),
    );
}

type Shape = (report: Foreign, relative: (path: string) => string) => Checked[];

/** A checker that is a program: run in a scratch folder that holds the files. */
function program(command: string, args: string[], shape: Shape): Checker {
  return files => {
    const folder = mkdtempSync(join(tmpdir(), 'moebius-check-'));
    try {
      for (const [path, text] of files) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), text);
      }
      const names = [...files.keys()].filter(path => path.endsWith('.py'));
      const run = spawnSync(command, [...args, ...names], {
        cwd: folder,
        encoding: 'utf8',
        timeout: 120_000,
      });
      if (!run.stdout) throw new Error(`${command} reported nothing: ${run.error?.message ?? run.stderr}`);
      return shape(JSON.parse(run.stdout), path =>
        path.slice(path.indexOf(folder) < 0 ? 0 : path.indexOf(folder) + folder.length + 1),
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

export const pyrightChecker = (): Checker =>
  program(
    process.execPath,
    [join(nodePackages('checkers'), 'pyright', 'index.js'), '--outputjson'],
    (report, relative) =>
      report.generalDiagnostics.map((one: Foreign) => ({
        path: relative(one.file),
        line: one.range.start.line + 1,
        column: one.range.start.character + 1,
        severity: one.severity === 'information' ? 'information' : one.severity,
        message: one.message,
        source: 'pyright',
        code: one.rule ?? 'syntax',
      })),
  );

/** What the records' files break besides the problem that each is about. */
const PYLINT_OFF = 'missing-docstring,invalid-name,missing-final-newline,too-many-positional-arguments';

export const pylintChecker = (): Checker =>
  program(pythonTool('pylint'), ['--output-format=json', `--disable=${PYLINT_OFF}`], report =>
    report.map((one: Foreign) => ({
      path: one.path,
      line: one.line,
      column: one.column + 1,
      severity: /error|fatal/.test(one.type) ? 'error' : 'warning',
      message: one.message,
      source: 'pylint',
      code: one.symbol,
    })),
  );

/** With the preview rules: among them the white-space rules that the records are about. */
export const ruffChecker = (): Checker =>
  program(
    pythonTool('ruff'),
    ['check', '--preview', '--select', 'E,F,W', '--output-format', 'json', '--no-cache', '--exit-zero'],
    (report, relative) =>
      report.map((one: Foreign) => ({
        path: relative(one.filename),
        line: one.location.row,
        column: one.location.column,
        severity: one.code === null || /^E9|^F/.test(one.code) ? 'error' : 'warning',
        message: one.message,
        source: 'ruff',
        code: one.code ?? 'syntax',
      })),
  );
