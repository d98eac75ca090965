import type { Client, ClientStatus, MessageService, NIMResult, RecentSession, SessionKey } from 'recents'
import { stamp } from './ages'
import { avatar } from './avatar'
import { Chat } from './chat'
import { linkTo } from './choice'
import { Composer } from './composer'
import { Deletions } from './deletions'
import { secondDeviceLink } from './devices'
import { el, setText } from './dom'
import { withPinned } from './ext'
import { Finder } from './finder'
import { icon } from './icons'
import { Inspector } from './inspector'
import { Journal } from './journal'
import { List } from './list'
import { Menu } from './menu'
import { Names } from './names'
import { lastMessage, previewOf } from './preview'
import { Reader } from './reader'
import { isField, Search } from './search'
import { Refusal, type Server } from './server'
import { keyOf, Sessions, type Entry } from './sessions'
import { StatusBar } from './status'
import { Threads } from './threads'
import { Toasts } from './toast'
import { View } from './view'
import { inWords } from './words'

/** How often the times in the list grow older, ms. */
const tick = 20_000

/** The home screen of one account: it wires the client's answers and events to the list and the chat. */
export class Home {
  readonly node: HTMLElement
  readonly #service: MessageService
  readonly #names = new Names()
  readonly #sessions = new Sessions()
  readonly #finder: Finder
  readonly #view: View
  readonly #reader: Reader
  readonly #deletions: Deletions
  readonly #threads: Threads
  readonly #list: List
  readonly #search: Search
  readonly #chat: Chat
  readonly #composer: Composer
  readonly #inspector: Inspector
  readonly #menu = new Menu()
  readonly #toasts = new Toasts()
  readonly #status = new StatusBar(() => this.#inspect(!this.#inspector.open))
  readonly #banner = el('p', { class: 'banner', role: 'status', hidden: true })
  readonly #cached = el('p', { class: 'cached', 'data-testid': 'cached-mark', hidden: true })
  readonly #voice = el('p', { class: 'unseen', 'aria-live': 'polite' })
  #connection: ClientStatus['connection'] = 'connecting'
  /** What was read may be old: the client was not in step since. */
  #stale = true
  #stuck = false

  constructor(
    readonly client: Client,
    readonly server: Server,
  ) {
    const me = server.account
    const journal = new Journal()
    journal.follow(client)
    this.#service = journal.timed(client.messageService)
    this.#finder = new Finder(me, this.#names)
    this.#view = new View(this.#sessions, this.#finder)
    this.#reader = this.#newReader()
    this.#deletions = this.#newDeletions()
    this.#threads = new Threads(me, this.#names)
    this.#composer = new Composer(server, this.#names, { retarget: (to) => this.#open(to), groups: () => this.#groups() })
    this.#chat = this.#newChat()
    this.#list = this.#newList()
    this.#search = new Search({ search: (query) => this.#find(query), down: () => this.#list.focus(null), leave: () => this.#list.focus(this.#chat.key) })
    this.#inspector = new Inspector(client, journal, () => this.#inspect(false))
    this.node = this.#layout()
  }

