package sqlite

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"modernc.org/libc"
	engine "modernc.org/sqlite/lib"

	"recents/core/account"
)

// disk stands between the engine and the system's files, and fails one write or
// sync. It is an engine's VFS whose files are the system's but for those two.
type disk struct {
	tls      *libc.TLS
	system   uintptr             // the VFS that does the work
	methods  map[uintptr]uintptr // a file's methods, by those that stand in for them
	replaced map[uintptr]uintptr // the other way round
	opens    openFunc            // these three are held here, since the engine's word for them keeps nothing alive
	writes   writeFunc
	syncs    syncFunc

	mu   sync.Mutex
	op   operation
	nth  int   // the one that fails, from now; 0: none
	code int32 // that it fails with
	hit  bool  // it was reached
}

type operation string

const (
	writes operation = "write"
	syncs  operation = "sync"
)

// The engine's function pointers, as Go values.
type (
	openFunc  = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32
	writeFunc = func(tls *libc.TLS, file, bytes uintptr, amount int32, offset int64) int32
	syncFunc  = func(tls *libc.TLS, file uintptr, flags int32) int32
)

// pointerOf returns a func as the engine holds it, and funcOf the other way.
func pointerOf[F any](f F) uintptr  { return *(*uintptr)(unsafe.Pointer(&f)) }
func funcOf[F any](p uintptr) (f F) { *(*uintptr)(unsafe.Pointer(&f)) = p; return f }
func at[T any](p uintptr) *T        { return *(**T)(unsafe.Pointer(&p)) }
func (d *disk) copyOf(p uintptr, size uintptr) uintptr {
	to := libc.Xmalloc(d.tls, libc.Tsize_t(size))
	copy(unsafe.Slice(at[byte](to), size), unsafe.Slice(at[byte](p), size))
	return to
}

// newDisk makes every file that is opened from now on until the test ends one
// of its own.
func newDisk(t *testing.T) *disk {
	d := &disk{tls: libc.NewTLS(), methods: map[uintptr]uintptr{}, replaced: map[uintptr]uintptr{}}
	d.opens, d.writes, d.syncs = d.open, d.write, d.sync
	d.system = engine.Xsqlite3_vfs_find(d.tls, 0)
	vfs := d.copyOf(d.system, unsafe.Sizeof(engine.Tsqlite3_vfs{}))
	name, err := libc.CString("disk")
	require.NoError(t, err)
	at[engine.Tsqlite3_vfs](vfs).FzName = name
	at[engine.Tsqlite3_vfs](vfs).FxOpen = pointerOf(d.opens)
	require.Zero(t, engine.Xsqlite3_vfs_register(d.tls, vfs, 1))
	t.Cleanup(func() {
		require.Zero(t, engine.Xsqlite3_vfs_register(d.tls, d.system, 1))
		require.Zero(t, engine.Xsqlite3_vfs_unregister(d.tls, vfs))
	})
	return d
}

func (d *disk) open(tls *libc.TLS, _, name, file uintptr, flags int32, outFlags uintptr) int32 {
	code := funcOf[openFunc](at[engine.Tsqlite3_vfs](d.system).FxOpen)(tls, d.system, name, file, flags, outFlags)
	if f := at[engine.Tsqlite3_file](file); f.FpMethods != 0 {
		f.FpMethods = d.standIn(f.FpMethods)
	}
	return code
}

// standIn returns the methods that fail when asked to, of the system's.
func (d *disk) standIn(of uintptr) uintptr {
	d.mu.Lock()
	defer d.mu.Unlock()
	if mine := d.replaced[of]; mine != 0 {
		return mine
	}
	mine := d.copyOf(of, unsafe.Sizeof(engine.Tsqlite3_io_methods{}))
	m := at[engine.Tsqlite3_io_methods](mine)
	m.FxWrite, m.FxSync = pointerOf(d.writes), pointerOf(d.syncs)
	d.methods[mine], d.replaced[of] = of, mine
	return mine
}

func (d *disk) write(tls *libc.TLS, file, bytes uintptr, amount int32, offset int64) int32 {
	if code := d.fails(writes); code != 0 {
		return code
	}
	return funcOf[writeFunc](d.of(file).FxWrite)(tls, file, bytes, amount, offset)
}

