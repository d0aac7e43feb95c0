/** Whose files are typed: well-known packages in fixed versions, so that every run types the same. */
export type Language = 'typescript' | 'javascript' | 'python';

export interface Package {
  registry: 'npm' | 'pip';
  name: string;
  version: string;
  language: Language;
}

/** `name version`; packages that publish their TypeScript sources are few. */
const SOURCES: Readonly<Record<Language, readonly string[]>> = {
  typescript: ['zod 3.25.76', 'rxjs 7.8.1', '@reduxjs/toolkit 2.8.2', 'immer 10.1.1'],
  javascript: ['express 4.21.2', 'commander 12.1.0', 'async 3.2.6', 'yargs 17.7.2', 'markdown-it 14.1.0'],
  python: ['requests 2.32.3', 'flask 3.0.3', 'click 8.1.7', 'rich 13.9.4'],
};

export const PACKAGES: readonly Package[] = Object.entries(SOURCES).flatMap(([language, sources]) =>
  sources.map(source => {
    const [name = '', version = ''] = source.split(' ');
    return { registry: language === 'python' ? 'pip' : 'npm', name, version, language: language as Language };
  }),
);
