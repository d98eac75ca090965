// Package replica is the copy: one account's session list in a browser, kept
// exact by the protocol of sync.md.
//
// It is a pure state machine. Everything that happens outside comes in as an
// Event, everything that it wants done goes out as Effects, and the same events
// give the same effects. The shells around it (wasm/browser with js/, and the
// simulator) have the network, the storage, the timers and the clock.
package replica

// EventKind says what happened. The numbers are the wire between Go and
// JavaScript: core/wiregen writes them to js/src/wire.gen.ts.
type EventKind uint8

// The events. ID, Code, After and Data are used as said here, and zero elsewhere.
const (
	EvStart    EventKind = 1  // first of all: Data is the Config's JSON
	EvLoad     EventKind = 2  // the stored meta record: Data is its JSON, empty when nothing is stored; Code 1: what follows is only what FxReread did not know; ID: how many chunks follow, about
	EvChunk    EventKind = 3  // one stored chunk or journal record, chunks first, each in the order of its number: Data
	EvLoaded   EventKind = 4  // all was read (Code 0), or storage failed and is not to be used (Code 1)
	EvStored   EventKind = 5  // FxStore ID was done (Code 0), found other meta (Code 1: Data is that meta's JSON, empty for none), failed (Code 2) or had no room (Code 3)
	EvOpened   EventKind = 6  // socket ID is open
	EvFrame    EventKind = 7  // socket ID got a text frame: Data; or several, with FrameSeparator between
	EvClosed   EventKind = 8  // socket ID is closed, or never opened: Code is the close code, 1006 when unknown
	EvResponse EventKind = 9  // FxFetch ID was answered: Code is the HTTP status (0: no answer), After the Retry-After in ms, Data the body
	EvTimer    EventKind = 10 // timer ID ran out
	EvNetwork  EventKind = 11 // the browser says online (Code 1) or offline (Code 0)
	EvWake     EventKind = 12 // the page became visible, was shown again or resumed: what was believed may be stale
	EvCall     EventKind = 13 // the app called: ID names the call, Code is a Call constant, Data the parameters' JSON
	EvAbort    EventKind = 14 // the app gave call ID up
	EvClose    EventKind = 15 // the app closes the client
	EvQueued   EventKind = 16 // FxOutbox ID was done (Code 0: Data is the answer), failed (Code 2) or had no room (Code 3); between EvLoad and EvLoaded, with ID 0: the whole stored outbox
	EvRole     EventKind = 17 // among the tabs of its account this one leads (Code 1) or follows (Code 0)
	EvLeader   EventKind = 18 // the tab that leads tells of itself: Data is {connection, cursor, lastError}
	EvChanged  EventKind = 19 // another tab changed what is stored
	EvRefused  EventKind = 20 // another tab told what its FxRefused said: Data
	EvGoOn     EventKind = 21 // the pause that FxPause asked for is over
)

// Event is something that happened outside.
type Event struct {
	Kind  EventKind
	Now   int64 // the page's clock, ms; it may jump, and nothing exact rests on it
	ID    int64
	Code  int64
	After int64
	Data  []byte // the replica may keep it
}

// FrameSeparator stands between frames that came close together. No JSON holds
// it: it is a control character (RFC 7464).
const FrameSeparator = '\x1e'

// The calls of EvCall, and the members of Data.
const (
	CallList   = 1 // {minTimestamp, maxTimestamp, needLastMsg, limit, hasMore}
	CallGet    = 2 // {sessionId, sessionType}
	CallUpdate = 3 // {sessionId, sessionType, ext}
	CallDelete = 4 // {sessionList: [{sessionId, sessionType}]}
)

// How FxFetch asks.
const (
	FetchFresh = 1 // ask the app for a new token first
	FetchSlow  = 2 // the server may hold the answer back for core.MaxWait
)

// EffectKind says what the replica wants done.
type EffectKind uint8

// The effects. ID, Code, Path and Data are used as said here.
const (
	FxReply   EffectKind = 1  // settle call ID with the NIMResult whose JSON is Data; Code 1: the numbers among data.sessionList are names of sessions that the shell keeps, and stand for them
	FxUpdates EffectKind = 2  // Data is a JSON array of RecentSession: one onMySessionUpdate each; with Config.Texts, a lastMsg that is 0 stands for a text behind the array, each after a FrameSeparator, in order
	FxDeletes EffectKind = 3  // Data is a JSON array of {sessionId, sessionType}: one onMySessionDelete
	FxStatus  EffectKind = 4  // Data is the status's JSON (api.md §1 client.status, without storage's cause)
	FxFetch   EffectKind = 5  // POST Data to Path and answer with EvResponse ID; Code is a sum of Fetch constants
	FxDial    EffectKind = 6  // open socket ID to /v1/updates; Code 1: ask the app for a new token first
	FxSend    EffectKind = 7  // send the text Data on socket ID
	FxHangup  EffectKind = 8  // close socket ID with close code Code; no EvClosed is needed
	FxTimer   EffectKind = 9  // (re)start timer ID: EvTimer in Code ms
	FxCancel  EffectKind = 10 // stop timer ID
	FxStore   EffectKind = 11 // write Data, a Batch, with the chunks of FxChunk ID in one transaction and answer with EvStored ID
	FxClosed  EffectKind = 12 // the replica is closed: it wants nothing any more
	FxOutbox  EffectKind = 13 // change the stored outbox as Data says, durably (strict), and answer with EvQueued ID; see outbox.go
	FxSettled EffectKind = 14 // Data tells what became of a write whose call was answered with 202: one onSettled
	FxReread  EffectKind = 15 // read what is stored, of one moment, and answer as at the start, EvLoad to EvLoaded; Data is the meta that is known: while generation and epoch are still its own, the journal records after it are enough; Code 1: storage failed before, so it is opened anew first
	FxRefused EffectKind = 16 // tell the other tabs Data: what the server said against a write of one of them, or that what is stored cannot be read
	FxChunk   EffectKind = 17 // Data is the next chunk of the Batch that FxStore ID will bring; those of any other ID come to nothing; unlike that of the others, it holds until the next event alone
	FxPause   EffectKind = 18 // let the page do what it has to, and go on with EvGoOn: long work is done in slices
	FxTexts   EffectKind = 19 // keep the RecentSessions that Data is, as FxUpdates has them, by names: ID and the numbers after it (Config.Texts)
	FxForget  EffectKind = 20 // let go of all that FxTexts gave: none is named again
)

// Effect is something to be done outside.
type Effect struct {
	Kind EffectKind
	ID   int64
	Code int64
	Path string
	Data []byte // the replica does not touch it again, but for FxChunk's
}
