package nim

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
)

// form reads a call's parameters, and keeps the first thing that is wrong.
type form struct {
	values url.Values
	err    error
}

func readForm(w http.ResponseWriter, r *http.Request) (*form, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		var over *http.MaxBytesError
		if errors.As(err, &over) {
			return nil, bad("body: more than " + strconv.Itoa(maxBody) + " bytes")
		}
		return nil, bad("body: is no form")
	}
	return &form{values: r.PostForm}, nil
}

func (f *form) fail(name, why string) {
	if f.err == nil {
		f.err = bad(name + ": " + why)
	}
}

// text returns a parameter, "" when it is not given.
func (f *form) text(name string) string { return f.values.Get(name) }

// needed is text for a parameter that must be given.
func (f *form) needed(name string) string {
	v := f.text(name)
	if v == "" {
		f.fail(name, "is missing or empty")
	}
	return v
}

// number returns a whole number, or otherwise when it is not given.
func (f *form) number(name string, otherwise int64) int64 {
	v := f.text(name)
	if v == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		f.fail(name, strconv.Quote(cut(v))+" is no whole number")
	}
	return n
}

// flag returns a number that is 0 or 1, 0 when it is not given.
func (f *form) flag(name string) bool {
	n := f.number(name, 0)
	if n != 0 && n != 1 {
		f.fail(name, strconv.FormatInt(n, 10)+" is not 0 or 1")
	}
	return n == 1
}

// object returns the JSON object that a parameter's text is, and whether it is
// one.
func (f *form) object(name string) (map[string]json.RawMessage, bool) {
	var m map[string]json.RawMessage
	err := json.Unmarshal([]byte(f.text(name)), &m)
	return m, err == nil && m != nil
}

// list returns a JSON array of 1 to most texts.
func (f *form) list(name string, most int) []string {
	var l []string
	if err := json.Unmarshal([]byte(f.needed(name)), &l); err != nil {
		f.fail(name, "is no JSON array of strings")
		return nil
	}
	if len(l) < 1 || len(l) > most {
		f.fail(name, strconv.Itoa(len(l))+" accounts is not within 1 and "+strconv.Itoa(most))
	}
	return l
}

// cut keeps an error's quotation short.
func cut(s string) string {
	if r := []rune(s); len(r) > 32 {
		return string(r[:32])
	}
	return s
}
