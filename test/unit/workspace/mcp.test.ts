import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { McpServers } from '../../../src/workspace/mcp.ts';
import { type McpServerConfig, parseMcpConfig } from '../../../src/workspace/mcp-config.ts';
import { readMcpFiles } from '../../../src/workspace/mcp-files.ts';
import { memoryPorts } from '../../support/memory-ports.ts';

const SERVER = join(__dirname, '../../fixtures/mcp/server.cjs');
const stdio = { command: process.execPath, args: [SERVER] };
const never = new AbortController().signal;
/** For tests of many calls: each of them listens to its signal for good. */
const fresh = () => new AbortController().signal;

async function using(configs: Record<string, McpServerConfig>, use: (servers: McpServers) => Promise<void>) {
  const servers = new McpServers(configs, process.cwd());
  try {
    await use(servers);
  } finally {
    await servers.dispose();
  }
}

describe('MCP servers', function () {
  this.timeout(30_000);
  let http: ChildProcess | undefined;
  afterEach(() => void http?.kill());

  it('over stdio are listed and called', () =>
    using({ one: { ...stdio, env: { GIVEN: 'yes' } } }, async servers => {
      process.env.MOEBIUS_TEST_SECRET = 'hidden';
      const { tools, problems } = await servers.list(never);
      assert.deepEqual(problems, []);
      assert.deepEqual(
        tools.map(tool => `${tool.server} ${tool.name}: ${tool.description}`),
        ['one add: Adds two numbers', 'one fail: Fails', 'one env: ', 'one end: '],
      );
      assert.deepEqual(await servers.call('one', 'add', { a: 2, b: 3 }, never), { ok: true, text: '5' });
      assert.deepEqual(await servers.call('one', 'fail', {}, never), { ok: false, text: 'no luck' });
      assert.equal((await servers.call('one', 'env', { name: 'GIVEN' }, never)).text, 'yes');
      assert.equal((await servers.call('one', 'env', { name: 'MOEBIUS_TEST_SECRET' }, never)).text, 'none');
    }).finally(() => delete process.env.MOEBIUS_TEST_SECRET));

  it('over HTTP are listed and called', async () => {
    http = spawn(process.execPath, [SERVER, 'http'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [port] = await once(http.stdout!, 'data');
    const url = `http://127.0.0.1:${String(port).trim()}/mcp`;
    await using({ web: { url } }, async servers => {
      assert.equal((await servers.list(never)).tools.length, 4);
      assert.deepEqual(await servers.call('web', 'add', { a: 1, b: 1 }, never), { ok: true, text: '2' });
    });
  });

  it('that can not be started are a problem, and the others are there', () =>
    using({ bad: { command: 'no-such-program-anywhere' }, good: stdio }, async servers => {
      const { tools, problems } = await servers.list(never);
      assert.equal(tools.length, 4);
      assert.match(problems.join(), /^The MCP server bad can't be used: /);
      await assert.rejects(servers.call('other', 'add', {}, never), /There is no MCP server other/);
    }));

  it('that are gone or were changed are ended, the others go on', () =>
    using({ one: stdio, two: stdio }, async servers => {
      const who = async (server: string) => (await servers.call(server, 'env', { name: 'WHO' }, never)).text;
      await servers.list(never);
      servers.configure({ one: { ...stdio, env: { WHO: 'new' } }, two: { ...stdio } });
      assert.equal(await who('one'), 'new');
      assert.equal(await who('two'), 'none');
      servers.configure({ two: { ...stdio } });
      await assert.rejects(who('one'), /There is no MCP server one/);
    }));

  it('that ended are started again when they are needed', () =>
    using({ one: stdio }, async servers => {
      const pid = async () => (await servers.call('one', 'env', { name: 'PID' }, fresh())).text;
      const first = await pid();
      assert.equal(await pid(), first);
      await assert.rejects(servers.call('one', 'end', {}, fresh()), /The MCP server one says: .*closed/);
      assert.notEqual(await pid(), first);
      assert.deepEqual((await servers.list(fresh())).problems, []);
    }));

  it('that fail late take no newer one of their name along', () =>
    using(
      { one: { command: process.execPath, args: ['-e', 'setTimeout(() => {}, 700)'] } },
      async servers => {
        const late = servers.list(fresh());
        servers.configure({ one: stdio });
        const pid = async () => (await servers.call('one', 'env', { name: 'PID' }, fresh())).text;
        const first = await pid();
        assert.equal((await late).problems.length, 1);
        assert.equal(await pid(), first);
      },
    ));

  it('are no longer waited for when the task is stopped', () =>
    using(
      { slow: { command: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'] } },
      async servers => {
        const stop = AbortSignal.timeout(300);
        await assert.rejects(servers.list(stop));
      },
    ));
});

describe('MCP configuration', () => {
  it('is read in both spellings', () => {
    const servers = { a: { command: 'x', args: ['y'] }, b: { url: 'https://example.org/mcp' } };
    const expected = { servers, problems: [] };
    assert.deepEqual(parseMcpConfig(JSON.stringify({ servers }), '/w'), expected);
    assert.deepEqual(parseMcpConfig(JSON.stringify({ mcpServers: servers }), '/w'), expected);
  });

  it("is read as VS Code's file has it: with comments, types and the folder", () => {
    const text = `{
      // The project's own.
      "servers": {
        "local": { "type": "stdio", "command": "node", "args": ["\${workspaceFolder}/server.js"], },
        "asks": { "command": "x", "env": { "KEY": "\${input:key}" } },
        "file": { "command": "x", "envFile": ".env" },
        "place": { "command": "x", "cwd": "sub" },
        "other": { "type": "http", "url": "file:///etc/passwd" },
      },
      "inputs": [{ "id": "key", "type": "promptString" }],
    }`;
    const { servers, problems } = parseMcpConfig(text, '/w/$&');
    assert.deepEqual(servers, { local: { command: 'node', args: ['/w/$&/server.js'] } });
    assert.deepEqual(
      problems.map(problem => problem.replace(/^The MCP server (\w+) can't be used: (\S+).*/, '$1 $2')),
      // biome-ignore lint/suspicious/noTemplateCurlyInString: as the file writes it
      ['asks ${input:key}', 'file "envFile"', 'place "cwd"', 'other file:///etc/passwd'],
    );
  });

  it('that is wrong says what is', () => {
    const refuses = (text: string, message: RegExp) =>
      assert.throws(() => parseMcpConfig(text, '/w'), { code: 'bad-request', message });
    refuses('{', /is no JSON: CloseBraceExpected in line 1/);
    refuses('', /is no JSON/);
    refuses('{"servers": {"a": {"args": []}}}', /not understood/);
    refuses('{"servers": {"a b": {"command": "x"}}}', /not understood/);
    const many = Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`s${i}`, { command: 'x' }]));
    refuses(JSON.stringify({ servers: many }), /more than 16/);
  });
});

describe('MCP servers of the files of a workspace', () => {
  const read = (files: Record<string, string>, prefix = '') =>
    readMcpFiles(memoryPorts(new Map(Object.entries(files))).workspace, { prefix, root: '/w' });

  it('are those of both files, the own one first', async () => {
    const { servers, problems } = await read({
      '.moebius/mcp.json': '{"servers": {"a": {"command": "ours"}}}',
      '.vscode/mcp.json': '{"servers": {"a": {"command": "theirs"}, "b": {"command": "x"}}}',
    });
    assert.deepEqual(servers, [
      { name: 'a', config: { command: 'ours' }, source: '.moebius/mcp.json' },
      { name: 'b', config: { command: 'x' }, source: '.vscode/mcp.json' },
    ]);
    assert.deepEqual(problems, ['.vscode/mcp.json: another file names a server a too; that one is used.']);
  });

  it('are none without a file, and a file that is wrong is a problem', async () => {
    assert.deepEqual(await read({}), { servers: [], problems: [] });
    const { servers, problems } = await read({ 'a/.vscode/mcp.json': '{' }, 'a/');
    assert.deepEqual(servers, []);
    assert.match(problems.join(), /^a\/\.vscode\/mcp\.json: The MCP configuration is no JSON/);
  });
});