  #newReader(): Reader {
    return new Reader(this.#service, this.#sessions, {
      read: (result, sessions) => this.#readPage(result, sessions),
      failed: (result) => this.#readFailed(result),
      rested: (stuck) => this.#rested(stuck),
    })
  }

  #newDeletions(): Deletions {
    const page = `recents-demo deletions ${this.server.url} ${this.server.account}`
    return new Deletions(this.#service, sessionStorage, page, {
      hidden: (key, on) => this.#hidden(key, on),
      changed: (waiting) => this.#offerUndo(waiting),
      deleted: (key) => this.#gone(key),
      refused: (result) => this.#toasts.complain(inWords(result.code, result.errorDetails)),
    })
  }

  #newChat(): Chat {
    return new Chat(this.#threads, this.#names, this.#composer, {
      pin: (entry) => this.#pin(entry),
      remove: (entry) => this.#deletions.add(entry.session),
      revoke: (entry) => this.#revoke(entry),
      back: () => this.#back(),
    })
  }

  #newList(): List {
    return new List(this.server.account, this.#names, this.#view, {
      open: (entry, byKeyboard) => this.#pick(entry, byKeyboard),
      pin: (entry) => this.#pin(entry),
      remove: (entry) => this.#deletions.add(entry.session),
      menu: (entry, at) => this.#showMenu(entry, at),
      more: () => this.#more(),
      retry: () => this.#reader.refresh(true),
    })
  }

  /** Starts: listens, and reads the newest page. */
  start(): void {
    const { messageService, onStatus } = this.client
    messageService.onMySessionUpdate.listen((session) => this.#arrived(session))
    messageService.onMySessionDelete.listen((keys) => keys.forEach((key) => this.#gone(keyOf(key))))
    onStatus.listen((status) => this.#statusChanged(status))
    setInterval(() => this.#list.grow(Date.now()), tick)
    window.addEventListener('pagehide', () => void this.#deletions.commit())
    this.#list.foot('loading')
    this.#reader.refresh(true)
    this.#statusChanged(this.client.status)
    void this.#deletions.recover()
  }

  #layout(): HTMLElement {
    const me = this.server.account
    const write = el('button', { class: 'tool', type: 'button', title: 'New message', 'aria-label': 'New message' }, icon('compose'))
    write.addEventListener('click', () => this.#writeNew())
    const away = el('a', { class: 'tool', href: linkTo(null), title: 'Be somebody else', 'aria-label': 'Be somebody else' }, icon('switch'))
    const title = el('div', { class: 'side-title' }, el('h1', {}, el('bdi', {}, me)), this.#cached)
    const head = el('header', { class: 'side-head' }, avatar('p2p', me, me), title, secondDeviceLink(), away, write)
    const side = el('section', { class: 'side', 'aria-label': 'Chats' }, head, this.#search.node, this.#banner, this.#list.node, this.#status.node)
    const home = el('main', { class: 'home', 'data-view': 'list' }, side, this.#chat.node, this.#inspector.node, this.#toasts.node, this.#menu.node, this.#voice)
    home.addEventListener('keydown', (event) => this.#keydown(event))
    return home
  }

  #keydown(event: KeyboardEvent): void {
    if (event.key === 'Escape') this.#inspector.open ? this.#inspect(false) : this.#back()
    else if (event.key === 'z' && (event.ctrlKey || event.metaKey) && !event.shiftKey && !isField(event.target)) this.#undo()
  }

  // Reading

  /** Reads older sessions, when somebody gets near the end of those here. */
  #more(): void {
    this.#list.foot('loading-more')
    this.#reader.more()
  }

  #readPage(result: NIMResult<unknown>, sessions: readonly RecentSession[]): void {
    if (!performance.getEntriesByName('first-list').length) performance.mark('first-list')
    this.#showSource(result)
    this.#learn(sessions)
    for (const session of sessions) this.#finder.prepare(session)
    this.#list.show()
    this.#showChat()
    if (this.#sessions.reach !== 0 && this.#view.entries.length > 0) this.#list.foot('loading-more')
  }

  #readFailed(result: NIMResult<unknown>): void {
    const reason = this.#reasonOf(result)
    if (this.#sessions.entries.length === 0) this.#list.foot({ error: reason })
    else this.#toasts.complain(reason)
  }

  #rested(stuck: boolean): void {
    this.#stuck = stuck
    this.#foot()
  }

  #reasonOf({ code, errorDetails }: NIMResult<unknown>): string {
    if (!this.server.givesTokens) return 'This server gives no demo sign-ins: it has to be started with -dev.'
    if (code !== 415 || this.#sessions.reach !== Infinity) return inWords(code, errorDetails)
    return 'The server cannot be reached, and this browser has nothing saved for this account yet.'
  }

  #foot(): void {
    const { entries, whole, searching } = this.#view
    const { reach } = this.#sessions
    if (searching && entries.length === 0) this.#list.foot({ query: this.#search.query, partial: !whole, clear: () => this.#search.clear() })
    else if (whole) this.#list.foot(entries.length ? 'end' : 'empty')
    else if (reach !== Infinity && this.#sessions.entries.length) this.#list.foot(this.#stuck ? 'unreachable' : 'more')
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
    this.#deletions.arrived(session)
    this.#list.touch(entry.key, isNew && this.#welcome(entry))
    if (!before || this.#view.searching) this.#foot() // it may have been the empty state's, or be found no longer
    if (this.#chat.key === entry.key) this.#showChat()
  }

  /** Tells of a message. Returns whether its row should light up: what others wrote does. */
  #welcome(entry: Entry): boolean {
    const message = lastMessage(entry.session)
    if (!message || message.messageDirection === 'outgoing') return false
    if (entry.key === this.#chat.key) return true // the open chat speaks for itself
    const { sender, text } = previewOf(entry.session, this.server.account, this.#names)
    const from = this.#names.titleOf(entry.session)
    setText(this.#voice, `New message ${sender ? `in ${from} by ${sender}` : `from ${from}`}: ${text}`)
    return true
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
    if (connection !== 'live' && connection !== 'connecting') this.#stale = true
    if (connection === 'offline') this.#reader.refresh(false) // what is shown is fresh no longer
    if (connection !== 'live') return
    this.#reader.refresh(this.#stale)
    this.#stale = false
  }

  #showBanner(connection: ClientStatus['connection']): void {
    const texts: Partial<Record<ClientStatus['connection'], string>> = {
      offline: 'Offline: changes wait until the server can be reached',
      unauthorized: 'Signed out: the server does not accept this account’s token',
    }
    const text = texts[connection] ?? ''
    this.#banner.hidden = !text
    this.#banner.dataset.testid = `${connection}-banner`
    setText(this.#banner, text)
  }

  // What a person does

  #find(query: string): void {
    if (!this.#view.search(query)) return
    this.#list.turn()
    this.#foot()
    const { length } = this.#view.entries
    if (this.#view.searching) setText(this.#voice, length === 1 ? '1 chat found' : `${length} chats found`)
  }

  #inspect(on: boolean): void {
    this.node.toggleAttribute('data-inspecting', on)
    this.#inspector.show(on)
    this.#status.inspecting(on)
  }

  #showMenu(entry: Entry, at: { x: number; y: number }): void {
    const { key, pinned } = entry
    this.#menu.open(
      `What to do with ${this.#names.titleOf(entry.session)}`,
      [
        { label: 'Open', icon: 'chat', key: 'Enter', act: () => this.#pick(entry, true) },
        { label: pinned ? 'Unpin' : 'Pin', icon: 'pin', key: 'P', act: () => this.#pin(entry) },
        { label: 'Delete', icon: 'trash', key: 'Del', act: () => this.#deletions.add(entry.session) },
      ],
      at,
      () => this.#list.focus(key),
    )
  }

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
    if (this.#view.entries.length > 0) this.#list.focus(this.#chat.key)
    else this.#search.focus()
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
    const result = await this.#service.updateMySession(session.sessionId, session.sessionType, ext)
    if (result.isSuccess) {
      setText(this.#voice, `${pinned ? 'Unpinned' : 'Pinned'} ${this.#names.titleOf(session)}`)
      return this.#reread(session)
    }
    if (this.#sessions.get(entry.key) === shown) this.#put(session)
    this.#toasts.complain(inWords(result.code, result.errorDetails))
  }

  async #reread(key: SessionKey): Promise<void> {
    const moment = this.#sessions.moment()
    const result = await this.#service.queryMySession(key.sessionId, key.sessionType)
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
    if (this.#view.get(key)) this.#list.show([key])
    else this.#list.hide(key)
    if (this.#chat.key === key) this.#showChat()
  }

  /** Leaves a session out that is being deleted, or puts it back. */
  #hidden(key: string, on: boolean): void {
    this.#view.hide(key, on)
    if (on) this.#list.hide(key)
    else this.#list.show([key])
    this.#foot()
    if (on && this.#chat.key === key) this.#close()
  }

  #offerUndo(waiting: number): void {
    this.#toasts.clear()
    if (waiting === 0) return
    const text = waiting === 1 ? 'Chat deleted' : `${waiting} chats deleted`
    const toast = this.#toasts.offer(text, { label: 'Undo', testid: 'undo', act: () => this.#undo() })
    for (const type of ['pointerenter', 'focusin']) toast.addEventListener(type, () => this.#deletions.pause())
    for (const type of ['pointerleave', 'focusout']) toast.addEventListener(type, () => this.#deletions.resume())
  }

  #undo(): void {
    const [first] = this.#deletions.undo()
    if (first === undefined) return
    this.#list.focus(first)
    setText(this.#voice, 'Brought back')
  }

  async #revoke({ session }: Entry): Promise<void> {
    const uuid = session.recentSession.lastMessageId
    if (!uuid) return
    try {
      await this.server.revoke(session, uuid)
    } catch (error) {
      const reason = error instanceof Refusal ? inWords(error.code, error.message) : 'The server cannot be reached.'
      this.#toasts.complain(`Not taken back. ${reason}`)
    }
  }

  #groups(): SessionKey[] {
    return this.#sessions.entries.map(({ session }) => session).filter(({ sessionType }) => sessionType !== 'p2p')
  }
}
