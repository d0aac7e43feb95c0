/** How a model writes a tool call. One file per dialect; dialects.ts lists them and finds a model's own. */
import type { StructuralTagFormat } from '@mlc-ai/web-xgrammar';
import type { ToolDialectName } from '../../models/tool-dialect.ts';
import type { ChatMessage, ToolCall, ToolDefinition } from '../../protocol/daemon.ts';

/** A message as a chat template takes it that has a field of its own for calls. */
export interface TemplateMessage extends ChatMessage {
  tool_calls?: { name: string; arguments: unknown }[];
}

export interface ToolDialect {
  readonly name: ToolDialectName;
  /** Literals of tokens that calls are written with; never sampled unless tools are on. */
  readonly markers: readonly string[];
  /** Between these stands a call's body, or those of several: models forget the markers between them. */
  readonly begin: string;
  readonly end: string;
  /** For the model: what a call looks like. */
  readonly example: string;
  /** Free text with calls in it, or exactly one call and nothing else. */
  grammar(tools: readonly ToolDefinition[], isRequired: boolean): StructuralTagFormat;
  /** Whether `body` looks like one of this dialect: models write each other's. */
  isBody(body: string): boolean;
  /** Whether an end marker behind `body` is no end, but stands in a value. */
  isInValue(body: string): boolean;
  /** `isWhole`: the model ended the last call, or its answer, itself; otherwise `body` may lack its rest. */
  read(body: string, tools: readonly ToolDefinition[], isWhole: boolean): ToolCall[];
  /** What an answer to the user begins with, where the model was taught to write something else first; absent without. */
  readonly answerOpening?: string;
  /** A conversation as the template wants it; absent where calls stand in the text as the model wrote them. */
  forTemplate?(messages: readonly ChatMessage[]): TemplateMessage[];
}
