/** `get_diagnostics`: what the editor's language servers report. */
import { optional, strings } from './parameters.ts';
import { readIfThere } from './seen.ts';
import { counted, defineTool, told } from './tool.ts';

export const getDiagnostics = defineTool({
  name: 'get_diagnostics',
  description: "Errors and warnings that the editor's language servers report.",
  parameters: { paths: optional(strings('files; default: all')) },
  title: ({ paths }) => `Problems${paths ? ` of ${paths.join(', ')}` : ''}`,
  async run({ paths }, context) {
    const missing: string[] = [];
    for (const path of paths ?? []) if ((await readIfThere(path, context)) === null) missing.push(path);
    if (missing.length > 0)
      return told(`There is no file ${missing.join(', ')}. Use find_files or list_dir.`, 'not found', false);
    const { ports, signal } = context;
    const found = await ports.diagnostics.read(paths ?? null, signal);
    if (found.length === 0) return told('No problems are reported.', 'none');
    const lines = found.map(
      one => `${one.path}:${one.line}:${one.column}: ${one.severity}: ${one.message} [${one.source}]`,
    );
    return told(
      { lines, rest: shown => `(${lines.length - shown} more are left out; ask for some files only)` },
      counted(found.length, 'problem'),
    );
  },
});