func (d *disk) sync(tls *libc.TLS, file uintptr, flags int32) int32 {
	if code := d.fails(syncs); code != 0 {
		return code
	}
	return funcOf[syncFunc](d.of(file).FxSync)(tls, file, flags)
}

// of returns the system's methods of a file.
func (d *disk) of(file uintptr) *engine.Tsqlite3_io_methods {
	d.mu.Lock()
	defer d.mu.Unlock()
	return at[engine.Tsqlite3_io_methods](d.methods[at[engine.Tsqlite3_file](file).FpMethods])
}

func (d *disk) fails(op operation) int32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if op != d.op || d.nth == 0 {
		return 0
	}
	if d.nth--; d.nth > 0 {
		return 0
	}
	d.hit = true
	return d.code
}

// arm has the nth operation of a kind from now fail, and disarm tells whether
// it was reached.
func (d *disk) arm(op operation, nth int, code int32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.op, d.nth, d.code, d.hit = op, nth, code, false
}

func (d *disk) disarm() (hit bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.nth = 0
	return d.hit
}

// TestS14EveryWriteAndSyncFailsOnce fails each write and each sync of a run of
// updates, checkpoints included, one at a time. What was acknowledged stays, no
// update stays by half, a full disk passes, and after a sync of the log that
// failed nothing is written any more.
func TestS14EveryWriteAndSyncFailsOnce(t *testing.T) {
	d := newDisk(t)
	for _, c := range []struct {
		name string
		op   operation
		code int32
		stop bool // when a commit meets it
	}{
		{"full", writes, engine.SQLITE_FULL, false},
		{"write error", writes, engine.SQLITE_IOERR_WRITE, true},
		{"sync error", syncs, engine.SQLITE_IOERR_FSYNC, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			faults, stops, reached := 0, 0, true
			for nth := 1; reached; nth += every {
				var refused, stopped bool
				refused, stopped, reached = d.run(t, c.op, nth, c.code)
				require.Equal(t, refused && c.stop, stopped, "the %d. %s", nth, c.op)
				faults, stops = faults+bit(reached), stops+bit(stopped)
			}
			require.Greater(t, faults, 0)
			if every == 1 {
				require.Equal(t, c.stop, stops > 0)
			}
			t.Attr("S14", fmt.Sprintf("%s: %d %ss failed, one a run: no half write, nothing acknowledged lost, writing stopped %d times", c.name, faults, c.op, stops))
		})
	}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// run does updates while the nth operation fails, and holds the file to what
// was acknowledged. It reports whether an update was refused for it, whether
// the DB stopped, and whether there was an nth at all.
func (d *disk) run(t *testing.T, op operation, nth int, code int32) (refused, stopped, reached bool) {
	path := filepath.Join(memoryDir(t), "recents.db")
	db, err := Open(path, Options{Readers: 1})
	require.NoError(t, err)
	require.NoError(t, db.conns[0].set("wal_autocheckpoint = 12"))
	both := func(tx account.Tx) error {
		if err := write(tx, "alice"); err != nil {
			return err
		}
		return write(tx, "bob")
	}
	const updates = 5
	acked := int64(0)
	d.arm(op, nth, code)
	for range updates {
		if err := db.Update(background, both); err == nil {
			acked++
		} else {
			assert.Equal(t, int(code), extendedCode(err), "%v", err)
			refused = true
		}
	}
	stopped = db.Healthy() != nil
	reached = d.disarm()
	if stopped {
		require.Error(t, db.Update(background, both), "not another word")
	}
	require.Equal(t, acked, written(t, db, "alice"), "what can be read is what was acknowledged")
	_ = db.Close() // of a file in doubt: the next Open has the say
	db, err = Open(path, Options{Readers: 1})
	require.NoError(t, err)
	alice := written(t, db, "alice")
	require.Equal(t, alice, written(t, db, "bob"), "all of an update or nothing")
	require.GreaterOrEqual(t, alice, acked)
	require.LessOrEqual(t, alice, int64(updates))
	assertSound(t, db)
	require.NoError(t, db.Update(background, both))
	require.NoError(t, db.Close())
	return refused, stopped, reached
}
