/**
 * What a path says by itself: whether it can be one inside the workspace, whether writing to it changes what other programs run,
 * whether it looks like a secret. Pure: links are resolved by the ports, which ask here first.
 */
import { MoebiusError } from '../base/errors.ts';

/** Linux allows 4096 bytes; longer ones are nonsense or an attack. */
const MAX_PATH_CHARS = 1024;
const MAX_NAME_CHARS = 255;

const refuse = (path: string, why: string): MoebiusError =>
  new MoebiusError(
    'refused',
    `The path ${JSON.stringify(path.slice(0, 200))} ${why}. Use one relative to the workspace.`,
  );

// Control and format characters: nobody sees them in an approval, and some file systems leave them out when they compare names.
const INVISIBLE = /[\p{Cc}\p{Cf}\u2028\u2029\u{e0000}-\u{e007f}]/u;
/** Names that are devices on Windows, whatever their extension. A repository may be opened there. */
const DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?$/i;
/** The short name that Windows gives to a long one: another spelling of a name that was checked. */
const SHORT_NAME = /^[^.]{1,6}~\d+(\.[^.]{0,3})?$/;

/**
 * The path with `/`, without `.` and `..`. `''` is the workspace itself.
 * @throws MoebiusError `refused` for what is not plainly a path inside the workspace, on any platform.
 */
export function normalisePath(path: string): string {
  if (path.length > MAX_PATH_CHARS) throw refuse(path, 'is too long');
  if (INVISIBLE.test(path)) throw refuse(path, 'has invisible characters');
  if (/\p{Cs}/u.test(path)) throw refuse(path, 'is not valid text');
  if (/^[\\/]{2}/.test(path)) throw refuse(path, 'names another machine');
  if (/^[a-z][a-z0-9+.-]*:/i.test(path)) throw refuse(path, 'names a drive or a scheme');
  if (/^[\\/]/.test(path)) throw refuse(path, 'is absolute');
  if (path.startsWith('~')) throw refuse(path, 'names a home folder');
  const parts: string[] = [];
  for (const part of path.split(/[\\/]/)) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (!parts.length) throw refuse(path, 'leads out of the workspace');
      parts.pop();
      continue;
    }
    checkName(path, part);
    parts.push(part);
  }
  return parts.join('/');
}

function checkName(path: string, name: string): void {
  if (name.length > MAX_NAME_CHARS) throw refuse(path, 'has a name that is too long');
  if (name.includes(':')) throw refuse(path, 'has a colon in a name');
  if (/[. ]$/.test(name)) throw refuse(path, 'has a name that ends with a dot or a space');
  if (DEVICE.test(name)) throw refuse(path, 'names a device');
  if (SHORT_NAME.test(name)) throw refuse(path, 'has a short name of Windows');
}

/** As the least careful file system compares it: case, width and composition of characters make no difference. */
const folded = (path: string): string =>
  path.replaceAll('\\', '/').normalize('NFKC').toLowerCase().normalize('NFKC');

