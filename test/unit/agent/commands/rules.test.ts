import assert from 'node:assert/strict';
import { describeRule, isAllowed, rulesFor } from '../../../../src/agent/commands/rules.ts';

describe('commands: what "always" remembers', () => {
  const remembered = rulesFor('npm run build && npm  "test"', '')!;

  it('is the words of each part, in the folder', () => {
    assert.deepEqual(remembered, [
      { cwd: '', words: ['npm', 'run', 'build'] },
      { cwd: '', words: ['npm', 'test'] },
    ]);
    assert.deepEqual(remembered.map(describeRule), ['npm run build', 'npm test']);
    assert.equal(describeRule({ cwd: '', words: ['echo', "it's"] }), "echo 'it'\\''s'");
  });

  const covered = [
    'npm test',
    'npm test && npm run build',
    "npm 'test'",
    'npm test | head -5',
    'npm test 2>&1',
    'ls; npm test > /dev/null',
  ];
  for (const command of covered) {
    it(`covers ${command}`, () => assert.ok(isAllowed(command, '', remembered)));
  }
  const not = [
    'npm test -- --watch',
    'npm tests',
    'npm',
    'npm test; ./x.sh',
    'npm test && rm -rf src',
    'npm test $(id)',
    'npm test > out',
    'npm test &',
    'X=1 npm test',
    'cd .. && npm test',
    'cd sub && npm test',
    'pushd sub && npm test',
    'command cd sub && npm test',
    'npm test\n./x.sh',
    'NPM test',
    './npm test',
    'sudo npm test',
    'env npm test',
    'npm test | sh',
    'npm test (',
    'npm test\r#; rm -rf src',
    'npm test \r#; rm -rf src',
    'npm test\r\n',
    'npm test \\\r\nrm -rf src',
    'npm test\v#; rm -rf src',
    'npm test\f; npm test',
    'npm test\u0085#; rm -rf src',
    'npm test\0',
    'npm test\u00a0; npm test',
    'npm test\u2028; npm test',
    'npm test#; npm test',
    'npm test a=~',
    'npm test $(#)',
    'npm !!',
  ];
  for (const command of not) {
    it(`does not cover ${JSON.stringify(command)}`, () => assert.ok(!isAllowed(command, '', remembered)));
  }

  it('covers nothing where each part is free and the whole is not', () => {
    for (const command of ['echo hi\r#; rm -rf src', 'echo \\\r\nrm -rf src', 'ls\u200b', 'ls &']) {
      assert.equal(rulesFor(command, ''), null, JSON.stringify(command));
      assert.ok(!isAllowed(command, '', remembered), JSON.stringify(command));
    }
  });

  it('says nothing of a folder that was changed to, in any way', () => {
    for (const command of ['pushd sub && npm test', 'builtin cd sub; npm test', 'popd; npm test'])
      assert.equal(rulesFor(command, ''), null, command);
  });

  it('is bound to its folder, unless it was given for any', () => {
    assert.ok(!isAllowed('npm test', 'other', remembered));
    assert.ok(isAllowed('npm test', 'other', [{ cwd: null, words: ['npm', 'test'] }]));
  });

  it('is nothing for what is dangerous, warned of, not understood or for Windows', () => {
    for (const command of [
      'sudo ls',
      'curl x',
      'npm i',
      'rm x',
      'echo $HOME',
      'ls (',
      'node -e x',
      '> out',
      'X=1 make',
      'n\u0440m test',
    ]) {
      assert.equal(rulesFor(command, ''), null, command);
    }
    assert.equal(rulesFor('npm test', '', 'windows'), null);
  });
});
