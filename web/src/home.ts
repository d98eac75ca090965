import type { Client, ClientStatus, NIMResult, RecentSession, RecentSessionList, SessionKey } from 'recents'
import { stamp } from './ages'
import { avatar } from './avatar'
import { Chat } from './chat'
import { linkTo } from './choice'
import { Composer } from './composer'
import { el, setText } from './dom'
import { withPinned } from './ext'
import { icon } from './icons'
import { List } from './list'
import { Names } from './names'
import { lastMessage, previewOf } from './preview'
import { Refusal, type Server } from './server'
import { keyOf, Sessions, type Entry, type Page } from './sessions'
import { StatusBar } from './status'
import { Threads } from './threads'
import { inWords } from './words'

/** Sessions a page: one query's answer, and what the list draws at a time. */
const pageSize = 50

/** How often the times in the list grow older, ms. */
const tick = 20_000

/** The home screen of one account: it wires the client's answers and events to the list and the chat. */
export class Home {
  readonly node: HTMLElement
  readonly #names = new Names()
  readonly #sessions = new Sessions()
  readonly #threads: Threads
  readonly #list: List
  readonly #chat: Chat
  readonly #composer: Composer
  readonly #status = new StatusBar()
  readonly #banner = el('p', { class: 'banner', role: 'status', hidden: true })
  readonly #cached = el('p', { class: 'cached', 'data-testid': 'cached-mark', hidden: true })
  readonly #voice = el('p', { class: 'unseen', 'aria-live': 'polite' })
  readonly #toasts = el('div', { class: 'toasts' })
  #connection: ClientStatus['connection'] = 'connecting'
  /** The queries, one after the other: pages are asked from where the one before ended. */
  #reading: Promise<unknown> = Promise.resolve()
  #stuck = false

