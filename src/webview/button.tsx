export function Icon({ name, class: extra = '' }: { name: string; class?: string }) {
  return <span class={`codicon codicon-${name} ${extra}`} aria-hidden="true" />;
}

interface IconButtonProps {
  icon: string;
  label: string;
  onClick(): void;
  testId?: string;
  disabled?: boolean;
  expanded?: boolean;
  class?: string;
}

/** A button that is only an icon; its label is the tooltip and what a screen reader says. */
export function IconButton({
  icon,
  label,
  onClick,
  testId,
  disabled,
  expanded,
  class: extra,
}: IconButtonProps) {
  return (
    <button
      type="button"
      class={`icon ${extra ?? ''}`}
      aria-label={label}
      title={label}
      data-testid={testId}
      disabled={disabled}
      aria-expanded={expanded}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}
