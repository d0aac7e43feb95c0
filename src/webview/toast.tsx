import { useEffect } from 'preact/hooks';
import { Icon, IconButton } from './button.tsx';
import { usePage } from './page.ts';

const SHOWN_MS = 8000;

/** Why something did not happen, e.g. a file that was not attached. */
export function Toast() {
  const { toast } = usePage().state;
  const text = toast.value;
  useEffect(() => {
    const timer = setTimeout(() => {
      toast.value = '';
    }, SHOWN_MS);
    return () => clearTimeout(timer);
  }, [toast, text]);
  if (text === '') return null;
  return (
    <div class="toast" role="alert" data-testid="toast">
      <Icon name="info" />
      <span>{text}</span>
      <IconButton
        icon="close"
        label="Dismiss"
        onClick={() => {
          toast.value = '';
        }}
      />
    </div>
  );
}
