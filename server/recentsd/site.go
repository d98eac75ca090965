package main

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// assets holds the package's dist under sdk/ and the demo, as the build laid
// them out; README alone when nothing was built.
//
//go:embed all:assets
var assets embed.FS

// site serves the files that are there, and leaves all else to the API.
type site struct {
	files map[string]*file // by URL path
	api   http.Handler
}

// file is one file in the forms that it is there in.
type file struct {
	mime          string
	plain, brotli form
}

type form struct {
	data []byte
	etag string
}

func newForm(data []byte) form {
	sum := sha256.Sum256(data)
	return form{data, `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`}
}

// newSite reads every file once: their hashes are the ETags.
func newSite(assets fs.FS, api http.Handler) (*site, error) {
	s := &site{files: map[string]*file{}, api: api}
	err := fs.WalkDir(assets, "assets", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == "assets/README" {
			return err
		}
		data, err := fs.ReadFile(assets, name)
		s.add(strings.TrimPrefix(name, "assets"), data)
		return err
	})
	s.index()
	return s, err
}

func (s *site) add(name string, data []byte) {
	plain, packed := strings.CutSuffix(name, ".br")
	f := s.files[plain]
	if f == nil {
		f = &file{mime: mimeOf(plain)}
		s.files[plain] = f
	}
	if packed {
		f.brotli = newForm(data)
	} else {
		f.plain = newForm(data)
	}
}

// index makes / what /index.html is.
func (s *site) index() {
	if f := s.files["/index.html"]; f != nil {
		s.files["/"] = f
	}
}

// mimeOf does not ask the machine's own tables, which differ.
func mimeOf(name string) string {
	switch ext := path.Ext(name); ext {
	case ".html", ".css":
		return "text/" + ext[1:] + "; charset=utf-8"
	case ".js", ".mjs", ".ts":
		return "text/javascript; charset=utf-8"
	case ".json", ".map":
		return "application/json; charset=utf-8"
	case ".wasm":
		return "application/wasm"
	case ".webmanifest":
		return "application/manifest+json"
	case ".svg":
		return "image/svg+xml"
	default:
		if t := mime.TypeByExtension(ext); t != "" {
			return t
		}
	}
	return "application/octet-stream"
}

// policy lets a page run what came from here alone, and talk to any server,
// since the demo takes another one's address. Attachments' pictures may be
// anywhere.
const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' ws: wss: http: https:; " +
	"img-src 'self' data: blob: https:; object-src 'none'; base-uri 'none'; frame-ancestors 'self'"

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := s.files[r.URL.Path]
	if f == nil || r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.api.ServeHTTP(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.mime)
	h.Set("Cache-Control", "no-cache") // kept, and asked about by its ETag each time
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Access-Control-Allow-Origin", "*") // the package is public, and pages elsewhere may load it
	if strings.HasPrefix(f.mime, "text/html") {
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "no-referrer")
	}
	f.serve(w, r)
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	body := f.plain
	if f.brotli.data != nil && (accepts(r.Header.Get("Accept-Encoding"), "br") || body.data == nil) {
		body = f.brotli
		w.Header().Set("Content-Encoding", "br")
	}
	w.Header().Set("ETag", body.etag)
	if held(r.Header.Get("If-None-Match"), body.etag) {
		w.Header().Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body.data)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body.data) // the peer left: nobody to tell
	}
}

// accepts reads an Accept-Encoding header.
func accepts(header, coding string) bool {
	for _, one := range strings.Split(header, ",") {
		name, q, _ := strings.Cut(one, ";")
		if strings.EqualFold(strings.TrimSpace(name), coding) {
			_, weight, _ := strings.Cut(q, "q=")
			n, err := strconv.ParseFloat(strings.TrimSpace(weight), 64)
			return err != nil || n > 0
		}
	}
	return false
}

// held reads an If-None-Match header.
func held(header, etag string) bool {
	for _, one := range strings.Split(header, ",") {
		one = strings.TrimSpace(one)
		if strings.TrimPrefix(one, "W/") == etag || one == "*" {
			return true
		}
	}
	return false
}
