package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func testSite(t *testing.T) http.Handler {
	files := fstest.MapFS{}
	for name, data := range map[string]string{
		"README": "kept out", "index.html": "<!doctype html>", "sw.js": "self", "web/main.js": "plain js", "web/main.js.br": "packed js",
		"sdk/recents.wasm": "\x00asm", "sdk/recents.wasm.br": "packed wasm", "web/style.css": "p{}", "sdk/package.json": "{}",
	} {
		files["assets/"+name] = &fstest.MapFile{Data: []byte(data)}
	}
	s, err := newSite(files, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	require.NoError(t, err)
	return s
}

func fetch(h http.Handler, method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

func TestSiteServesFiles(t *testing.T) {
	s := testSite(t)
	for _, c := range []struct{ path, accept, body, encoding, mime string }{
		{"/", "br", "<!doctype html>", "", "text/html; charset=utf-8"},
		{"/index.html", "", "<!doctype html>", "", "text/html; charset=utf-8"},
		{"/web/main.js", "gzip, br", "packed js", "br", "text/javascript; charset=utf-8"},
		{"/web/main.js", "gzip", "plain js", "", "text/javascript; charset=utf-8"},
		{"/web/main.js", "br;q=0", "plain js", "", "text/javascript; charset=utf-8"},
		{"/web/main.js", "gzip;q=1, br;q=0.5", "packed js", "br", "text/javascript; charset=utf-8"},
		{"/sdk/recents.wasm", "br", "packed wasm", "br", "application/wasm"},
		{"/sdk/recents.wasm", "", "\x00asm", "", "application/wasm"},
		{"/web/style.css", "br", "p{}", "", "text/css; charset=utf-8"},
		{"/sdk/package.json", "", "{}", "", "application/json; charset=utf-8"},
	} {
		rec := fetch(s, "GET", c.path, "Accept-Encoding", c.accept)
		require.Equal(t, 200, rec.Code, c.path)
		require.Equal(t, c.body, rec.Body.String(), "%s as %s", c.path, c.accept)
		require.Equal(t, c.encoding, rec.Header().Get("Content-Encoding"), "%s as %s", c.path, c.accept)
		require.Equal(t, c.mime, rec.Header().Get("Content-Type"))
		require.Equal(t, "no-cache", rec.Header().Get("Cache-Control"))
		require.Equal(t, "nosniff", rec.Header().Get("X-Content-Type-Options"))
		require.Equal(t, "Accept-Encoding", rec.Header().Get("Vary"))
	}
	require.Contains(t, fetch(s, "GET", "/").Header().Get("Content-Security-Policy"), "'wasm-unsafe-eval'")
	head := fetch(s, "HEAD", "/web/main.js")
	require.Empty(t, head.Body.String())
	require.Equal(t, "8", head.Header().Get("Content-Length"))
}

func TestSiteLeavesTheRestToTheAPI(t *testing.T) {
	s := testSite(t)
	for _, path := range []string{"/README", "/assets/index.html", "/web", "/web/", "/web/main.js.br", "/v1/sync", "/../main.go", "/nope"} {
		require.Equal(t, http.StatusTeapot, fetch(s, "GET", path).Code, path)
	}
	require.Equal(t, http.StatusTeapot, fetch(s, "POST", "/index.html").Code)
}

func TestSiteETags(t *testing.T) {
	s := testSite(t)
	plain := fetch(s, "GET", "/web/main.js").Header().Get("ETag")
	packed := fetch(s, "GET", "/web/main.js", "Accept-Encoding", "br").Header().Get("ETag")
	require.NotEqual(t, plain, packed, "each form has its own")
	for _, match := range []string{plain, "W/" + plain, `"x", ` + plain, "*"} {
		rec := fetch(s, "GET", "/web/main.js", "If-None-Match", match)
		require.Equal(t, http.StatusNotModified, rec.Code, match)
		require.Empty(t, rec.Body.String())
	}
	require.Equal(t, 200, fetch(s, "GET", "/web/main.js", "If-None-Match", packed).Code)
}
