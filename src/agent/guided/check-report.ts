/** What a run of the user's check says: how much passes, where it failed, and the part that a small model should read. */

export interface Frame {
  path: string;
  /** From 1. */
  line: number;
}
export interface CheckReport {
  isPassing: boolean;
  /** null: the output does not say. */
  passed: number | null;
  failed: number | null;
  /** What was thrown first, `TypeError: x is not a function`; null if nothing is told. */
  error: string | null;
  /** The first failures, without what only a human debugging the runner needs. */
  excerpt: string;
  /** Places in files of the workspace, those where something failed before those that led there, each once. */
  frames: Frame[];
}

/** Of the output that is looked at: a runner's summary is at its end, and more is no longer read by anyone. */
const LAST_CHARS = 60_000;
/** Some 500 tokens: a failure or two with expected and actual value. */
const EXCERPT_CHARS = 1600;
const LINE_CHARS = 300;

/** `paths`: the files of the workspace. `folder`: where it ran. */
export function readCheck(
  output: string,
  exitCode: number | null,
  paths: readonly string[],
  folder = '',
): CheckReport {
  const text = output.slice(-LAST_CHARS).replaceAll('\r\n', '\n');
  return {
    isPassing: exitCode === 0,
    ...countsOf(text),
    error: /^[ \t]*(\w*(?:Error|Exception)\b.*: .+)$/m.exec(text)?.[1] ?? null,
    excerpt: excerptOf(withRelativePaths(text, paths)),
    frames: framesOf(text, paths, folder),
  };
}

/** Sorts before: passes, else more tests pass, else fewer fail. A run that counts nothing is below any that counts. */
export function isBetterCheck(a: CheckReport, b: CheckReport): boolean {
  if (a.isPassing !== b.isPassing) return a.isPassing;
  const [passedA, passedB] = [a.passed ?? -1, b.passed ?? -1];
  if (passedA !== passedB) return passedA > passedB;
  return (a.failed ?? Infinity) < (b.failed ?? Infinity);
}

