/** What may be attached, and how much of it. Pure. */
import { MoebiusError, toMoebiusError } from '../../base/errors.ts';

/** Above this a file is refused: no part of it that would fit says anything about the rest. */
export const MAX_FILE_BYTES = 2 * 1024 * 1024;
/** Characters per token of source code when no model can count; low, so that the estimate errs on the long side. */
export const CHARS_PER_TOKEN = 3;

const SECRET_NAMES =
  /^(\.env(\..*)?|.*\.env|\.npmrc|\.netrc|_netrc|\.pgpass|\.htpasswd|\.pypirc|\.git-credentials|credentials(\.json)?|id_(rsa|dsa|ecdsa|ed25519)|.*\.(pem|key|p12|pfx|jks|keystore|kdbx|ppk)|secrets?\.(json|ya?ml|toml))$/i;
const HARMLESS_NAMES = /^(\.env\.(example|sample|template|dist)|(example|sample)\.env)$/i;
const SECRET_TEXTS = [
  /-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----/,
  /\bAKIA[0-9A-Z]{16}\b/,
  /\bgh[pousr]_[A-Za-z0-9]{36,}\b/,
  /\bxox[abprs]-[A-Za-z0-9-]{10,}/,
  /\bAIza[0-9A-Za-z_-]{35}\b/,
];

/** Why this looks like a secret, as the middle of a sentence; null if it does not. */
export function secretReason(fileName: string, text: string): string | null {
  if (SECRET_NAMES.test(fileName) && !HARMLESS_NAMES.test(fileName))
    return 'its name is one that usually holds secrets';
  return SECRET_TEXTS.some(pattern => pattern.test(text))
    ? 'it contains what looks like a key or token'
    : null;
}

/**
 * The text of a file's bytes (UTF-8, with or without BOM).
 * @throws MoebiusError `unsupported` for binary, other encodings and files that are too large
 */
export function decodeText(label: string, bytes: Uint8Array): string {
  if (bytes.byteLength > MAX_FILE_BYTES) {
    const mib = (bytes.byteLength / 1024 / 1024).toFixed(1);
    throw new MoebiusError(
      'unsupported',
      `${label} is too large to attach (${mib} MB). Attach a selection of it.`,
    );
  }
  if (bytes.includes(0))
    throw new MoebiusError('unsupported', `${label} is a binary file and can't be attached.`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new MoebiusError('unsupported', `${label} is not UTF-8 text and can't be attached.`, { cause });
  }
}

/** Of more that were refused, only how many they are: what is told is gone after some seconds. */
const TOLD_REFUSALS = 3;

/** What of several could be read, in their order, and why the rest could not, in words for the user; '' if all could. */
export async function settle<T>(reading: Promise<T>[]): Promise<{ read: T[]; refused: string }> {
  const results = await Promise.allSettled(reading);
  const read = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []));
  const reasons = results.flatMap(result =>
    result.status === 'rejected' ? [toMoebiusError(result.reason).message] : [],
  );
  const more = reasons.length - TOLD_REFUSALS;
  const rest = more > 0 ? [`And ${more} more could not be attached.`] : [];
  return { read, refused: [...reasons.slice(0, TOLD_REFUSALS), ...rest].join(' ') };
}

export interface CappedText {
  text: string;
  tokens: number | null;
  cut: string | null;
}

/**
 * The first lines of `text` that fit into `budgetTokens`. `count` gives exact tokens, or null when no model is loaded.
 * A single line that is too long is cut inside.
 */
export async function capText(
  text: string,
  budgetTokens: number,
  count: (text: string) => Promise<number | null>,
): Promise<CappedText> {
  // No token is longer than some 30 characters on average text; what is far above the budget need not be counted whole.
  let kept = text.slice(0, budgetTokens * 30);
  let tokens = await count(kept);
  for (let round = 0; round < 8 && (tokens ?? kept.length / CHARS_PER_TOKEN) > budgetTokens; round++) {
    const share = budgetTokens / (tokens ?? kept.length / CHARS_PER_TOKEN);
    kept = wholeLines(kept.slice(0, Math.floor(kept.length * share * 0.97)));
    tokens = await count(kept);
  }
  if (kept.length === text.length) return { text, tokens, cut: null };
  const [keptLines, allLines] = [lineCount(kept), lineCount(text)];
  const cut =
    allLines === 1
      ? `only the first ${kept.length.toLocaleString('en')} of ${text.length.toLocaleString('en')} characters`
      : `only the first ${keptLines.toLocaleString('en')} of ${allLines.toLocaleString('en')} lines`;
  return { text: kept, tokens, cut };
}

function wholeLines(text: string): string {
  const end = text.lastIndexOf('\n');
  return end > 0 ? text.slice(0, end) : text;
}

function lineCount(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}
