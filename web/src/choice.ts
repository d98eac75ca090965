import { avatar } from './avatar'
import { el } from './dom'

const people = [
  { account: 'alice', about: 'a full list' },
  { account: 'bob', about: 'a friend' },
  { account: 'carol', about: 'a friend' },
  { account: 'dave', about: 'a friend' },
]

/** The first screen: who are you? Each answer is a link, so that two tabs can be two people. */
export function choice(): HTMLElement {
  const cards = people.map(({ account, about }) =>
    el('a', { class: 'card', href: linkTo(account), 'data-account': account }, avatar('p2p', account, account), el('span', { class: 'card-name' }, account), el('span', { class: 'card-about' }, about)),
  )
  return el(
    'main',
    { class: 'choice', 'data-testid': 'account-choice' },
    el('h1', {}, 'Who are you?'),
    el('p', { class: 'lead' }, 'Open this page in two tabs as two people and let them talk. Each sees the same list on every device, and offline too.'),
    el('nav', { class: 'cards', 'aria-label': 'Demo accounts' }, ...cards),
    otherAccount(),
  )
}

function otherAccount(): HTMLElement {
  const form = el(
    'form',
    { class: 'other', method: 'get' },
    el('label', { for: 'as' }, 'Somebody else'),
    el('input', { id: 'as', name: 'as', required: true, maxlength: '64', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', dir: 'auto', placeholder: 'any account', pattern: '[^\\/]+' }),
    el('button', { class: 'button', type: 'submit' }, 'Go'),
  )
  for (const [name, value] of new URLSearchParams(location.search)) {
    if (name !== 'as') form.append(el('input', { type: 'hidden', name, value })) // a form drops the address's own query
  }
  return form
}

/** This page's address as that account. */
export function linkTo(account: string | null): string {
  const query = new URLSearchParams(location.search)
  query.delete('as')
  if (account !== null) query.set('as', account)
  return `${location.pathname}?${query}`
}
