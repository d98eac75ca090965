import { el } from './dom'
import { icon } from './icons'

/** Grey rows that stand for those to come. */
export function skeleton(): HTMLElement {
  const rows = Array.from({ length: 8 }, () =>
    el('div', { class: 'bone' }, el('span', { class: 'bone-face' }), el('span', { class: 'bone-name' }), el('span', { class: 'bone-text' })),
  )
  return el('div', { class: 'skeleton', role: 'status', 'aria-label': 'Loading chats' }, ...rows)
}

/** What a list without a session shows. */
export function emptyState(): HTMLElement {
  return el(
    'div',
    { class: 'state', 'data-testid': 'empty' },
    icon('chat'),
    el('h2', {}, 'No chats yet'),
    el('p', {}, 'Write to somebody, or open this page in a second tab as another person and write from there.'),
  )
}

/** What a search without a hit shows. `partial`: older sessions are not in this browser, and were not searched. */
export function noHits(query: string, partial: boolean, clear: () => void): HTMLElement {
  const button = el('button', { class: 'button', type: 'button', 'data-testid': 'search-clear' }, 'Clear the search')
  button.addEventListener('click', clear)
  const where = partial ? 'Older chats are not in this browser yet, and were not searched.' : 'Names, ids and last messages were searched.'
  return el('div', { class: 'state', 'data-testid': 'no-hits' }, icon('search'), el('h2', {}, 'Nothing found for “', el('bdi', {}, query), '”'), el('p', {}, where), button)
}

/** What stands in the list's place when there is nothing to show but a reason. */
export function errorState(reason: string, retry: () => void): HTMLElement {
  const again = el('button', { class: 'button', type: 'button' }, 'Try again')
  again.addEventListener('click', retry)
  return el('div', { class: 'state bad', role: 'alert', 'data-testid': 'error' }, icon('cloudOff'), el('h2', {}, 'The list could not be loaded'), el('p', {}, reason), again)
}
