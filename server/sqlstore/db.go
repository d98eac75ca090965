// Package sqlstore is the Store of accounts in SQL. The same statements run on
// a server's SQLite file and on the storage of a Durable Object, so they keep
// to what both have: at most 100 bound parameters a statement, no statement
// that begins or ends a transaction, no PRAGMA, and numbers that pass 2^53 as
// text. Transactions are the business of whoever holds the database.
package sqlstore

// DB runs statements within a transaction that its owner began and will end.
// Arguments are string, int64 or nil, one for each "?".
type DB interface {
	// Exec runs a statement that returns no rows.
	Exec(query string, args ...any) error

	// Query calls each with every row of a SELECT. An error of each ends the
	// query and is returned as it is. each must not use the DB.
	Query(each func(Row) error, query string, args ...any) error
}

// Row is one row of a result, good until each returns; the texts that it hands
// out stay good. Columns count from 0.
type Row interface {
	Int(column int) int64   // 0 for NULL
	Text(column int) string // "" for NULL
	Null(column int) bool
}
