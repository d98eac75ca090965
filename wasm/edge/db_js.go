package main

import (
	"fmt"
	"syscall/js"

	"recents/server/sqlstore"
)

// jsDB is the SQL storage of the shell's call. Arguments and rows cross as one
// JSON text each: a crossing costs more than the text does.
type jsDB struct{ call js.Value }

var _ sqlstore.DB = (*jsDB)(nil)

// Exec implements sqlstore.DB.
func (db *jsDB) Exec(query string, args ...any) error {
	_, err := db.run("exec", query, args)
	return err
}

// Query implements sqlstore.DB.
func (db *jsDB) Query(each func(sqlstore.Row) error, query string, args ...any) error {
	rows, err := db.run("query", query, args)
	if err != nil {
		return err
	}
	return eachRow([]byte(rows), each)
}

// run calls the shell, whose exceptions are errors here.
func (db *jsDB) run(method, query string, args []any) (rows string, err error) {
	defer func() {
		if v := recover(); v != nil {
			e, ok := v.(js.Error)
			if !ok {
				panic(v)
			}
			err = fmt.Errorf("edge: %s: %w", query, e)
		}
	}()
	text, err := appendArgs(nil, args)
	if err != nil {
		return "", err
	}
	return db.call.Call(method, query, string(text)).String(), nil
}