function countsOf(text: string): Pick<CheckReport, 'passed' | 'failed'> {
  const last = (pattern: RegExp) => [...text.matchAll(pattern)].at(-1);
  const number = (match: RegExpExecArray | undefined) => (match ? Number(match[1]) : null);
  // Python's unittest tells how many ran and how many of them went wrong.
  const ran = number(last(/^Ran (\d+) tests?/gm));
  if (ran !== null) {
    const wrong = last(/^FAILED \((.*)\)/gm)?.[1] ?? '';
    const failed = [...wrong.matchAll(/(?:failures|errors)=(\d+)/g)].reduce(
      (sum, m) => sum + Number(m[1]),
      0,
    );
    return { passed: ran - failed, failed };
  }
  // node:test in its TAP and its spec form; then jest, vitest, mocha, pytest and cargo, which all say it in words.
  const passed = last(/^(?:#|ℹ) pass (\d+)/gm) ?? last(/\b(\d+) (?:passed|passing)\b/g);
  const failed = last(/^(?:#|ℹ) fail (\d+)/gm) ?? last(/\b(\d+) (?:failed|failing)\b/g);
  const failures = number(failed);
  // Jest and pytest do not say `0 passed`.
  return { passed: number(passed) ?? (failures === null ? null : 0), failed: failures };
}

/** Frames of runners and libraries, separators, and the diagnostics blocks that TAP writes around what matters. */
const NOISE = new RegExp(
  [
    'node:(?:internal|async_hooks)|node_modules|site-packages|[\\\\/]lib[\\\\/]python',
    '^\\s*[-=_─⎯]{10,}\\s*$|^\\s*[\\^~]+\\s*$|^\\s*(?:---|\\.\\.\\.)\\s*$|^npm (?:ERR|error|notice)',
    '^\\s*(?:duration_ms|type|location|code|name|stack|failureType|generatedMessage|operator):',
    '^\\s*(?:# Subtest|ok \\d|# (?:tests|suites|pass|fail|cancelled|skipped|todo|duration)|\\d+\\.\\.\\d|TAP version)',
    '^\\s*(?:at )?(?:async )?(?:Test|TestContext|Suite|SuiteContext|Promise|new Promise|process|Object)\\.',
  ].join('|'),
);
/** Where one failure begins, in the order in which runners are told apart. */
const FAILURES: RegExp[] = [
  /^(?:FAIL|ERROR): \S/,
  /^\s*● .+ › |^\s*● (?!Console)/,
  /^_{3,} .+ _{3,}$/,
  /^\s*not ok \d+/,
  /^✖ (?!failing tests)/,
  /^--- FAIL/,
  /^\s+\d+\) /,
];

function excerptOf(text: string): string {
  const lines = text.split('\n').filter(line => !NOISE.test(line));
  const start = FAILURES.find(pattern => lines.some(line => pattern.test(line)));
  const kept = start ? failures(lines, start) : lines;
  const short = kept.map(line => (line.length > LINE_CHARS ? `${line.slice(0, LINE_CHARS)}…` : line));
  const whole = short
    .join('\n')
    .replace(/\n\s*\n(?:\s*\n)+/g, '\n\n')
    .trim();
  if (whole.length <= EXCERPT_CHARS) return whole;
  // Failures are told from the first on; output without them has its point at the end.
  return start ? `${whole.slice(0, EXCERPT_CHARS)}\n…` : `…\n${whole.slice(-EXCERPT_CHARS)}`;
}

/** From the first failure on; of a report that tells them twice (node's `failing tests`) the second time. */
function failures(lines: string[], start: RegExp): string[] {
  const again = lines.findIndex(line => /^✖ failing tests/.test(line));
  const from = again >= 0 ? again + 1 : lines.findIndex(line => start.test(line));
  return lines.slice(from);
}

const PLACES: RegExp[] = [
  /File "([^"]+)", line (\d+)/g,
  /((?:[A-Za-z]:)?[\w@./\\+-]+\.\w+)[:(](\d+)(?:[:,]\d+)?/g,
];

/** A line number that a runner gives for compiled code (`location:`) leads astray. */
function framesOf(output: string, paths: readonly string[], folder: string): Frame[] {
  const text = output.replace(/^\s*location:.*$/gm, '');
  const frames = new Map<string, Frame>();
  for (const part of text.split(/^(?=Traceback )/m)) {
    const found = PLACES.flatMap(pattern => [...part.matchAll(pattern)]).sort((a, b) => a.index - b.index);
    // Python tells the place of the failure last, everyone else first.
    if (part.startsWith('Traceback ')) found.reverse();
    for (const [, named, line] of found) {
      const path = pathNamed(named!, paths, folder);
      if (path !== null) frames.set(`${path}:${line}`, { path, line: Number(line) });
    }
  }
  return [...frames.values()];
}

/** Where the workspace lies is of no use to the model, and a prompt without it is the same everywhere. */
function withRelativePaths(text: string, paths: readonly string[]): string {
  return text.replace(ABSOLUTE, (whole, named: string) => pathNamed(named, paths) ?? whole);
}

const ABSOLUTE = /(?:file:\/\/)?((?:[A-Za-z]:)?[\\/](?:[\w@.+-]+[\\/])+[\w@.+-]+\.\w+)/g;

/** The file of the workspace that a runner in `folder`, which may know it by an absolute path, means. */
export function pathNamed(named: string, paths: readonly string[], folder = ''): string | null {
  const wanted = `/${folder}/${named.replaceAll('\\', '/').replace(/^\.\//, '')}`;
  const matches = paths.filter(path => wanted.endsWith(path) && wanted.endsWith(`/${path}`));
  return matches.sort((a, b) => b.length - a.length)[0] ?? null;
}
