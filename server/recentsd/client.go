package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"recents/server"
)

// client calls the API of a server or of an edge worker, with its server key
// unless a call names another token.
type client struct {
	ctx     context.Context
	address string // with its scheme
	key     string
	http    *http.Client
}

func newClient(ctx context.Context, address, key string) *client {
	return &client{ctx, address, key, http.DefaultClient}
}

// call makes one call and reads its data into answer, when that is not nil.
func (c *client) call(path, token string, body, answer any) (err error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // a page of an export goes on byte for byte
	if err := e.Encode(body); err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(c.ctx, http.MethodPost, c.address+"/v1/"+path, &text)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // read to its end below
	var result struct {
		Code         int
		Data         json.RawMessage
		ErrorDetails string
	}
	if err := json.NewDecoder(res.Body).Decode(&result); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if result.Code != http.StatusOK {
		return fmt.Errorf("%s: %d %s", path, result.Code, result.ErrorDetails)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(result.Data, answer)
}

// inProcess answers a client's calls by a handler, without a listener.
type inProcess struct{ handler *server.Handler }

// RoundTrip implements http.RoundTripper.
func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	p.handler.ServeHTTP(w, r)
	return &http.Response{StatusCode: w.status, Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r}, nil
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header         { return w.header }
func (w *recorder) WriteHeader(status int)      { w.status = status }
func (w *recorder) Write(b []byte) (int, error) { return w.body.Write(b) }