  constructor(
    readonly client: Client,
    readonly server: Server,
  ) {
    const me = server.account
    this.#threads = new Threads(me, this.#names)
    this.#composer = new Composer(server, this.#names, { retarget: (to) => this.#open(to), groups: () => this.#groups() })
    this.#chat = new Chat(this.#threads, this.#names, this.#composer, {
      pin: (entry) => this.#pin(entry),
      remove: (entry) => this.#remove(entry),
      revoke: (entry) => this.#revoke(entry),
      back: () => this.#back(),
    })
    this.#list = new List(me, this.#names, this.#sessions, {
      open: (entry, byKeyboard) => this.#pick(entry, byKeyboard),
      pin: (entry) => this.#pin(entry),
      remove: (entry) => this.#remove(entry),
      more: () => this.#more(),
      retry: () => this.#refresh(),
    })
    this.node = this.#layout()
  }

  /** Starts: listens, and reads the newest page. */
  start(): void {
    const { messageService, onStatus } = this.client
    messageService.onMySessionUpdate.listen((session) => this.#arrived(session))
    messageService.onMySessionDelete.listen((keys) => keys.forEach((key) => this.#gone(keyOf(key))))
    onStatus.listen((status) => this.#statusChanged(status))
    setInterval(() => this.#list.grow(Date.now()), tick)
    this.#list.foot('loading')
    this.#refresh()
    this.#statusChanged(this.client.status)
  }

  #layout(): HTMLElement {
    const me = this.server.account
    const write = el('button', { class: 'tool', type: 'button', title: 'New message', 'aria-label': 'New message' }, icon('compose'))
    write.addEventListener('click', () => this.#writeNew())
    const away = el('a', { class: 'tool', href: linkTo(null), title: 'Be somebody else', 'aria-label': 'Be somebody else' }, icon('switch'))
    const title = el('div', { class: 'side-title' }, el('h1', {}, el('bdi', {}, me)), this.#cached)
    const head = el('header', { class: 'side-head' }, avatar('p2p', me, me), title, away, write)
    const side = el('section', { class: 'side', 'aria-label': 'Chats' }, head, this.#banner, this.#list.node, this.#status.node)
    const home = el('main', { class: 'home', 'data-view': 'list' }, side, this.#chat.node, this.#voice, this.#toasts)
    home.addEventListener('keydown', (event) => event.key === 'Escape' && this.#back())
    return home
  }

  // Reading

  /** Reads the page after the oldest one here. */
  #more(): void {
    if (this.#sessions.reach === 0) return
    this.#queue(async () => {
      this.#list.foot('loading-more')
      await this.#readPage(this.#sessions.reach)
      this.#foot()
    })
  }

  /** Reads again what the list shows, and what belongs above it. */
  #refresh(): void {
    this.#queue(async () => {
      const reached = this.#sessions.reach === Infinity ? Number.MAX_SAFE_INTEGER : this.#sessions.reach
      let next = await this.#readPage(0)
      while (next !== null && next > reached) next = await this.#readPage(next)
      this.#foot()
    })
  }

  #queue(read: () => Promise<void>): void {
    this.#reading = this.#reading.then(read)
  }

  /** Reads one page into the list. Returns where the next one starts, null when it failed or leads nowhere. */
  async #readPage(maxTimestamp: number): Promise<number | null> {
    const from = Number.isFinite(maxTimestamp) ? maxTimestamp : 0
    const moment = this.#sessions.moment()
    const result = await this.client.messageService.queryMySessionList({ maxTimestamp: from, limit: pageSize })
    if (!result.isSuccess || !result.data) return this.#failed(result)
    this.#showSource(result)
    const page = pageOf(result.data, from)
    this.#stuck = page === null
    if (!page) return null
    this.#sessions.putPage(page, moment)
    this.#learn(page.sessions)
    this.#list.show()
    this.#showChat()
    return page.next
  }

  #failed(result: NIMResult<unknown>): null {
    this.#stuck = true
    const reason = this.#reasonOf(result)
    if (this.#sessions.entries.length === 0) this.#list.foot({ error: reason })
    else this.#complain(reason)
    return null
  }

  #reasonOf({ code, errorDetails }: NIMResult<unknown>): string {
    if (!this.server.givesTokens) return 'This server gives no demo sign-ins: it has to be started with -dev.'
    if (code !== 415 || this.#sessions.reach !== Infinity) return inWords(code, errorDetails)
    return 'The server cannot be reached, and this browser has nothing saved for this account yet.'
  }

  #foot(): void {
    const { entries, reach } = this.#sessions
    if (reach === 0) this.#list.foot(entries.length ? 'end' : 'empty')
    else if (entries.length && reach !== Infinity) this.#list.foot(this.#stuck ? 'unreachable' : 'more')
  }

  #showSource({ source, fresh, asOf }: NIMResult<unknown>): void {
    this.#list.source(source, fresh)
    this.#cached.hidden = source !== 'cache' || fresh
    setText(this.#cached, asOf > 0 ? `Saved copy, as of ${stamp(asOf, Date.now())}` : 'Saved copy')
  }

  #learn(sessions: readonly RecentSession[]): void {
    let news = false
    for (const session of sessions) {
      news = this.#names.learn(session) || news
      this.#threads.note(session)
    }
    if (news) this.#list.redraw()
  }

  // Events

  #arrived(session: RecentSession): void {
    const before = this.#sessions.get(keyOf(session))
    const isNew = session.updateTime > (before?.session.updateTime ?? 0)
    this.#learn([session])
    const entry = this.#sessions.put(session)
    if (!entry) return
    this.#list.show(entry.key)
    if (isNew) this.#welcome(entry)
    if (!before) this.#foot() // it may have been the empty state's
    if (this.#chat.key === entry.key) this.#showChat()
  }

  #welcome(entry: Entry): void {
    const message = lastMessage(entry.session)
    if (!message || message.messageDirection === 'outgoing') return
    this.#list.flash(entry.key)
    if (entry.key === this.#chat.key) return // the open chat speaks for itself
    const { sender, text } = previewOf(entry.session, this.server.account, this.#names)
    const from = this.#names.titleOf(entry.session)
    setText(this.#voice, `New message ${sender ? `in ${from} by ${sender}` : `from ${from}`}: ${text}`)
  }

  #gone(key: string): void {
    this.#threads.forget(key)
    if (!this.#sessions.remove(key)) return
    this.#list.hide(key)
    this.#foot()
    if (this.#chat.key === key) this.#close()
  }

  #statusChanged(status: ClientStatus): void {
    this.#status.show(status)
    const { connection } = status
    if (connection === this.#connection) return
    this.#connection = connection
    this.#showBanner(connection)
    if (connection === 'live' || connection === 'offline') this.#refresh() // what is shown is now fresh, or no longer
  }

  #showBanner(connection: ClientStatus['connection']): void {
    const texts: Partial<Record<ClientStatus['connection'], string>> = {
      offline: 'Offline: showing what this browser has saved',
      unauthorized: 'Signed out: the server does not accept this account’s token',
    }
    const text = texts[connection] ?? ''
    this.#banner.hidden = !text
    this.#banner.dataset.testid = `${connection}-banner`
    setText(this.#banner, text)
  }

  // What a person does

  #pick(entry: Entry, byKeyboard: boolean): void {
    this.#composer.turnTo(entry.session)
    this.#open(entry.session)
    if (byKeyboard) this.#composer.focus()
  }

  #open(target: SessionKey): void {
    this.#chat.show(target, this.#sessions.get(keyOf(target)))
    this.#list.select(keyOf(target))
    this.node.dataset.view = 'chat'
  }

  #showChat(): void {
    const { key } = this.#chat
    if (key === null) return
    const entry = this.#sessions.get(key)
    if (entry) this.#chat.show(entry.session, entry)
  }

  #writeNew(): void {
    this.#close()
    this.#composer.turnTo({ sessionId: '', sessionType: 'p2p' })
    this.node.dataset.view = 'chat'
    this.#composer.focus()
  }

  #back(): void {
    this.node.dataset.view = 'list'
    this.#list.focus(this.#chat.key)
  }

  #close(): void {
    this.#chat.show(null, undefined)
    this.#list.select(null)
    this.node.dataset.view = 'list'
  }

  async #pin(entry: Entry): Promise<void> {
    const { session, pinned } = entry
    const ext = withPinned(session.ext, !pinned)
    const shown = this.#put({ ...session, ext })
    const result = await this.client.messageService.updateMySession(session.sessionId, session.sessionType, ext)
    if (result.isSuccess) {
      setText(this.#voice, `${pinned ? 'Unpinned' : 'Pinned'} ${this.#names.titleOf(session)}`)
      return this.#reread(session)
    }
    if (this.#sessions.get(entry.key) === shown) this.#put(session)
    this.#complain(inWords(result.code, result.errorDetails))
  }

  async #reread(key: SessionKey): Promise<void> {
    const moment = this.#sessions.moment()
    const result = await this.client.messageService.queryMySession(key.sessionId, key.sessionType)
    if (!result.data || !this.#sessions.putRead(result.data, moment)) return
    this.#showOne(keyOf(key))
  }

  #put(session: RecentSession): Entry | null {
    const entry = this.#sessions.put(session)
    this.#showOne(keyOf(session))
    return entry
  }

  /** Shows what the sessions hold of a key: its row, or none when its page was not read yet. */
  #showOne(key: string): void {
    if (this.#sessions.get(key)) this.#list.show(key)
    else this.#list.hide(key)
    if (this.#chat.key === key) this.#showChat()
  }

  async #remove({ key, session }: Entry): Promise<void> {
    const result = await this.client.messageService.deleteMySession([{ sessionId: session.sessionId, sessionType: session.sessionType }])
    if (!result.isSuccess) return this.#complain(inWords(result.code, result.errorDetails))
    setText(this.#voice, `Deleted the chat with ${this.#names.titleOf(session)}`)
    this.#gone(key)
  }

  async #revoke({ session }: Entry): Promise<void> {
    const uuid = session.recentSession.lastMessageId
    if (!uuid) return
    try {
      await this.server.revoke(session, uuid)
    } catch (error) {
      const reason = error instanceof Refusal ? inWords(error.code, error.message) : 'The server cannot be reached.'
      this.#complain(`Not taken back. ${reason}`)
    }
  }

  /** Shows a failure until it is read, or the next one comes. */
  #complain(reason: string): void {
    const dismiss = el('button', { class: 'text-button', type: 'button' }, 'Dismiss')
    const toast = el('p', { class: 'toast', role: 'alert', 'data-testid': 'error' }, el('span', {}, reason), dismiss)
    dismiss.addEventListener('click', () => toast.remove())
    this.#toasts.replaceChildren(toast)
  }

  #groups(): SessionKey[] {
    return this.#sessions.entries.map(({ session }) => session).filter(({ sessionType }) => sessionType !== 'p2p')
  }
}

/** The page of an answer; null when it leads nowhere: more exists, but not in this browser. */
function pageOf(data: RecentSessionList, from: number): Page | null {
  const { sessionList, hasMore, nextMaxTimestamp } = data
  if (!hasMore) return { sessions: sessionList, from, next: 0 }
  if (sessionList.length === 0) return null
  const next = nextMaxTimestamp || sessionList[sessionList.length - 1]!.updateTime - 1
  return { sessions: sessionList, from, next }
}
