/** Exports that a file had and an answer forgot: who imports them would find nothing, and the message would not say why. */

const DECLARATION =
  /^(export\s+)?(?:(?:async|abstract|declare)\s+)*(?:function\*?|class|const|let|var|interface|type|enum)\s+([\w$]+)/;
const LIST = /^export\s*\{([^}]*)\}/gm;

/** `after`, with what it declares exported again where `before` exported it. */
export function withExports(before: string, after: string): string {
  const kept = exportedIn(after);
  const lost = new Set([...declaredExports(before)].filter(name => !kept.has(name)));
  if (lost.size === 0) return after;
  return after
    .split('\n')
    .map(line => {
      const name = DECLARATION.exec(line)?.[2];
      return name !== undefined && lost.has(name) ? `export ${line}` : line;
    })
    .join('\n');
}

function declaredExports(text: string): Set<string> {
  const names = text.split('\n').flatMap(line => {
    const [, isExported, name] = DECLARATION.exec(line) ?? [];
    return isExported && name ? [name] : [];
  });
  return new Set(names);
}

function exportedIn(text: string): Set<string> {
  const listed = [...text.matchAll(LIST)].flatMap(([, names]) =>
    names!.split(',').map(name => name.trim().split(/\s+as\s+/)[0]!),
  );
  return new Set([...declaredExports(text), ...listed]);
}
