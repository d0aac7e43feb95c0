/** `@selection`, `@problems` and `@path/of/a.file` in a message, or with `#` instead, as others write it. Pure. */
export type Mention = { kind: 'selection' } | { kind: 'problems' } | { kind: 'file'; path: string };

/** The mentions of a message, each once. Whether a path exists is for the caller to see. */
export function mentionsOf(text: string): Mention[] {
  const prose = text.replace(/```[\s\S]*?(```|$)|`[^`\n]*`/g, ' ');
  const names = [...prose.matchAll(/(?<![\w@#/.])[@#]([\w./\\-]*\w)/g)].map(match => match[1]!);
  return [...new Set(names)].flatMap((name): Mention[] => {
    if (name === 'selection' || name === 'problems') return [{ kind: name }];
    return /[./]/.test(name) ? [{ kind: 'file', path: name.replaceAll('\\', '/') }] : [];
  });
}
