/** Something that must be undone once. */
export interface Disposable {
  dispose(): void;
}

/** Everything that ends together. Disposed in reverse order; what is added after that is disposed at once. */
export class DisposableBag implements Disposable {
  #items: Disposable[] = [];
  #isDisposed = false;

  add<T extends Disposable>(item: T): T {
    if (this.#isDisposed) item.dispose();
    else this.#items.push(item);
    return item;
  }

  dispose(): void {
    this.#isDisposed = true;
    for (const item of this.#items.splice(0).reverse()) item.dispose();
  }
}
