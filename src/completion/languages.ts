/** The per-language switch: language id -> on/off, `*` for every language that is not named. */
export type LanguageSwitches = Readonly<Record<string, boolean>>;

export function isLanguageOn(switches: LanguageSwitches, languageId: string): boolean {
  const own = Object.hasOwn(switches, languageId) ? switches[languageId] : switches['*'];
  return own !== false;
}

/** The switches with one language turned over. */
export function toggleLanguage(switches: LanguageSwitches, languageId: string): Record<string, boolean> {
  return { ...switches, [languageId]: !isLanguageOn(switches, languageId) };
}
