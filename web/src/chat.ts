import type { SessionKey } from 'recents'
import { fullTime, isoTime, stamp } from './ages'
import { avatar } from './avatar'
import type { Composer } from './composer'
import { el } from './dom'
import { icon, type IconName } from './icons'
import type { Names } from './names'
import { lastMessage } from './preview'
import { keyOf, type Entry } from './sessions'
import type { Bubble, Threads } from './threads'

/** What a person does with the open chat. */
export interface ChatActions {
  pin(entry: Entry): void
  remove(entry: Entry): void
  revoke(entry: Entry): void
  back(): void
}

const kinds = { p2p: 'Person', team: 'Team', superTeam: 'Super team' } as const

/** The open chat: who it is, what was said since the page is open, and the composer. */
export class Chat {
  readonly node: HTMLElement
  readonly #head = el('header', { class: 'chat-head' })
  readonly #thread = el('div', { class: 'thread', role: 'log', 'aria-label': 'Messages', tabindex: '0' })
  #target: SessionKey | null = null
  /** What the thread shows; null when it shows no bubbles. */
  #shown: readonly Bubble[] | null = null

  constructor(
    readonly threads: Threads,
    readonly names: Names,
    readonly composer: Composer,
    readonly actions: ChatActions,
  ) {
    this.node = el('section', { class: 'chat', 'aria-label': 'Chat' }, this.#head, this.#thread, composer.node)
    this.show(null, undefined)
  }

  /** The key of the chat that is open; null for none. */
  get key(): string | null {
    return this.#target && keyOf(this.#target)
  }

  /** Opens a chat, or none; the entry is missing when there is no session of that key yet. */
  show(target: SessionKey | null, entry: Entry | undefined): void {
    if (!target || keyOf(target) !== this.key) this.#shown = null
    this.#target = target
    this.#showHead(target ? this.#headNodes(target, entry) : [this.#backButton(), el('h2', { class: 'chat-name' }, 'New message')])
    const bubbles = target ? this.threads.of(keyOf(target)) : []
    if (target && bubbles.length) this.#showBubbles(bubbles, target)
    else this.#thread.replaceChildren(target ? blank(entry) : hints())
  }

  /** Draws the head; a button that had the focus hands it on to its successor. */
  #showHead(nodes: Node[]): void {
    const focused = this.#head.contains(document.activeElement) ? document.activeElement?.getAttribute('data-testid') : null
    this.#head.replaceChildren(...nodes)
    if (focused) this.#head.querySelector<HTMLElement>(`[data-testid="${focused}"]`)?.focus()
  }

  /** Draws the bubbles. New ones are added below the others, since a screen reader speaks what is added to a log. */
  #showBubbles(bubbles: readonly Bubble[], target: SessionKey): void {
    const shown = this.#shown
    this.#shown = bubbles
    if (shown === bubbles) return
    const grown = shown?.every((bubble, i) => bubble === bubbles[i]) ? shown.length : 0
    const nodes = bubbles.slice(grown).map((bubble) => this.#bubbleNode(bubble, target))
    if (grown > 0) this.#thread.append(...nodes)
    else this.#thread.replaceChildren(...nodes)
    this.#thread.scrollTop = this.#thread.scrollHeight
  }

  #headNodes(target: SessionKey, entry: Entry | undefined): Node[] {
    const name = this.names.titleOf(target)
    const kind = kinds[target.sessionType] + (name === target.sessionId ? '' : ` · ${target.sessionId}`)
    const title = el('div', { class: 'chat-title' }, el('h2', { class: 'chat-name' }, el('bdi', {}, name)), el('p', { class: 'chat-kind' }, kind))
    return [this.#backButton(), avatar(target.sessionType, target.sessionId, name), title, ...(entry ? this.#tools(entry) : [])]
  }

  #tools(entry: Entry): Node[] {
    const pin = tool('pin', entry.pinned ? 'Unpin' : 'Pin', 'pin', () => this.actions.pin(entry))
    pin.setAttribute('aria-pressed', String(entry.pinned))
    const mine = entry.session.lastMsgType === 0 && lastMessage(entry.session)?.messageDirection === 'outgoing'
    const revoke = mine && tool('revoked', 'Take back my last message', 'revoke', () => this.actions.revoke(entry))
    return [revoke || null, pin, tool('trash', 'Delete chat', 'delete', () => this.actions.remove(entry))].filter((n) => n !== null)
  }

  #backButton(): HTMLElement {
    const button = tool('back', 'Back to the list', 'back', () => this.actions.back())
    button.classList.add('narrow-only')
    return button
  }

  #bubbleNode(bubble: Bubble, target: SessionKey): HTMLElement {
    const named = !bubble.mine && !bubble.revoked && target.sessionType !== 'p2p'
    return el(
      'div',
      { class: `bubble ${bubble.mine ? 'mine' : 'theirs'}${bubble.revoked ? ' gone' : ''}` },
      named && el('span', { class: 'bubble-from', dir: 'auto' }, this.names.of(bubble.from)),
      el('span', { class: 'bubble-text', dir: 'auto' }, bubble.sign ? icon(bubble.sign) : null, bubble.text),
      el('time', { datetime: isoTime(bubble.at), title: fullTime(bubble.at) }, stamp(bubble.at, Date.now())),
    )
  }
}

function tool(name: IconName, label: string, testid: string, act: () => void): HTMLButtonElement {
  const button = el('button', { class: 'tool', type: 'button', title: label, 'aria-label': label, 'data-testid': testid }, icon(name))
  button.addEventListener('click', act)
  return button
}

function blank(entry: Entry | undefined): HTMLElement {
  const text = entry ? 'This chat has no message that can be shown.' : 'No chat yet: the first message begins it.'
  return el('p', { class: 'thread-note' }, text)
}

function hints(): HTMLElement {
  const key = (name: string, does: string): HTMLElement => el('div', {}, el('dt', {}, el('kbd', {}, name)), el('dd', {}, does))
  return el(
    'div',
    { class: 'state' },
    icon('chat'),
    el('h2', {}, 'Pick a chat, or write to somebody'),
    el('p', {}, 'Open this page in a second tab as another person: the two can talk to each other.'),
    el('dl', { class: 'keys' }, key('/', 'search'), key('↑ ↓', 'walk the list'), key('Enter', 'open'), key('p', 'pin'), key('m', 'menu'), key('Delete', 'delete'), key('Ctrl Z', 'undo')),
  )
}
