// Command pocketbase is the peer of the server's benchmark: PocketBase as a
// Go program, with the sessions of a Recents database as a collection. It is a
// module of its own, so that nothing of it is ever a dependency of the product.
//
//	pocketbase fill  DIR RECENTS.DB     the rows of that file, once
//	pocketbase serve DIR 127.0.0.1:0    prints where it listens, and the tokens
//
// What it does not do by default is set in its favour or to be like for like:
// its request log is off, as the server's is, and its commits are synced
// (synchronous FULL; its own NORMAL may lose the last ones on a power failure).
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	_ "github.com/pocketbase/pocketbase/migrations" // its own tables
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "pocketbase:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("%d arguments, want fill DIR FILE or serve DIR ADDRESS", len(args))
	}
	app := core.NewBaseApp(core.BaseAppConfig{DataDir: args[1], DBConnect: connect})
	if err := app.Bootstrap(); err != nil {
		return err
	}
	if err := app.RunAllMigrations(); err != nil {
		return err
	}
	switch args[0] {
	case "fill":
		return fill(app, args[2])
	case "serve":
		return serve(app, args[2])
	}
	return fmt.Errorf("%q is neither fill nor serve", args[0])
}

// connect is core.DefaultDBConnect with another synchronous.
func connect(path string) (*dbx.DB, error) {
	return dbx.Open("sqlite", path+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=journal_size_limit(200000000)"+
		"&_pragma=synchronous(FULL)&_pragma=foreign_keys(ON)&_pragma=temp_store(MEMORY)&_pragma=cache_size(-32000)")
}

const backend = "backend@bench.test"

// fill makes the collections and copies the rows.
func fill(app core.App, from string) error {
	if err := prepare(app); err != nil {
		return err
	}
	db := app.NonconcurrentDB().(*dbx.DB)
	db.DB().SetMaxOpenConns(1) // ATTACH is of one connection
	if _, err := db.NewQuery("ATTACH {:from} AS r").Bind(dbx.Params{"from": from}).Execute(); err != nil {
		return err
	}
	for _, statement := range []string{
		`INSERT INTO accounts (id, password, tokenKey, email)
			SELECT printf('a%014d', id), '', printf('%050d', id), name || '@bench.test' FROM r.accounts`,
		`INSERT INTO sessions (id, account, key, seq, update_time, ext, ext_seq, msg, msg_id, msg_order, revoke, state, changed_at)
			SELECT printf('r%014d', rowid), printf('a%014d', account), key, seq, update_time, coalesce(ext, ''), ext_seq, coalesce(msg, ''),
				msg_id, msg_order, coalesce(revoke, ''), state, changed_at FROM r.sessions ORDER BY account, seq`,
		`ANALYZE main`,
	} {
		if _, err := db.NewQuery(statement).Execute(); err != nil {
			return err
		}
	}
	return app.ResetBootstrapState()
}

// prepare makes the settings, a superuser in the place of the server key, and
// the collections: the columns and indexes of the rows' own table.
func prepare(app core.App) error {
	app.Settings().Logs.MaxDays = 0
	if err := app.Save(app.Settings()); err != nil {
		return err
	}
	superusers, err := app.FindCollectionByNameOrId(core.CollectionNameSuperusers)
	if err != nil {
		return err
	}
	key := core.NewRecord(superusers)
	key.SetEmail(backend)
	key.SetPassword("the-password-of-the-bench")
	if err := app.Save(key); err != nil {
		return err
	}
	if err := app.Save(core.NewAuthCollection("accounts")); err != nil {
		return err
	}
	return app.Save(sessions())
}

func sessions() *core.Collection {
	own := "account = @request.auth.id"
	c := core.NewBaseCollection("sessions")
	c.ListRule, c.ViewRule = &own, &own
	for _, name := range []string{"account", "key", "ext", "msg", "msg_id", "msg_order", "revoke"} {
		c.Fields.Add(&core.TextField{Name: name})
	}
	for _, name := range []string{"seq", "update_time", "ext_seq", "state", "changed_at"} {
		c.Fields.Add(&core.NumberField{Name: name})
	}
	c.AddIndex("sessions_key", true, "account, key", "")
	c.AddIndex("sessions_seq", true, "account, seq", "")
	c.AddIndex("sessions_time", true, "account, update_time", "")
	return c
}

// told is the line that serve prints.
type told struct {
	Address string   `json:"address"`
	Backend string   `json:"backend"` // the superuser's token
	Tokens  []string `json:"tokens"`  // of the accounts, by id from 1 on
}

func serve(app core.App, address string) error {
	t, err := tokens(app)
	if err != nil {
		return err
	}
	app.OnServe().BindFunc(func(e *core.ServeEvent) error {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		e.Listener, t.Address = l, l.Addr().String()
		if err := json.NewEncoder(os.Stdout).Encode(t); err != nil {
			return err
		}
		return e.Next()
	})
	return apis.Serve(app, apis.ServeConfig{HttpAddr: address})
}

func tokens(app core.App) (*told, error) {
	superuser, err := app.FindAuthRecordByEmail(core.CollectionNameSuperusers, backend)
	if err != nil {
		return nil, err
	}
	t := &told{}
	if t.Backend, err = superuser.NewStaticAuthToken(24 * time.Hour); err != nil {
		return nil, err
	}
	accounts, err := app.FindAllRecords("accounts")
	if err != nil {
		return nil, err
	}
	t.Tokens = make([]string, len(accounts))
	for _, r := range accounts {
		var id int
		if _, err := fmt.Sscanf(r.Id, "a%d", &id); err != nil || id < 1 || id > len(accounts) {
			return nil, fmt.Errorf("the account %q is not one of %d", r.Id, len(accounts))
		}
		if t.Tokens[id-1], err = r.NewStaticAuthToken(24 * time.Hour); err != nil {
			return nil, err
		}
	}
	return t, nil
}
