import type { ChatLevel } from '../protocol/webview.ts';
import { Icon } from './button.tsx';
import { usePage } from './page.ts';

const LEVELS: Record<ChatLevel, { name: string; title: string }> = {
  auto: { name: 'Auto', title: 'Reads long prompts with as few experts as the model was measured to stand' },
  exact: { name: 'Exact', title: 'Reads the prompt with all experts' },
  balanced: { name: 'Balanced', title: 'Reads the far part of a long prompt with fewer experts' },
  fast: { name: 'Fast', title: 'Reads long prompts with few experts: quickest to begin' },
  frugal: { name: 'Frugal', title: 'Reads and writes with fewer experts' },
};

/** Which model answers, and how thoroughly it reads. */
export function Pickers() {
  const { state, send } = usePage();
  const picker = state.picker.value;
  if (!picker || picker.models.length === 0) return null;
  return (
    <>
      <Picker
        label="Model"
        testId="model-picker"
        value={picker.current ?? ''}
        options={picker.models.map(({ id, name }) => ({ value: id, text: name }))}
        onChange={id => send({ type: 'chooseModel', id })}
      />
      {picker.levels.length > 1 && (
        <Picker
          label={`Level: ${LEVELS[picker.level].title}`}
          testId="level-picker"
          value={picker.level}
          options={picker.levels.map(level => ({ value: level, text: LEVELS[level].name }))}
          onChange={level => send({ type: 'chooseLevel', level: level as ChatLevel })}
        />
      )}
    </>
  );
}

interface PickerProps {
  label: string;
  icon?: string;
  testId: string;
  value: string;
  options: { value: string; text: string }[];
  onChange(value: string): void;
}

/** A choice in the space of its current value. */
export function Picker({ label, icon, testId, value, options, onChange }: PickerProps) {
  const current = options.find(option => option.value === value);
  return (
    <span class="picker" title={label}>
      {icon !== undefined && <Icon name={icon} class="picker-icon" />}
      {/* The text sets the width; the select lies over it. */}
      <span class="picker-text" aria-hidden="true">
        {current?.text ?? value}
      </span>
      <Icon name="chevron-down" />
      <select
        aria-label={label}
        data-testid={testId}
        value={value}
        onChange={event => onChange(event.currentTarget.value)}
      >
        {options.map(option => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
    </span>
  );
}
