package main

// outcome says how a test ended.
type outcome int

const (
	passed outcome = iota
	failed
	skipped
)

// result is what one test says of one fault.
type result struct {
	id       string
	file     string // from the module's root
	test     string
	outcome  outcome
	measured []string
}

// byID collects the results of one test, which may tell of several faults.
type byID struct {
	order []string
	of    map[string]*result
}

func (b *byID) get(id string) *result {
	if b.of == nil {
		b.of = map[string]*result{}
	}
	r := b.of[id]
	if r == nil {
		r = &result{id: id}
		b.of[id] = r
		b.order = append(b.order, id)
	}
	return r
}

func (b *byID) results(file, test string, o outcome) []result {
	var all []result
	for _, id := range b.order {
		r := *b.of[id]
		r.file, r.test, r.outcome = file, test, o
		all = append(all, r)
	}
	return all
}
