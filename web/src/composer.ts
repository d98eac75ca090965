import type { SessionKey, SessionType } from 'recents'
import { el } from './dom'
import { icon } from './icons'
import type { Names } from './names'
import { newUUID, Refusal, type Server } from './server'
import { keyOf } from './sessions'
import { sendFailure } from './words'

/** What the composer asks of the page around it. */
export interface ComposerEvents {
  /** The person named another receiver by hand. */
  retarget(to: SessionKey): void
  /** The groups that the person is in: a person can't make one. */
  groups(): readonly SessionKey[]
}

/** Writes a message to a person or a group. */
export class Composer {
  readonly node: HTMLFormElement
  readonly #type = el('select', { id: 'to-type', 'data-testid': 'composer-type' }, option('p2p', 'Person'), option('team', 'Team'), option('superTeam', 'Super team'))
  readonly #to = el('input', { id: 'to', 'data-testid': 'composer-to', list: 'groups', maxlength: '64', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', required: true, dir: 'auto', placeholder: 'account' })
  readonly #groups = el('datalist', { id: 'groups' })
  readonly #text = el('textarea', { id: 'text', 'data-testid': 'composer-text', rows: '1', maxlength: '5000', required: true, dir: 'auto', placeholder: 'Write a message' })
  readonly #send = el('button', { class: 'send', type: 'submit', 'data-testid': 'composer-send' }, icon('send'), el('span', { class: 'unseen' }, 'Send'))
  readonly #drafts = new Map<string, string>()
  #error: HTMLElement | null = null
  #attempt = { body: '', uuid: '' }

  constructor(
    readonly server: Server,
    readonly names: Names,
    readonly events: ComposerEvents,
  ) {
    this.node = el(
      'form',
      { class: 'composer', 'aria-label': 'New message' },
      el('div', { class: 'composer-to' }, el('label', { for: 'to' }, 'To'), el('label', { class: 'unseen', for: 'to-type' }, 'Kind of receiver'), this.#type, this.#to, this.#groups),
      el('div', { class: 'composer-line' }, el('label', { class: 'unseen', for: 'text' }, 'Message'), this.#text, this.#send),
    )
    this.node.addEventListener('submit', (event) => this.#submit(event))
    this.#text.addEventListener('keydown', (event) => this.#enter(event))
    this.#text.addEventListener('input', () => this.#clearError())
    for (const field of [this.#to, this.#type]) field.addEventListener('change', () => this.#retargeted())
  }

  /** The receiver as it stands in the form. */
  get target(): SessionKey {
    return { sessionId: this.#to.value.trim(), sessionType: this.#type.value as SessionType }
  }

  /** Turns to a chat. What was written to another one stays there. */
  turnTo(to: SessionKey): void {
    this.#drafts.set(keyOf(this.target), this.#text.value)
    this.#type.value = to.sessionType
    this.#to.value = to.sessionId
    this.#text.value = this.#drafts.get(keyOf(to)) ?? ''
    this.#clearError()
    this.#labelTo()
  }

  /** Puts the focus where the next word goes: the receiver when there is none, else the text. */
  focus(): void {
    const field = this.#to.value ? this.#text : this.#to
    field.focus()
  }

  #retargeted(): void {
    this.#clearError()
    this.#labelTo()
    if (this.target.sessionId) this.events.retarget(this.target)
  }

  #labelTo(): void {
    const { sessionType } = this.target
    this.#to.placeholder = sessionType === 'p2p' ? 'account' : 'group id'
    const groups = this.events.groups().filter((group) => group.sessionType === sessionType)
    this.#groups.replaceChildren(...groups.map(({ sessionId }) => el('option', { value: sessionId })))
  }

  #enter(event: KeyboardEvent): void {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    this.node.requestSubmit()
  }

  async #submit(event: Event): Promise<void> {
    event.preventDefault()
    const to = this.target
    const content = this.#text.value.trim()
    if (!to.sessionId || !content || this.#send.disabled) return
    this.#clearError()
    this.#send.disabled = true
    try {
      await this.#deliver(to, content)
    } catch (error) {
      this.#showError(this.#reason(error, to))
    } finally {
      this.#send.disabled = false
    }
  }

  async #deliver(to: SessionKey, content: string): Promise<void> {
    await this.server.send(to, { uuid: this.#uuidFor(to, content), content, ...this.names.tagsFor(to, this.server.account) })
    this.#attempt = { body: '', uuid: '' }
    this.#drafts.delete(keyOf(to))
    if (keyOf(this.target) === keyOf(to) && this.#text.value.trim() === content) this.#text.value = ''
    this.events.retarget(to)
  }

  /** The same text to the same receiver again has the same id: a message whose answer was lost is not sent twice. */
  #uuidFor(to: SessionKey, content: string): string {
    const body = `${keyOf(to)}\n${content}`
    if (this.#attempt.body !== body) this.#attempt = { body, uuid: newUUID() }
    return this.#attempt.uuid
  }

  #reason(error: unknown, to: SessionKey): string {
    if (error instanceof Refusal) return sendFailure(error.code, error.message, to)
    return 'Not sent: the server cannot be reached. Your text is still here.'
  }

  #showError(reason: string): void {
    this.#clearError()
    this.#error = el('p', { class: 'composer-error', role: 'alert', 'data-testid': 'error' }, reason)
    this.node.prepend(this.#error)
  }

  #clearError(): void {
    this.#error?.remove()
    this.#error = null
  }
}

function option(value: SessionType, text: string): HTMLOptionElement {
  return el('option', { value }, text)
}
