/** A list that stays open while its entries are dealt with one by one: by Enter, or by the button of an entry. */
import * as vscode from 'vscode';

export interface ActItem extends vscode.QuickPickItem {
  act(): Promise<void>;
}

export interface ActList {
  title: string;
  /** What choosing does. */
  placeholder: string;
  /** Said instead when there is no entry. */
  empty: string;
  /** Looked at again after each act. */
  items(): ActItem[];
}

export function showActList({ title, placeholder, empty, items }: ActList): void {
  const picker = vscode.window.createQuickPick<ActItem>();
  picker.title = title;
  const refresh = () => {
    picker.items = items();
    picker.placeholder = picker.items.length === 0 ? empty : placeholder;
  };
  const act = async (item: ActItem) => {
    await item.act();
    refresh();
  };
  picker.onDidTriggerItemButton(({ item }) => void act(item));
  picker.onDidAccept(() => {
    const [item] = picker.activeItems;
    if (item) void act(item);
    else picker.hide();
  });
  picker.onDidHide(() => picker.dispose());
  refresh();
  picker.show();
}
