/**
 * The other repositories in a repository (submodules, and clones inside it that were added by accident), as its index has them: git
 * enters those to see whether they have changed, and obeys the configuration that it finds there.
 *
 * Format: https://git-scm.com/docs/index-format, versions 2 to 4 with SHA-1. All numbers are big-endian.
 */

/** Signature, version and number of entries: four bytes each. */
const HEADER_BYTES = 12;
/** Of an entry: where its mode and its flags are, and where its path begins. */
const MODE_AT = 24;
const FLAGS_AT = 60;
const PATH_AT = 62;
/** A flag that says that two bytes of flags more follow. */
const EXTENDED = 0x4000;
const REPOSITORY_MODE = 0o160000;
const HASH_BYTES = 20;

/** Paths of the entries that are repositories; null for an index that can't be read here, in which there may be some. */
export function repositoriesIn(index: Buffer): string[] | null {
  // At the end of the file, this says where else entries begin.
  if (index.includes('EOIE')) return null;
  try {
    return readEntries(index);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** @throws RangeError when the file ends too early */
function readEntries(index: Buffer): string[] | null {
  const version = index.readUInt32BE(4);
  if (index.toString('latin1', 0, 4) !== 'DIRC' || version < 2 || version > 4) return null;
  const found: string[] = [];
  let path = Buffer.alloc(0);
  let at = HEADER_BYTES;
  for (let left = index.readUInt32BE(8); left > 0; left--) {
    let start = at + PATH_AT + (index.readUInt16BE(at + FLAGS_AT) & EXTENDED ? 2 : 0);
    let kept = 0;
    if (version === 4) {
      // The path begins as the one before does, but for this many bytes.
      const removed = readVariable(index, start);
      kept = path.length - removed.value;
      start = removed.end;
    }
    const end = index.indexOf(0, start);
    if (end < 0 || kept < 0) return null;
    path = Buffer.concat([path.subarray(0, kept), index.subarray(start, end)]);
    if (index.readUInt32BE(at + MODE_AT) === REPOSITORY_MODE) found.push(path.toString());
    // Up to version 3 an entry is a multiple of eight bytes long, with a zero at least.
    at = version === 4 ? end + 1 : at + (Math.floor((end - at) / 8) + 1) * 8;
  }
  return hasPlainEnd(index, at) ? found : null;
}

/** What follows the entries must be understood where its name begins with a small letter: more entries elsewhere, or folders of them. */
function hasPlainEnd(index: Buffer, start: number): boolean {
  const end = index.length - HASH_BYTES;
  let at = start;
  while (at < end) {
    if (!/^[A-Z]/.test(index.toString('latin1', at, at + 4))) return false;
    at += 8 + index.readUInt32BE(at + 4);
  }
  return at === end;
}

/** Seven bits a byte, the highest first; every byte but the last adds one, so that no number has two spellings. */
function readVariable(buffer: Buffer, start: number): { value: number; end: number } {
  let at = start;
  let byte = buffer.readUInt8(at++);
  let value = byte & 0x7f;
  while (byte & 0x80) {
    byte = buffer.readUInt8(at++);
    value = (value + 1) * 128 + (byte & 0x7f);
  }
  return { value, end: at };
}
