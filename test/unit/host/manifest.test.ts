/** package.json and the code agree: every contributed command exists, every setting that is read is contributed. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '../../..');
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const { contributes } = manifest;
const source = readdirSync(join(ROOT, 'src/host'), { recursive: true, encoding: 'utf8' })
  .filter(path => path.endsWith('.ts'))
  .map(path => readFileSync(join(ROOT, 'src/host', path), 'utf8'))
  .join('\n');
const contributed: string[] = contributes.commands.map(({ command }: { command: string }) => command);
const registered = [...source.matchAll(/^ {4}'(moebius\.\w+\.\w+)':/gm)].map(match => match[1]!);

describe('host/manifest', () => {
  it('every contributed command is registered, and the other way round', () => {
    assert.deepEqual([...new Set(registered)].sort(), [...contributed].sort());
  });

  it('menus, keys and the walkthrough name commands that exist', () => {
    const text = JSON.stringify([
      contributes.menus,
      contributes.keybindings,
      contributes.walkthroughs,
      contributes.configuration,
    ]);
    const named = [...text.matchAll(/(?:"command":"|command:)(moebius\.[\w.]+)/g)].map(match => match[1]!);
    assert.ok(named.length > 20);
    assert.deepEqual(
      named.filter(command => !contributed.includes(command)),
      [],
    );
  });

  it('Tab moves the focus where the user has set it so', () => {
    const onTab = contributes.keybindings.filter(({ key }: { key: string }) => key === 'tab');
    assert.ok(onTab.length > 0);
    for (const { when } of onTab) assert.match(when, /!editorTabMovesFocus\b/);
  });

  it('what our own code runs by name exists', () => {
    const named = [...source.matchAll(/command: '(moebius\.[\w.]+)'/g)].map(match => match[1]!);
    assert.ok(named.includes('moebius.agent.undoLastTurn'), 'the slash commands are among them');
    assert.deepEqual(
      named.filter(command => !contributed.includes(command)),
      [],
    );
  });

  it('every setting that is read is contributed, with the same default', () => {
    const settings: Record<string, { default: unknown }> = Object.assign(
      {},
      ...contributes.configuration.map(({ properties }: { properties: object }) => properties),
    );
    const reads = [...source.matchAll(/\bget(?:<[^>(]*>)?\('([a-z]+\.\w+)'/g)].map(
      match => `moebius.${match[1]}`,
    );
    assert.ok(reads.length >= 12, `${reads.length} reads found`);
    assert.deepEqual(
      reads.filter(name => !(name in settings)),
      [],
    );
    for (const [, name, value] of source.matchAll(/\bget(?:<[^>(]*>)?\('([a-z]+\.\w+)', ([^{)]+)\)/g))
      assert.deepEqual(settings[`moebius.${name}`]?.default, JSON.parse(value!.replaceAll("'", '"')), name);
  });

  it('pictures are there', () => {
    const pictures = JSON.stringify(manifest).match(/media\/[\w/.-]+/g) ?? [];
    assert.deepEqual(
      pictures.filter(path => !existsSync(join(ROOT, path))),
      [],
    );
  });

  it('what runs processes or moves files is not for a workspace to set', () => {
    const groups: { properties: Record<string, { scope: string }> }[] = contributes.configuration;
    const open = groups
      .flatMap(({ properties }) => Object.entries(properties))
      .filter(([name, { scope }]) => /^moebius\.(?:model|engine|daemon)\./.test(name) && scope !== 'machine');
    assert.deepEqual(open, []);
  });
});
