package sim

import "slices"

// kind is how the tabs of a device elect the one that leads.
type kind uint8

const (
	strangers kind = iota // they know nothing of each other, and each leads: the worst split brain
	locks                 // by a Web Lock
	leases                // by a lease in storage
	lawless               // they hear each other and can have no lock: each leads
)

// device is one browser profile: its tabs share a disk.
type device struct {
	id      int
	kind    kind
	disk    *disk
	lock    lock
	tabs    int             // ever opened
	wiping  bool            // the database waits to be deleted
	deletes map[string]bool // sessions that its apps ever deleted
	damaged bool            // what is stored was harmed, and may not be mended yet
}

func (w *world) newDevice() *device {
	d := &device{id: len(w.devices), disk: newDisk(), deletes: map[string]bool{}}
	switch roll := w.rng.IntN(20); {
	case roll < 5:
		d.kind = strangers
	case roll < 14:
		d.kind = locks
	case roll < 18:
		d.kind = leases
	default:
		d.kind = lawless
	}
	return d
}

// elects reports whether one of the device's tabs is to lead.
func (d *device) elects() bool { return d.kind == locks || d.kind == leases }

// tabsOf returns the device's tabs.
func (w *world) tabsOf(d *device) (list []*tab) {
	for _, t := range w.tabs {
		if t.device == d {
			list = append(list, t)
		}
	}
	return list
}

// clear takes a device's storage, and its tabs with it, as a browser does that
// is told to forget a site.
func (w *world) clear(d *device) {
	w.note("clear %d", d.id)
	for _, t := range w.tabsOf(d) {
		w.crash(t)
	}
	w.forsake(d)
	d.disk, d.wiping = newDisk(), false
	w.open(d)
}

// forsake expects nothing more of the writes of a device.
func (w *world) forsake(d *device) {
	for ext, t := range w.author {
		if t.device == d {
			w.forsaken[ext] = true
			delete(w.accepted, ext)
		}
	}
}

// logout has the app of a tab log out and wipe: its client closes, tells the
// others, empties the stores and has the database deleted, which waits for the
// other tabs to let go of it. (The tab's own last write is done first, and the
// three are one step here: others come between its clear and the end of it.)
func (w *world) logout(t *tab) {
	d := t.device
	if d.kind == strangers || d.wiping || t.stage != running || t.disk == nil {
		return
	}
	w.note("logout %s", t.name)
	w.forsake(d)
	t.post(word{kind: "wiped"})
	w.end(t)
	d.wiping = true
	*d.disk = disk{}
	for _, o := range w.tabsOf(d) {
		o.later("version change", o.letGo)
	}
	w.finishWipe(d)
}

// letGo closes the database that another tab deletes, so that nothing is written
// to it any more, and with it the client.
func (t *tab) letGo() {
	t.disk = nil
	t.w.finishWipe(t.device)
	t.close()
}

// finishWipe deletes the database once no tab holds it.
func (w *world) finishWipe(d *device) {
	holds := func(t *tab) bool { return t.disk == d.disk }
	if !d.wiping || slices.ContainsFunc(w.tabsOf(d), holds) {
		return
	}
	w.note("wiped %d", d.id)
	w.did.Wipes++
	w.forsake(d)
	d.disk, d.wiping, d.damaged = newDisk(), false, false
}
