import { APPROVAL_POLICIES, type ApprovalPolicy, type Mode } from '../protocol/agent-view.ts';
import { Icon } from './button.tsx';
import { usePage } from './page.ts';
import { Picker } from './pickers.tsx';

const MODES: Record<Mode, { name: string; title: string }> = {
  ask: { name: 'Ask', title: 'Answers, touches nothing' },
  plan: { name: 'Plan', title: 'Reads the workspace and plans, changes nothing' },
  agent: { name: 'Agent', title: 'Reads, edits and runs commands, with your approval' },
};
const POLICIES: Record<ApprovalPolicy, { icon: string; name: string; title: string }> = {
  ask: {
    icon: 'shield',
    name: 'Ask first',
    title: 'Edits and commands are asked for, but for what you always allow',
  },
  'ask-everything': {
    icon: 'question',
    name: 'Ask everything',
    title: 'Asks even for what you always allow',
  },
  'auto-edit': {
    icon: 'edit',
    name: 'Edits allowed',
    title: 'Edits inside the workspace are not asked for; commands are',
  },
  'read-only': { icon: 'lock', name: 'Read only', title: 'No edits, no commands' },
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
      {picker.mode !== 'ask' && <Policies policy={picker.policy} />}
    </>
  );
}

/** What is asked for, each one click away: whoever wants to be asked for more must not have to look for it first. */
function Policies({ policy }: { policy: ApprovalPolicy }) {
  const { send } = usePage();
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset can't be laid out in a line in every browser
    <span class="policies" role="group" aria-label="Approval" data-testid="policies">
      {APPROVAL_POLICIES.map(one => {
        const { icon, name, title } = POLICIES[one];
        return (
          <button
            key={one}
            type="button"
            class="policy"
            aria-pressed={one === policy}
            aria-label={`${name}: ${title}`}
            title={`${name}: ${title}`}
            data-testid={`policy-${one}`}
            onClick={() => send({ type: 'choosePolicy', policy: one })}
          >
            <Icon name={icon} />
          </button>
        );
      })}
    </span>
  );
}