/** Why writing there asks even where other edits do not: [what the whole path matches, the reason]. */
const PROTECTED: readonly (readonly [RegExp, string])[] = [
  [/(^|\/)\.git(\/|$)/, 'git runs what is configured there'],
  [/(^|\/)\.(gitattributes|gitmodules|gitconfig)$/, 'git runs what is configured there'],
  [/(^|\/)\.vscode(\/|$)/, 'the editor runs what is configured there'],
  [/\.code-workspace$/, 'the editor runs what is configured there'],
  [
    /(^|\/)\.(idea|vs|fleet|zed|cursor|continue|cline|roo|claude|gemini|codex|windsurf|kiro|opencode|qwen|junie|trae|augment|amazonq|aider[^/]*)(\/|$)/,
    'tools run what is configured there',
  ],
  [
    /(^|\/)(\.(mcp|roomodes|clinerules|cursorrules|windsurfrules|rooignore|goosehints)(\.json)?|opencode\.jsonc?)(\/|$)/,
    'tools run what is configured there',
  ],
  [/(^|\/)\.moebius(\/|$)/, 'it holds the rules of the agent itself'],
  [/(^|\/)(agents|agent|claude|gemini)(\.local|\.override)?\.md$/, 'it holds the rules of agents'],
  [/(^|\/)copilot-instructions\.md$|\.instructions\.md$/, 'it holds the rules of agents'],
  [/(^|\/)\.devcontainer(\/|$)|(^|\/)\.devcontainer\.json$/, 'the editor runs what is configured there'],
  [/(^|\/)\.github\/(workflows|actions)(\/|$)/, 'it runs on the build server'],
  [
    /(^|\/)(\.gitlab-ci\.ya?ml|\.travis\.yml|azure-pipelines\.ya?ml|jenkinsfile|\.circleci\/.*|\.drone\.ya?ml)$/,
    'it runs on the build server',
  ],
  [
    /(^|\/)\.(husky|githooks|lefthook)(\/|$)|(^|\/)(lefthook|\.pre-commit-config)\.ya?ml$|(^|\/)\.lintstagedrc/,
    'it runs with every commit',
  ],
  [/(^|\/)\.(envrc|direnv|mise\.toml|tool-versions|nvmrc)$/, 'the shell runs it on entering the folder'],
  [
    /(^|\/)\.(npmrc|yarnrc|yarnrc\.yml|pnpmfile\.c?js|pnp\.c?js|bunfig\.toml)$|(^|\/)(bunfig\.toml|pip\.conf|\.pypirc)$|(^|\/)\.(yarn|cargo)\//,
    'a package manager runs what is configured there',
  ],
  [/(^|\/)(package\.json|pnpm-workspace\.yaml)$/, 'its scripts are run by npm'],
  [
    /(^|\/)(node_modules|bower_components|\.?venv|site-packages|dist-packages|\.tox|\.nox)(\/|$)/,
    'the editor and builds run what is installed there',
  ],
  [/(^|\/)usercustomize\.py$/, 'Python runs it whenever it starts'],
  [
    /(^|\/)(gnu)?makefile$|\.mk$|(^|\/)(justfile|rakefile|taskfile\.ya?ml|build\.rs|setup\.(py|cfg)|conftest\.py|sitecustomize\.py|gulpfile\.[cm]?[jt]s|gruntfile\.[cm]?[jt]s|gradlew(\.bat)?|mvnw(\.cmd)?|nodemon\.json|\.mocharc\.[^/]*)$|(^|\/)\.mvn(\/|$)/,
    'builds and tests run it',
  ],
  [
    /(^|\/)(cmakelists\.txt|cmake(user)?presets\.json)$|\.cmake$|\.gradle(\.kts)?$/,
    'the editor and builds run it',
  ],
  // Hooks, plugins and build scripts are named there.
  [
    /(^|\/)(\.?pylintrc|\.?mypy\.ini|\.flake8|pytest\.ini|tox\.ini|noxfile\.py|pyproject\.toml|cargo\.toml|rust-toolchain(\.toml)?|pom\.xml|build\.sbt|package\.swift|gemfile|\.rubocop\.ya?ml|mix\.exs|composer\.json|deno\.jsonc?|meson\.build|\.bazelrc|[^/]+\.(cs|fs|vb|vcx)proj|directory\.build\.(props|targets)|[^/]+\.gemspec)$/,
    'builds, tests and checkers run what is configured there',
  ],
  // Of these the forms that only name what is run count as well: plugins, parsers, transforms.
  [
    /(^|\/)\.(eslint|prettier|stylelint|babel|postcss)rc(\.[^/]*)?$|(^|\/)(eslint|prettier|stylelint|babel|postcss)\.config(\.[^/]*)?$/,
    'the editor and builds run it',
  ],
  [
    /(^|\/)(vite|vitest|jest|tailwind|svelte|next|webpack|rollup|karma|playwright)([.-][^/]*)?\.(config|conf|workspace)(\.[^/]*)?\.([cm]?[jt]s|json)$/,
    'the editor and builds run it',
  ],
  [
    /(^|\/)\.(((ba|z|k|c|tc)?sh(rc|env)|bash_(profile|login|logout|aliases)|z(profile|login|logout)|profile|login|logout|env)|(input|vim|curl|wget)rc|netrc|tmux\.conf)$/,
    'the shell runs it',
  ],
  [/(^|\/)[^/]+\.config\.[cm]?[jt]s$/, 'the editor and builds run it'],
  [/(^|\/)(\.(gdbinit|lldbinit|exrc|nvim\.lua|nvimrc|dir-locals\.el)|\.hg\/hgrc)$/, 'tools run it'],
  [/(^|\/)\.(ssh|gnupg|aws|kube|docker|config)(\/|$)/, 'it holds credentials or settings of other programs'],
];

/** Why a write to this path of the workspace must always be asked for; null: it is a file like others. */
export function protectedReason(path: string): string | null {
  const name = folded(path);
  return PROTECTED.find(([pattern]) => pattern.test(name))?.[1] ?? null;
}

const SECRET =
  /(^|\/)(\.env([._-][^/]*)?|[^/]*\.env|([^/]*[._-])?id_(rsa|dsa|ecdsa|ed25519)[^/]*|[^/]*\.(pem|key|p8|p12|pfx|jks|keystore|kdbx|ppk|asc)|\.netrc|_netrc|\.npmrc|\.pypirc|\.pgpass|\.my\.cnf|\.git-credentials|config\.worktree|\.htpasswd|\.vault-token|[^/]*\.tfstate(\.backup)?|[^/]*\.tfvars|\.envrc|gh\/hosts\.yml|credentials(\.(json|ya?ml|toml|ini|csv|xml))?|service-?account[^/]*\.json|secrets?\.(json|ya?ml|toml)|\.aws\/.*|\.ssh\/.*|\.gnupg\/.*|\.kube\/.*|kubeconfig|\.docker\/config\.json|\.dockercfg)$/;
/** Examples, public keys, and code about them. */
const NOT_SECRET =
  /(\.|(^|\/)\.env[_-])(example|sample|template|dist|defaults?|pub)$|\.([cm]?[jt]sx?|go|py|rs|java|rb|cs|kt|swift|c|h|cpp|md)$/;

/** Whether a file is likely to hold passwords or keys, which the model has no need to read. */
export function looksSecret(path: string): boolean {
  const name = folded(path);
  // Addresses there may have passwords in them, also in those of submodules: `.git/modules/a/config`.
  const configuresGit = /(^|\/)config$/.test(name) && /(^|\/)\.git\//.test(name);
  return (SECRET.test(name) || configuresGit) && !NOT_SECRET.test(name);
}
