/** What a task only passes by on its way may be a picture, a secret or a link that leads out: that ends no task. */
import assert from 'node:assert/strict';
import { gather, relatedCode, specsOf } from '../../../../src/agent/guided/gather.ts';
import { cancelled, MoebiusError } from '../../../../src/base/errors.ts';
import { memoryPorts } from '../../../support/memory-ports.ts';
import { addsUp, block, play, RIGHT, TEST, WRONG } from './play.ts';

/** Files that no one can read are empty here. */
const PROJECT = {
  'a.test.js': '',
  'logo.png': '',
  'math.js': WRONG,
  'math.test.js': TEST,
  'test/key.pem': '',
  'test/logo.png': '',
};

function portsOf(files: Record<string, string>) {
  const ports = memoryPorts(new Map(Object.entries(files)), { run: addsUp });
  const { read } = ports.workspace;
  ports.workspace.read = async (path, signal) => {
    if (files[path] === '') throw new MoebiusError('unsupported', `${path} is not text.`);
    return read(path, signal);
  };
  return ports;
}

describe('guided: files that can not be read', () => {
  it('beside the tests and in the words of the task are passed over', async () => {
    const ports = portsOf(PROJECT);
    const task = 'The tests fail since logo.png was added. Fix the code.';
    const { outcome } = await play([block(RIGHT)], {}, {}, { ports, task });
    assert.equal(outcome.text, 'Changed `math.js`; `npm test` passes.');
  });

  it('are what the user is told where there is nothing else', async () => {
    const ports = portsOf({ 'logo.png': '' });
    const given = { ports, task: 'Make logo.png smaller.', checkCommand: null };
    const { outcome } = await play([], {}, {}, given);
    assert.deepEqual([outcome.reason, outcome.text], ['error', 'logo.png is not text.']);
  });

  it('are no files of tests, and no more of those are read than are shown', async () => {
    const seen: string[] = [];
    const read = async (path: string) => {
      seen.push(path);
      if (path === 'a.test.js') throw new MoebiusError('refused', 'It leads out.');
      return TEST;
    };
    const paths = [...Object.keys(PROJECT), 'x.test.js', 'y.test.js'];
    const specs = await specsOf('math.js', paths, read);
    assert.deepEqual(
      specs.map(({ path }) => path),
      ['math.test.js', 'x.test.js'],
    );
    assert.deepEqual(seen, ['a.test.js', 'math.test.js', 'x.test.js']);
  });

  it('are no code to refer to', async () => {
    const code = "import { a } from './a.test.js';\nimport { add } from './math.js';\n";
    const read = async (path: string) => {
      if (path === 'a.test.js') throw new MoebiusError('refused', 'It leads out.');
      return WRONG;
    };
    const found = await relatedCode('main.js', code, code, Object.keys(PROJECT), read);
    assert.deepEqual(
      found.map(({ path }) => path),
      ['math.js'],
    );
  });

  it('do not hide that the task was stopped', async () => {
    const stopped = async () => {
      throw cancelled();
    };
    const options = {
      task: 'Fix math.js.',
      context: { openFile: null, attachments: [] },
      ports: portsOf({}),
    };
    const gathered = gather(
      options as unknown as Parameters<typeof gather>[0],
      ['math.js'],
      [],
      null,
      stopped,
    );
    await assert.rejects(gathered, { code: 'cancelled' });
  });
});
