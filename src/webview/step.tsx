import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { StepPart, StepState } from '../protocol/agent-view.ts';
import { Icon, IconButton } from './button.tsx';
import { DiffView } from './diff-view.tsx';
import { usePage } from './page.ts';

const TOOL_ICONS: Record<string, string> = {
  read_file: 'file',
  list_dir: 'folder',
  find_files: 'file-code',
  grep: 'search',
  edit_file: 'edit',
  write_file: 'new-file',
  run_command: 'terminal',
  get_diagnostics: 'warning',
  todo: 'checklist',
  task_done: 'pass',
};
export const iconOf = (tool: string): string =>
  Object.hasOwn(TOOL_ICONS, tool) ? TOOL_ICONS[tool]! : 'tools';

const STATES: Record<Exclude<StepState, 'asking'>, { icon: string; label: string }> = {
  running: { icon: 'loading codicon-modifier-spin', label: 'running' },
  ok: { icon: 'check', label: 'done' },
  failed: { icon: 'error', label: 'failed' },
  denied: { icon: 'circle-slash', label: 'not allowed' },
  interrupted: { icon: 'debug-stop', label: 'interrupted' },
};

/** One thing that the agent did: a line, with what came of it below when it is opened. `isLive`: the answer goes on. */
export function Step({ part, isLive }: { part: StepPart; isLive: boolean }) {
  const state = STATES[part.state === 'asking' ? 'running' : part.state];
  // Output is looked at while it comes, and when it tells of a failure; once all is over it is out of the way.
  const wantsOpen = isLive && part.output !== '' && (part.state === 'running' || part.state === 'failed');
  const [chosen, setChosen] = useState<boolean | null>(null);
  const isOpen = chosen ?? wantsOpen;
  const hasMore = part.output !== '' || part.approval !== null || part.summary !== '';
  return (
    <section class={`step ${part.state}`} data-testid="step" data-state={part.state} data-tool={part.tool}>
      <button
        type="button"
        class="step-head"
        aria-expanded={hasMore ? isOpen : undefined}
        aria-label={`${part.title}, ${state.label}`}
        disabled={!hasMore}
        onClick={() => setChosen(!isOpen)}
      >
        <Icon name={iconOf(part.tool)} class="step-tool" />
        <span class="step-title">{part.title}</span>
        {!isOpen && part.summary !== '' && <span class="step-summary">{part.summary}</span>}
        <Icon name={state.icon} class="step-state" />
      </button>
      {isOpen && hasMore && <StepBody part={part} />}
    </section>
  );
}

function StepBody({ part }: { part: StepPart }) {
  const { send } = usePage();
  const { approval } = part;
  return (
    <div class="step-body">
      {approval?.isDiff && <DiffView diff={approval.detail} />}
      {approval && !approval.isDiff && !part.title.includes(approval.detail) && (
        <pre class="step-command">{approval.detail}</pre>
      )}
      {part.output !== '' && <Output text={part.output} isLive={part.state === 'running'} />}
      <div class="step-foot">
        {part.summary !== '' && <span class="quiet">{part.summary}</span>}
        {part.output !== '' && (
          <IconButton
            icon="terminal"
            label="Show in Terminal"
            testId="show-terminal"
            onClick={() => send({ type: 'showTerminal', id: part.id })}
          />
        )}
      </div>
    </div>
  );
}

/** The end of what a command has written; stays at its end while more comes. */
function Output({ text, isLive }: { text: string; isLive: boolean }) {
  const box = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    if (isLive && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text, isLive]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
    <section ref={box} class="output" tabIndex={0} aria-label="Output" data-testid="output">
      {text}
    </section>
  );
}
