/** Diagnostics as lines that a model can use. Pure. */
export interface Problem {
  path: string;
  /** In the file that is being edited. */
  isActive: boolean;
  line: number;
  column: number;
  /** VS Code's: 0 error, 1 warning, 2 information, 3 hint. */
  severity: number;
  message: string;
  source: string;
}

/** More would fill the window with the echo of one mistake. */
const MAX_PROBLEMS = 60;

/** Errors before warnings, the active file first; information and hints are left out. Empty when there are none. */
export function problemsText(problems: Problem[]): string {
  const relevant = problems
    .filter(problem => problem.severity <= 1)
    .sort(
      (a, b) =>
        Number(b.isActive) - Number(a.isActive) ||
        a.severity - b.severity ||
        a.path.localeCompare(b.path) ||
        a.line - b.line,
    );
  const lines = relevant.slice(0, MAX_PROBLEMS).map(({ path, line, column, severity, message, source }) => {
    const origin = source === '' ? '' : ` (${source})`;
    return `${path}:${line}:${column} ${severity === 0 ? 'error' : 'warning'}: ${message.replace(/\s*\n\s*/g, ' ')}${origin}`;
  });
  if (relevant.length > MAX_PROBLEMS) lines.push(`and ${relevant.length - MAX_PROBLEMS} more`);
  return lines.join('\n');
}
