import assert from 'node:assert/strict';
import { looksSecret, normalisePath, protectedReason } from '../../../src/agent/paths.ts';

describe('paths: what can be one inside the workspace', () => {
  const fine: [string, string][] = [
    ['src/a.ts', 'src/a.ts'],
    ['./src//a.ts', 'src/a.ts'],
    ['src/../b.ts', 'b.ts'],
    ['src\\win\\a.ts', 'src/win/a.ts'],
    ['.', ''],
    ['', ''],
    ['a b/ü/文.txt', 'a b/ü/文.txt'],
    // As it was composed: which of both a file has, the file system says.
    ['cafe\u0301.md', 'cafe\u0301.md'],
    ['caf\u00e9.md', 'caf\u00e9.md'],
    ['s\u0433c/\u0430.ts', 's\u0433c/\u0430.ts'],
    ['app/$id/page.tsx', 'app/$id/page.tsx'],
    ['console.ts', 'console.ts'],
    ['a~b.txt', 'a~b.txt'],
  ];
  for (const [path, expected] of fine) {
    it(JSON.stringify(path), () => assert.equal(normalisePath(path), expected));
  }

  const refused = [
    '../../etc/passwd',
    'src/../../x',
    '..\\..\\x',
    '/etc/passwd',
    '\\windows',
    '~/x',
    '~root/x',
    '\\\\host\\share\\x',
    '//host/share',
    'file:///etc/passwd',
    'untitled:Untitled-1',
    'vscode-userdata:/User/settings.json',
    'git:/a.ts',
    'C:foo',
    'C:\\Windows',
    'CON',
    'aux.txt',
    'src/NUL.tar.gz',
    'com1',
    'LPT¹',
    'a.txt:ads',
    'a.txt::$DATA',
    'PROGRA~1/x',
    'GIT~1/config',
    'name.',
    'name ',
    'dir /x',
    '...',
    'a\0b',
    'a\nb',
    'a\u200bb',
    '.g\u200cit/config',
    'a\u202etxt.exe',
    'a\u{e0041}',
    'a\ud800',
    'x'.repeat(256),
    'x/'.repeat(3000),
  ];
  for (const path of refused) {
    it(`not ${JSON.stringify(path.slice(0, 40))}`, () => {
      assert.throws(() => normalisePath(path), { code: 'refused' });
    });
  }
});

describe('paths: what is protected', () => {
  const yes = `.vscode/settings.json .vscode/tasks.json .vscode/launch.json .vscode/mcp.json .vscode/extensions.json
    .VSCODE/Settings.json app/.vscode/settings.json x.code-workspace .git/config .git/hooks/pre-commit .GIT/config sub/.git/config
    .gitattributes .gitmodules .envrc .npmrc .yarnrc .yarnrc.yml package.json packages/a/package.json Makefile GNUmakefile rules.mk
    .husky/pre-commit .devcontainer/devcontainer.json .devcontainer.json .github/workflows/ci.yml .gitlab-ci.yml AGENTS.md
    docs/agents.md CLAUDE.md .moebius/rules/a.md .moebius/mcp.json .bashrc .zshrc .profile .bash_profile .zshenv .ssh/config
    .cursor/mcp.json .mcp.json .roo/mcp.json .clinerules .clinerules/a.md .pre-commit-config.yaml conftest.py build.rs setup.py
    .ｖｓｃｏｄｅ/settings.json .github/copilot-instructions.md .cargo/config.toml
    .eslintrc .eslintrc.cjs .eslintrc.json eslint.config.js app/eslint.config.mts .prettierrc prettier.config.mjs .stylelintrc.js
    stylelint.config.cjs .babelrc babel.config.json .postcssrc.ts postcss.config.js vite.config.ts vitest.config.mts vitest.workspace.ts
    jest.config.js jest.config.json jest.e2e.config.ts tailwind.config.ts svelte.config.js next.config.mjs webpack.config.prod.js rollup.config.mjs
    karma.conf.js playwright.config.ts CMakeLists.txt lib/cmakelists.txt a.cmake CMakePresets.json build.gradle app/build.gradle.kts
    node_modules/eslint/lib/api.js .venv/lib/python3.11/site-packages/x.pth app/venv/a.py usercustomize.py .pylintrc mypy.ini pytest.ini
    pyproject.toml Cargo.toml .mocharc.json lint-staged.config.mjs gradlew mvnw.cmd .mvn/extensions.xml pnpm-workspace.yaml nodemon.json .gdbinit
    .exrc rust-toolchain rust-toolchain.toml .rubocop.yml .flake8 Package.swift app/App.csproj Directory.Build.props Gemfile composer.json deno.json .dir-locals.el .hg/hgrc .windsurf/a.md .kiro/settings/mcp.json opencode.json .qwen/settings.json app/astro.config.ts
    settings.gradle Justfile .v\u017fcode/settings.json .g\u2071t/config ma\u212aefile AGENTS\uff0emd`;
  for (const path of yes.split(/\s+/)) {
    it(path, () => assert.ok(protectedReason(path)));
  }
  const no = `src/a.ts README.md vscode/settings.json .gitignore src/package.ts makefile.ts tests/test_a.py git/config
    docs/agents/a.md .github/ISSUE_TEMPLATE.md tsconfig.json profile.ts bashrc.md
    models/x.pth src/vite.ts src/next.config/a.ts eslint.md gradle.md src/config.ts .eslintignore`;
  for (const path of no.split(/\s+/)) {
    it(`not ${path}`, () => assert.equal(protectedReason(path), null));
  }
});

describe('paths: what looks secret', () => {
  for (const path of '.env .env.local app/.ENV prod.env id_rsa .ssh/id_ed25519 server.key cert.pem .npmrc .netrc secrets.yaml .aws/credentials credentials.json x.p12 .git/config .\uff45nv .en\u1d5b id_\u02b3sa cafe\u0301/.env .env-prod .env_ci my_id_ed25519 ci-id_rsa AuthKey_1.p8 credentials.yml .vault-token .docker/config.json terraform.tfstate a.tfstate.backup terraform.tfvars .envrc .config/gh/hosts.yml .git/modules/a/b/config sub/.git/config.worktree'.split(
    ' ',
  )) {
    it(path, () => assert.ok(looksSecret(path)));
  }
  for (const path of '.env.example .env.sample src/env.ts key.ts monkey.md id_rsa.pub environment.ts secrets.ts .env-example .env_sample .environment valid_rsa.ts .env.d.ts my_id_rsa_parser.ts test/id_rsa_test.go config src/config .github/config.yml docker/config.json credentials.ts'.split(
    ' ',
  )) {
    it(`not ${path}`, () => assert.ok(!looksSecret(path)));
  }
});
