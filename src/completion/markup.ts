/** Languages in which people write words beside code, by the editor's id. */

export const isMarkdown = (languageId: string): boolean => /^(?:markdown|mdx|quarto|rmd)$/.test(languageId);

/** Words are what it is for. */
export const isProseLanguage = (languageId: string): boolean =>
  isMarkdown(languageId) ||
  /^(?:plaintext|scminput|git-commit|latex|tex|restructuredtext|asciidoc|typst)$/.test(languageId);

/** Words stand between tags. */
export const isTagged = (languageId: string): boolean =>
  /^(?:.*html.*|xml|xsl|vue|svelte|astro|handlebars|razor|aspnetcorerazor|erb|ejs)$/.test(languageId);
