/** `@selection`, `@problems` and `@path/of/a.file` in a message, or with `#` instead, as others write it. Pure. */
export type Mention = { kind: 'selection' } | { kind: 'problems' } | { kind: 'file'; path: string };

/**
 * The mentions of a message, each once, without those that were in it `before` it was edited. Whether a path exists is for the caller
 * to see.
 */
export function mentionsOf(text: string, before = ''): Mention[] {
  const known = namesIn(before);
  const names = namesIn(text).filter(name => !known.includes(name));
  return [...new Set(names)].flatMap((name): Mention[] => {
    if (name === 'selection' || name === 'problems') return [{ kind: name }];
    return /[./]/.test(name) ? [{ kind: 'file', path: name.replaceAll('\\', '/') }] : [];
  });
}

function namesIn(text: string): string[] {
  const prose = text.replace(/```[\s\S]*?(```|$)|`[^`\n]*`/g, ' ');
  return [...prose.matchAll(/(?<![\w@#/.])[@#]([\w./\\-]*\w)/g)].map(match => match[1]!);
}
