/** The polyglot exercises, two tries: instructions and a stub first, the tests hidden; then the tests are there to be run. */
import { join } from 'node:path';
import type { Files } from '../../support/memory-ports.ts';
import { readRecords } from '../records.ts';
import { runFiles } from '../sandbox.ts';
import type { AgentCase, Try } from './case.ts';
import { nodePackages } from './tools.ts';

interface PolyglotRecord {
  id: string;
  exercise: string;
  instructions: string;
  stub: Record<string, string>;
  tests: Record<string, string>;
}

export const POLYGLOT = {
  'agent-polyglot-python': 'polyglot_python.jsonl',
  'agent-polyglot-javascript': 'polyglot_javascript.jsonl',
} as const;
type Suite = keyof typeof POLYGLOT;

/** Of the tests' output, for the report. */
const OUTPUT_CHARS = 2500;

export function polyglotCases(suite: Suite, folder: string): AgentCase[] {
  const records = readRecords(join(folder, POLYGLOT[suite])) as PolyglotRecord[];
  const run = suite === 'agent-polyglot-python' ? runPython : runJest;
  return records.map(record => polyglotCase(record, run, suite === 'agent-polyglot-python'));
}

interface TestRun {
  isPassing: boolean;
  output: string;
}

function polyglotCase(
  { id, instructions, stub, tests }: PolyglotRecord,
  run: (files: Files, tests: string[]) => Promise<TestRun>,
  isPython: boolean,
): AgentCase {
  const path = Object.keys(stub)[0]!;
  const test = (files: Files) => run(new Map([...files, ...enabled(tests)]), Object.keys(tests));
  const context = { openFile: { path, selection: null }, attachments: [] };
  return {
    id,
    files: new Map(Object.entries(stub)),
    world: {
      async run(_command, files) {
        const { isPassing, output } = await test(files);
        return { output, exitCode: isPassing ? 0 : 1 };
      },
    },
    first: { task: `Implement ${path}.\n\n${instructions}`, context, checkCommand: null },
    async judge(files) {
      const { isPassing, output } = await test(files);
      return isPassing ? null : output.slice(-OUTPUT_CHARS);
    },
    async second(files): Promise<Try> {
      for (const [name, text] of enabled(tests)) files.set(name, text);
      const task = `${path} is wrong: its tests fail. Correct it.\n\n${instructions}`;
      return { task, context, checkCommand: isPython ? 'python3 -m unittest' : 'npm test' };
    },
  };
}

/** All tests count: upstream skips all but the first for learners. */
const enabled = (tests: Record<string, string>): [string, string][] =>
  Object.entries(tests).map(([path, text]) => [
    path,
    text.replace(/\bxtest\(/g, 'test(').replace(/\bxit\(/g, 'it('),
  ]);

async function runPython(files: Files, tests: string[]): Promise<TestRun> {
  const modules = tests.map(path => path.replace(/\.py$/, '').replaceAll('/', '.'));
  const { verdict, output } = await runFiles(files, ['python3', '-m', 'unittest', ...modules], 'python');
  return {
    isPassing: verdict === 'pass',
    output: verdict === 'timeout' ? 'The tests did not come to their end.' : output,
  };
}

async function runJest(files: Files, tests: string[]): Promise<TestRun> {
  const modules = nodePackages('jest');
  const preset = [join(modules, '@babel', 'preset-env'), { targets: { node: 'current' } }];
  const config = {
    testEnvironment: 'node',
    testRegex: ['\\.spec\\.js$'],
    transform: {
      '\\.js$': [join(modules, 'babel-jest'), { presets: [preset], babelrc: false, configFile: false }],
    },
    watchman: false,
  };
  const command = [
    process.execPath,
    join(modules, 'jest', 'bin', 'jest.js'),
    '--ci',
    '--runInBand',
    '--no-cache',
  ];
  const flags = ['--config', JSON.stringify(config), '--rootDir', '.', ...tests];
  const { verdict, output } = await runFiles(files, [...command, ...flags], 'javascript');
  return {
    isPassing: verdict === 'pass',
    output: verdict === 'timeout' ? 'The tests did not come to their end.' : output,
  };
}
