/** The guided profile with the real default model behind the real daemon: it fixes failing tests in small projects. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runGuided } from '../../src/agent/guided/run.ts';
import { LocalBackend } from '../../src/backends/local.ts';
import { defaultModel } from '../../src/models/catalogue.ts';
import { runFiles } from '../eval/sandbox.ts';
import { stopAll, watchDaemon } from '../support/daemons.ts';
import { ALLOW_ALL, memoryPorts } from '../support/memory-ports.ts';
import { isInstalled, linkedStore } from '../support/models.ts';
import { SAMPLE_PROJECTS, sampleFiles } from '../support/sample-projects.ts';

const MODEL = defaultModel().id;
/** Project and bug. The others are measured by `npm run eval -- agent --suites agent-samples`. */
const FIXED = [['js-cart', 'quantity replaced']] as const;
const SCRIPT = join(__dirname, '../../dist/daemon.js');

describe('guided profile with the default model', function () {
  this.timeout(600_000);
  const home = mkdtempSync(join(tmpdir(), 'moebius-guided-'));
  let backend: LocalBackend;

  before(async function () {
    // Twice the size of what the other tests download, so it is used where it is and not asked for.
    if (!isInstalled(MODEL)) {
      console.log(`      skipped: ${MODEL} is not installed`);
      this.skip();
    }
    const { supervisor, settings } = watchDaemon(SCRIPT, {
      model: MODEL,
      env: { MOEBIUS_HOME: linkedStore(home) },
    });
    settings.threads = 2;
    backend = new LocalBackend(signal => supervisor.connect(signal));
    await supervisor.ready();
  });
  after(async () => {
    await stopAll();
    rmSync(home, { recursive: true, force: true });
  });

  for (const [name, bugName] of FIXED) {
    const project = SAMPLE_PROJECTS.find(one => one.name === name)!;
    const bug = project.bugs.find(one => one.name === bugName)!;
    it(`${project.name}, ${bug.name}: the tests pass and are as they were`, async () => {
      const files = sampleFiles(project, bug);
      const run = async () => {
        const { verdict, output } = await runFiles(files, project.argv, project.language);
        return { output, exitCode: verdict === 'pass' ? 0 : 1 };
      };
      assert.equal((await run()).exitCode, 1);
      const outcome = await runGuided({
        ...ALLOW_ALL,
        task: 'The tests fail. Fix the code.',
        mode: 'agent',
        backend,
        ports: memoryPorts(files, { run }),
        budget: { turns: 12, outputTokens: 8000, timeMs: 8 * 60_000 },
        windowTokens: 8192,
        turnId: '1-1',
        sequence: 'agent',
        history: [],
        rules: '',
        context: { openFile: null, attachments: [] },
        checkCommand: project.checkCommand,
        emit: () => {},
        signal: new AbortController().signal,
      });
      assert.equal(outcome.reason, 'done', outcome.text);
      assert.equal((await run()).exitCode, 0);
      for (const [path, text] of sampleFiles(project, null))
        if (/test/.test(path)) assert.equal(files.get(path), text, `${path} is as it was`);
    });
  }
});
