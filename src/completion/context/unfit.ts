/** Files that a prompt never holds: secrets, what no person wrote, and what is too large to be about the cursor. */

const SECRET_NAMES =
  /(?:^|\/)(?:[^/]*\.env(?:\..*)?|\.envrc|\.npmrc|[._]netrc|\.pypirc|\.htpasswd|\.git-credentials|\.aws\/(?:credentials|config)|\.docker\/config\.json|\.kube\/config|id_(?:rsa|dsa|ecdsa|ed25519)(?:\..*|_\w+(?:\.pub)?)?|[^/]*(?:secret|credential|password|token)s?\.(?:json|ya?ml|toml|ini|txt|xml|env)|[^/]*\.(?:pem|key|p12|pfx|jks|keystore|kdbx|asc|gpg|ovpn|tfvars|tfstate))$/i;
const SECRET_TEXT = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
const GENERATED_NAMES =
  /(?:^|\/)(?:node_modules|dist|build|out|target|vendor|\.git|__pycache__|coverage)\/|(?:^|\/)(?:package-lock\.json|yarn\.lock|pnpm-lock\.yaml|poetry\.lock|Cargo\.lock|go\.sum)$|\.(?:min\.\w+|map|snap|lock|bundle\.js|pb\.go|g\.dart|generated\.\w+)$/i;
/** In the first lines, as generators write it. */
const GENERATED_TEXT = /@generated\b|\bDO NOT EDIT\b|\bauto-?generated\b/i;
const HEAD_CHARS = 600;
const LARGEST_CHARS = 200_000;
/** A longer line is minified or data. */
const LONGEST_LINE = 1000;

export type Unfitness = 'secret' | 'generated' | 'too large';

/** By its name alone, so that it need not be opened. `path` with slashes. */
export function isUnfitName(path: string): Unfitness | null {
  if (SECRET_NAMES.test(path)) return 'secret';
  return GENERATED_NAMES.test(path) ? 'generated' : null;
}

/** By all that the file says. `piece`: what is shown of it, if not all. */
export function isUnfit(path: string, text: string, piece = text): Unfitness | null {
  const byName = isUnfitName(path);
  if (byName) return byName;
  if (text.length > LARGEST_CHARS) return 'too large';
  if (SECRET_TEXT.test(text)) return 'secret';
  if (GENERATED_TEXT.test(text.slice(0, HEAD_CHARS))) return 'generated';
  return piece.split('\n').some(line => line.length > LONGEST_LINE) ? 'too large' : null;
}
