/** MoebiusError <-> JSON-RPC error object. The code travels in `data.code`; the number is for foreign clients. */
import { ErrorCodes, ResponseError } from 'vscode-jsonrpc/node';
import { type ErrorCode, MoebiusError, toMoebiusError } from '../base/errors.ts';

/** JSON-RPC leaves -32000..-32099 to servers; -32800 is what LSP peers send for a cancelled request. */
const SERVER_ERROR = -32001;
const REQUEST_CANCELLED = -32800;

interface ErrorData {
  code: ErrorCode;
}

export function toResponseError(error: unknown): ResponseError<ErrorData> {
  const { code, message } = toMoebiusError(error);
  return new ResponseError<ErrorData>(numberOf(code), message, { code });
}

function numberOf(code: ErrorCode): number {
  if (code === 'cancelled') return REQUEST_CANCELLED;
  if (code === 'bad-request') return ErrorCodes.InvalidParams;
  return code === 'internal' ? ErrorCodes.InternalError : SERVER_ERROR;
}

/** Whatever a request rejected with, as the error its sender threw. */
export function fromResponseError(error: unknown): MoebiusError {
  if (!(error instanceof ResponseError)) return toMoebiusError(error);
  // The library's own words for a stream that was closed a moment ago, before anyone was told.
  if (error.code === ErrorCodes.MessageWriteError)
    return new MoebiusError('daemon-down', 'The connection was closed.');
  const code = (error.data as Partial<ErrorData> | undefined)?.code;
  return new MoebiusError(typeof code === 'string' ? code : codeOf(error.code), error.message);
}

function codeOf(number: number): ErrorCode {
  if (number === REQUEST_CANCELLED) return 'cancelled';
  if (number === ErrorCodes.MethodNotFound) return 'unsupported';
  return number === ErrorCodes.InvalidParams || number === ErrorCodes.InvalidRequest
    ? 'bad-request'
    : 'internal';
}
