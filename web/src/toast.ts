import { el } from './dom'

/** What a toast offers to do. */
export interface ToastAction {
  label: string
  testid: string
  act(): void
}

/** Short words over the page, one at a time: what failed until it is read, or what was done and can be undone. */
export class Toasts {
  readonly node = el('div', { class: 'toasts' })

  /** Shows a failure until it is dismissed, or the next one comes. */
  complain(reason: string): void {
    const toast = this.#show('alert', 'error', reason, { label: 'Dismiss', testid: 'dismiss', act: () => toast.remove() })
    toast.classList.add('bad')
  }

  /** Shows what was done, with a way back; the caller takes it away again with {@link clear}. */
  offer(text: string, action: ToastAction): HTMLElement {
    return this.#show('status', 'undo-toast', text, action)
  }

  /** Takes an offer away, and leaves a failure to be read. */
  clear(): void {
    this.#find('undo-toast')?.remove()
  }

  #show(role: string, testid: string, text: string, { label, testid: id, act }: ToastAction): HTMLElement {
    const button = el('button', { class: 'text-button', type: 'button', 'data-testid': id }, label)
    button.addEventListener('click', act)
    const toast = el('p', { class: 'toast', role, 'data-testid': testid }, el('span', {}, text), button)
    this.#find(testid)?.remove()
    this.node.append(toast)
    return toast
  }

  #find(testid: string): Element | null {
    return this.node.querySelector(`[data-testid=${testid}]`)
  }
}
