package account

import (
	"context"

	"recents/core"
)

// Accounts is where the accounts of one place are: a file on one machine, a
// Durable Object's storage at the edge.
type Accounts interface {
	// View runs fn on one moment's state. fn must not commit.
	View(ctx context.Context, fn func(Tx) error) error

	// Update runs fn with nobody else writing, and returns when all that it
	// committed is durable. An error of fn leaves nothing of it behind, and is
	// returned as it is. fn may be run while other updates wait, so it must be
	// quick, and it must not keep the Tx.
	Update(ctx context.Context, fn func(Tx) error) error

	// Due returns at most limit accounts that Collect has work for: a tombstone,
	// a husk or a client from before records, or a receipt or a pending revoke
	// from before receipts (both ms).
	Due(ctx context.Context, records, receipts int64, limit int) ([]string, error)

	// Newest returns the highest Meta.LastTime of all accounts, 0 without any.
	Newest(ctx context.Context) (int64, error)
}

// Tx is one transaction over any number of accounts.
type Tx interface {
	// Account returns the store of an account, which need not exist.
	Account(name string) Store

	// Team returns a group, nil when it was never set.
	Team(k core.Key) (*Team, error)

	// PutTeam sets a group.
	PutTeam(t *Team) error

	// AfterCommit has fn run once the transaction is durable, before Update
	// returns and in the order of the commits. It is for telling live readers;
	// fn must not block.
	AfterCommit(fn func())
}

// Store holds one account. Its reads see the account as of one moment, and
// Commit is one transaction: all of a Change or nothing of it, durable when the
// transaction that the store was opened in ends well. The implementations and
// the suite that each is held to are in server/sqlstore, Memory and
// core/storetest.
//
// Whoever opens a Store for writing gives it to one caller at a time; rules
// read first and commit last, so a refusal leaves nothing behind.
type Store interface {
	// Meta returns the account's head record; the zero Meta, whose Epoch is "",
	// when the account was never written.
	Meta() (Meta, error)

	// Row returns the record of a key (core.Key's String), tombstones and husks
	// included; nil when there is none.
	Row(key string) (*Record, error)

	// List returns at most limit live records with min <= UpdateTime <= max,
	// newest first.
	List(min, max int64, limit int) ([]Record, error)

	// Changes returns at most limit records with Seq > after, rising by Seq:
	// live ones and tombstones, no husks.
	Changes(after int64, limit int) ([]Record, error)

	// FreeTime returns the smallest time >= from that is no record's UpdateTime.
	FreeTime(from int64) (int64, error)

	// Client returns what is known of a client id; LastMid is 0 when nothing is.
	Client(id string) (Client, error)

	// Receipt returns the receipt under a key, nil when there is none.
	Receipt(key string) (*Receipt, error)

	// PendingRevoke returns the revoke that waits for a message, named as in
	// Commit's Change, nil when there is none.
	PendingRevoke(msgID string) (*PendingRevoke, error)

	// Expired returns at most limit records of a state whose ChangedAt is before
	// a time and whose Seq is at most maxSeq, rising by Seq.
	Expired(s State, before, maxSeq int64, limit int) ([]Record, error)

	// Records returns at most limit records with Seq > after, rising by Seq:
	// husks too, which Changes leaves out.
	Records(after int64, limit int) ([]Record, error)

	// Clients, Receipts and PendingRevokes return at most limit whose ID, Key or
	// MsgID is over after, rising by it as bytes are.
	Clients(after string, limit int) ([]Client, error)
	Receipts(after string, limit int) ([]Receipt, error)
	PendingRevokes(after string, limit int) ([]PendingRevoke, error)

	// Commit applies a Change.
	Commit(c *Change) error
}

// Meta is the head record of an account.
type Meta struct {
	Epoch    string      // a random id, new on create and on restore
	Seq      int64       // the change log's end
	LastTime int64       // the newest UpdateTime given out
	Floor    int64       // a cursor below it may have missed a collected tombstone
	Digest   core.Digest // XOR of core.Hash over the live records
}

// State says what a record stands for.
type State uint8

const (
	Live      State = 0
	Tombstone State = 1 // deleted, and still told to readers
	Husk      State = 2 // collected: kept for MsgOrder alone, so that a late redelivery stays ignored
)

// Record is a stored session: the wire's row and what the rules need beside it.
// Row.Deleted is true exactly when State is not Live.
type Record struct {
	core.Row
	State     State
	MsgID     string // uuid of the newest message, "" when there was none
	MsgOrder  uint64 // order of the newest message, over deletes too
	ChangedAt int64  // server time of the newest change, ms
}

// Client is how far a client's mutations are taken.
type Client struct {
	ID        string
	LastMid   int64
	Unapplied string // the newest of them that were not applied, encoded by this package; "" for none
	SeenAt    int64
}

// Receipt remembers the answer to a write, so that a repeat answers the same.
type Receipt struct {
	Key    string
	Hash   string // of the request's body
	Answer string // the data of the answer, JSON
	At     int64
}

// PendingRevoke is a revoke that overtook its message.
type PendingRevoke struct {
	MsgID string
	Body  string // the Revoke, encoded by this package
	At    int64
}

// Change is what one operation writes.
type Change struct {
	Wipe        bool // all that was held goes first
	Meta        Meta
	Put         []Record // by key, replacing the one there; several of one key do not occur
	Drop        []string // keys of records to forget whole
	Client      *Client
	Clients     []Client  // more of them, by ID, replacing
	Receipts    []Receipt // by key, replacing
	PutRevokes  []PendingRevoke
	DropRevokes []string // message ids
	// ExpireBefore, when not 0, forgets receipts and pending revokes with an At
	// before it; ClientsBefore does so for clients by SeenAt.
	ExpireBefore  int64
	ClientsBefore int64
}
