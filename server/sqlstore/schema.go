package sqlstore

import "fmt"

// migrations[i] takes a database from version i to i+1. What was released is
// never edited: a database that ran it does not run it again.
var migrations = [][]string{v1, v2}

// v1 is the state of sync.md "Server state", all accounts in one database. An
// account is an integer here, which keeps its name out of every index entry.
//
// STRICT makes a column hold its type and nothing else. digest and msg_order
// are 64 bits, which no JavaScript number carries, so they are text.
var v1 = []string{
	`CREATE TABLE accounts (
		id        INTEGER PRIMARY KEY,
		name      TEXT NOT NULL UNIQUE,
		epoch     TEXT NOT NULL,
		seq       INTEGER NOT NULL,
		last_time INTEGER NOT NULL,
		floor     INTEGER NOT NULL,
		digest    TEXT NOT NULL
	) STRICT`,

	// ext NULL is one never set; msg NULL is no message; revoke is not NULL
	// exactly when the last message was revoked; state is account.State.
	`CREATE TABLE sessions (
		account     INTEGER NOT NULL,
		key         TEXT NOT NULL,
		seq         INTEGER NOT NULL,
		update_time INTEGER NOT NULL,
		ext         TEXT,
		ext_seq     INTEGER NOT NULL,
		msg         TEXT,
		msg_id      TEXT NOT NULL,
		msg_order   TEXT NOT NULL,
		revoke      TEXT,
		state       INTEGER NOT NULL,
		changed_at  INTEGER NOT NULL
	) STRICT`,
	`CREATE UNIQUE INDEX sessions_key ON sessions (account, key)`,
	`CREATE UNIQUE INDEX sessions_seq ON sessions (account, seq)`,
	`CREATE UNIQUE INDEX sessions_time ON sessions (account, update_time)`,

	// What housekeeping looks for. Both are empty but for deleted sessions, so
	// that a message pays for neither.
	`CREATE INDEX sessions_gone ON sessions (account, state, seq) WHERE state <> 0`,
	`CREATE INDEX sessions_gone_at ON sessions (changed_at, account) WHERE state <> 0`,

	`CREATE TABLE clients (
		account  INTEGER NOT NULL,
		id       TEXT NOT NULL,
		last_mid INTEGER NOT NULL,
		seen_at  INTEGER NOT NULL,
		PRIMARY KEY (account, id)
	) STRICT`,
	`CREATE INDEX clients_seen ON clients (seen_at, account)`,

	`CREATE TABLE receipts (
		account INTEGER NOT NULL,
		key     TEXT NOT NULL,
		hash    TEXT NOT NULL,
		answer  TEXT NOT NULL,
		at      INTEGER NOT NULL,
		PRIMARY KEY (account, key)
	) STRICT`,
	`CREATE INDEX receipts_at ON receipts (at, account)`,

	`CREATE TABLE pending_revokes (
		account INTEGER NOT NULL,
		msg_id  TEXT NOT NULL,
		body    TEXT NOT NULL,
		at      INTEGER NOT NULL,
		PRIMARY KEY (account, msg_id)
	) STRICT`,
	`CREATE INDEX pending_revokes_at ON pending_revokes (at, account)`,

	// managers and members are JSON arrays of accounts.
	`CREATE TABLE teams (
		key      TEXT PRIMARY KEY,
		owner    TEXT NOT NULL,
		managers TEXT NOT NULL,
		members  TEXT NOT NULL
	) STRICT`,
}

// v2 remembers which of a client's mutations were not applied: a JSON array,
// encoded by package account, "" for none.
var v2 = []string{`ALTER TABLE clients ADD COLUMN unapplied TEXT NOT NULL DEFAULT ''`}

// Migrate brings the database to the newest version that this build knows, and
// refuses one that is newer still. It must be run in one transaction, so that a
// failure leaves the version before.
func Migrate(db DB) error { return migrate(db, migrations) }

func migrate(db DB, steps [][]string) error {
	version, err := schemaVersion(db)
	if err != nil {
		return err
	}
	if version > int64(len(steps)) {
		return fmt.Errorf("sqlstore: schema version %d is newer than %d, the newest that this build knows",
			version, len(steps))
	}
	if version == int64(len(steps)) {
		return nil
	}
	for i, step := range steps[version:] {
		for _, query := range step {
			if err := db.Exec(query); err != nil {
				return fmt.Errorf("sqlstore: to schema version %d: %w", version+int64(i)+1, err)
			}
		}
	}
	return db.Exec(`UPDATE schema_version SET version = ?`, int64(len(steps)))
}

// schemaVersion returns 0 for a fresh database. The version has a table of its
// own, since a Durable Object has no user_version.
func schemaVersion(db DB) (version int64, err error) {
	err = db.Exec(`CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL) STRICT`)
	if err != nil {
		return 0, err
	}
	rows := 0
	err = db.Query(func(r Row) error {
		version = r.Int(0)
		rows++
		return nil
	}, `SELECT version FROM schema_version`)
	switch {
	case err != nil:
		return 0, err
	case rows > 1:
		return 0, fmt.Errorf("sqlstore: schema_version holds %d rows, not 1", rows)
	case rows == 0:
		err = db.Exec(`INSERT INTO schema_version (version) VALUES (0)`)
	}
	return version, err
}
