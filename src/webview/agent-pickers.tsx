import type { ApprovalPolicy, Mode } from '../protocol/agent-view.ts';
import { Icon } from './button.tsx';
import { usePage } from './page.ts';
import { Picker } from './pickers.tsx';

const MODES: Record<Mode, { name: string; title: string }> = {
  ask: { name: 'Ask', title: 'Answers, touches nothing' },
  plan: { name: 'Plan', title: 'Reads the workspace and plans, changes nothing' },
  agent: { name: 'Agent', title: 'Reads, edits and runs commands, with your approval' },
};
const POLICIES: Record<ApprovalPolicy, { name: string; title: string }> = {
  ask: { name: 'Ask first', title: 'Edits and commands are asked for, but for what you always allow' },
  'ask-everything': { name: 'Ask everything', title: 'Asks even for what you always allow' },
  'auto-edit': { name: 'Edits allowed', title: 'Edits inside the workspace are not asked for; commands are' },
  'read-only': { name: 'Read only', title: 'No edits, no commands' },
};

/** What may happen for a message: the mode, and what is asked for. In Restricted Mode, why there is no choice. */
export function AgentPickers() {
  const { state, send } = usePage();
  const picker = state.agent.value;
  if (!picker) return null;
  if (picker.locked !== null) {
    return (
      <p class="locked quiet" data-testid="agent-locked">
        <Icon name="lock" /> {picker.locked}
      </p>
    );
  }
  return (
    <>
      <Picker
        label={`Mode: ${MODES[picker.mode].title}`}
        testId="mode-picker"
        icon={picker.mode === 'agent' ? 'tools' : picker.mode === 'plan' ? 'list-ordered' : 'comment'}
        value={picker.mode}
        options={Object.entries(MODES).map(([value, { name }]) => ({ value, text: name }))}
        onChange={mode => send({ type: 'chooseMode', mode: mode as Mode })}
      />
      {picker.mode === 'agent' && (
        <Picker
          label={`Approval: ${POLICIES[picker.policy].title}`}
          testId="policy-picker"
          icon="shield"
          value={picker.policy}
          options={Object.entries(POLICIES).map(([value, { name }]) => ({ value, text: name }))}
          onChange={policy => send({ type: 'choosePolicy', policy: policy as ApprovalPolicy })}
        />
      )}
    </>
  );
}
