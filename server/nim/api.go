package nim

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// api is the service's own API, called in the process.
type api struct {
	handler   http.Handler
	serverKey string
}

// as posts body to a path with a token, and decodes the answer's data.
func (a api) as(r *http.Request, token, path string, body, data any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	q, err := http.NewRequestWithContext(r.Context(), http.MethodPost, path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	q.RemoteAddr, q.Host = r.RemoteAddr, r.Host
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Authorization", "Bearer "+token)
	out := recorder{header: http.Header{}}
	a.handler.ServeHTTP(&out, q)
	var got struct {
		Code         int
		ErrorDetails string
		Data         json.RawMessage
	}
	if err := json.Unmarshal(out.body.Bytes(), &got); err != nil {
		return err
	}
	if got.Code != http.StatusOK {
		return &fault{vendorCode(got.Code), got.ErrorDetails}
	}
	return json.Unmarshal(got.Data, data)
}

// post is as with the server key.
func (a api) post(r *http.Request, path string, body, data any) error {
	return a.as(r, a.serverKey, path, body, data)
}

// vendorCode turns a code of ours into the vendor's HTTP API's: all are the
// same but for those that it does not have there.
func vendorCode(code int) int {
	switch code {
	case 302: // a token of ours, which the caller never saw
		return 403
	case 409: // the vendor's "duplicate request"
		return 431
	case 413:
		return 414
	}
	return code
}

// recorder is the http.ResponseWriter of a call made in the process.
type recorder struct {
	header http.Header
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }
func (r *recorder) WriteHeader(int)             {}
