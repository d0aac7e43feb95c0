/**
 * What a repository's own configuration may have without git, when it only reads, running a program, opening a connection or printing
 * a file of somewhere else: what git writes there itself, and editors do. A clone does not bring a configuration along, an archive does.
 */

/** Sections of which every variable is harmless. */
const SECTIONS = new Set(
  'advice branch color column fetch gitflow gui http init maintenance pull push rebase rerere user'.split(
    ' ',
  ),
);

/**
 * Variables, with a `*` for the name of a remote and the like. The work tree of `core.worktree` is looked at by itself. `core.hooksPath`
 * moves hooks, none of which runs when git reads, as those in the git folder don't.
 */
const VARIABLES = new Set(
  `core.abbrev core.autocrlf core.bare core.bigfilethreshold core.checkstat core.commentchar core.compression core.eol core.filemode
  core.fscache core.hookspath core.ignorecase core.logallrefupdates core.longpaths core.precomposeunicode core.preloadindex core.protecthfs
  core.protectntfs core.quotepath core.repositoryformatversion core.safecrlf core.sharedrepository core.sparsecheckout
  core.sparsecheckoutcone core.symlinks core.trustctime core.untrackedcache core.whitespace core.worktree
  extensions.compatobjectformat extensions.objectformat extensions.refstorage extensions.relativeworktrees extensions.worktreeconfig
  commit.gpgsign commit.template commit.verbose diff.algorithm diff.colormoved diff.mnemonicprefix diff.renamelimit diff.renames
  feature.manyfiles gc.auto gc.autodetach i18n.commitencoding i18n.logoutputencoding index.skiphash index.sparse index.threads index.version
  lfs.repositoryformatversion lfs.*.access lfs.*.locksverify log.date merge.conflictstyle merge.ff merge.renamelimit merge.tool
  remote.pushdefault remote.*.fetch remote.*.followremotehead remote.*.gh-resolved remote.*.github-pr-remote remote.*.mirror remote.*.prune
  remote.*.prunetags remote.*.push remote.*.pushurl remote.*.skipdefaultupdate remote.*.skipfetchall remote.*.tagopt remote.*.url
  status.showuntrackedfiles submodule.active submodule.*.active submodule.*.branch submodule.*.ignore submodule.*.update submodule.*.url
  tag.gpgsign tag.sort`.split(/\s+/),
);

/** The first variable that is not known to be harmless, without the name in its middle: whoever wrote that may say anything there. */
export function unusualVariable(keys: readonly string[]): string | null {
  for (const key of keys) {
    const section = key.slice(0, key.indexOf('.'));
    const variable = key.slice(key.lastIndexOf('.') + 1);
    const name = key === `${section}.${variable}` ? key : `${section}.*.${variable}`;
    if (!SECTIONS.has(section) && !VARIABLES.has(name)) return name;
  }
  return null;
}
