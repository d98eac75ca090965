package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// newRequest makes a request that no connection carries, so that a test can
// say where it comes from.
func newRequest(t testing.TB, method, path, body string, headers ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func serve(t testing.TB, h http.Handler, r *http.Request) answer {
	t.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return read(t, rec.Result())
}
