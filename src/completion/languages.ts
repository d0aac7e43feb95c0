/** The per-language switch: language id -> on/off, `*` for every language that is not named. */
export type LanguageSwitches = Readonly<Record<string, boolean>>;

export function isLanguageOn(switches: LanguageSwitches, languageId: string): boolean {
  const own = Object.hasOwn(switches, languageId) ? switches[languageId] : switches['*'];
  return own !== false;
}

/** `own` with one language turned over from what the `switches` say; `own` is the part of them that is written back. */
export function toggleLanguage(
  switches: LanguageSwitches,
  languageId: string,
  own: LanguageSwitches = switches,
): Record<string, boolean> {
  return { ...own, [languageId]: !isLanguageOn(switches, languageId) };
}
