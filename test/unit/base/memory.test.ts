import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { availableBytes, cachedBytes, memoryBytes } from '../../../src/base/memory.ts';

const GIB = 2 ** 30;

describe('memory that the process may have', () => {
  const check = (what: string, limit: number | undefined, expectedGib: number) =>
    it(`${what}: ${expectedGib} GiB of 8`, () =>
      assert.equal(memoryBytes(8 * GIB, limit), expectedGib * GIB));
  check('a container of 2 GiB', 2 * GIB, 2);
  check('a container larger than the machine', 16 * GIB, 8);
  check('no limit', 0, 8);
  check('nothing known of a limit', undefined, 8);
  check('the limit that means none', 2 ** 64, 8);
});

describe('memory that can be had', () => {
  const none = () => null;

  it('is what the system says where there is no limit, and not known where it says nothing', () => {
    assert.equal(availableBytes(false, 3 * GIB, GIB, none), 3 * GIB);
    assert.equal(availableBytes(false, 0, GIB, none), null);
  });

  it('counts what is kept of files under a limit, as far as the machine has it', () => {
    assert.equal(
      availableBytes(true, 0, 8 * GIB, () => 5 * GIB),
      5 * GIB,
    );
    assert.equal(
      availableBytes(true, 2 * GIB, 8 * GIB, () => 5 * GIB),
      7 * GIB,
    );
    assert.equal(
      availableBytes(true, 2 * GIB, 3 * GIB, () => 5 * GIB),
      3 * GIB,
    );
    assert.equal(availableBytes(true, 0, 8 * GIB, none), null);
  });

  const check = (what: string, files: Record<string, string>, expected: number | null) =>
    it(`${what}: ${expected} bytes of files`, () => {
      const root = mkdtempSync(join(tmpdir(), 'moebius-memory-'));
      try {
        for (const [path, text] of Object.entries(files)) {
          mkdirSync(dirname(join(root, path)), { recursive: true });
          writeFileSync(join(root, path), text);
        }
        assert.equal(cachedBytes(root), expected);
      } finally {
        rmSync(root, { recursive: true });
      }
    });
  const V1 =
    'cache 9\ninactive_file 1\nactive_file 2\ntotal_cache 90\ntotal_inactive_file 10\ntotal_active_file 20\n';
  const V2 = 'anon 5\nfile 9\ninactive_file 3\nactive_file 4\n';
  const groups = { 'proc/self/cgroup': '9:name=systemd:/\n4:cpu,memory:/a/b\n3:cpuset:/\n0::/c\n' };
  check('version 1', { ...groups, 'sys/fs/cgroup/memory/a/b/memory.stat': V1 }, 30);
  check('version 1 in a container', { ...groups, 'sys/fs/cgroup/memory/memory.stat': V1 }, 30);
  check('version 2', { 'proc/self/cgroup': '0::/c\n', 'sys/fs/cgroup/c/memory.stat': V2 }, 7);
  check('version 2 in a container', { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/memory.stat': V2 }, 7);
  check('nothing to read', {}, null);
});
