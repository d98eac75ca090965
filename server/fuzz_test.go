package server_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"recents/core/account"
)

// FuzzHandler: no path, method, header or body makes the server fail, and
// every answer of the API is an envelope.
func FuzzHandler(f *testing.F) {
	for _, c := range append(badInputs, badBackendInputs...) {
		f.Add(http.MethodPost, c.path, c.body, "", false)
		f.Add(http.MethodPost, c.path, c.body, "k", true)
	}
	f.Add(http.MethodOptions, "/v1/sync", "", "", false)
	f.Add(http.MethodGet, "/v1/updates", "", "", false)
	f.Add(http.MethodGet, "/readyz", "", "", false)
	f.Add(http.MethodPost, "/v1/sync", `{"v":1,"epoch":"","cursor":0,"clientId":"c","limit":1}`, "", false)
	f.Add(http.MethodPost, "/v1/mutate", `{"clientId":"c","muts":[{"mid":1,"op":"ext","key":"p2p|bob","ext":"x"}]}`, "k", false)
	f.Add(http.MethodPost, "/v1/sendMessage", `{"from":"alice","to":"bob","sessionType":"p2p","message":{"uuid":"m","remoteExtension":{"a":[1]}}}`, "k", false)
	f.Add(http.MethodPost, "/v1/revokeMessage", `{"from":"alice","to":"bob","sessionType":"p2p","uuid":"m","operator":"alice"}`, "", false)
	f.Add(http.MethodPost, "/v1/setTeamMembers", `{"teamId":"t","sessionType":"team","owner":null,"members":["alice"]}`, "", true)
	w := newWorld(f, account.NewMemory(), nil)
	token := w.token("alice")
	f.Fuzz(func(t *testing.T, method, path, body, key string, asServer bool) {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Method, r.URL.Path = method, path
		r.Body, r.ContentLength = newRequest(t, http.MethodPost, "/", body).Body, int64(len(body))
		r.Header.Set("Authorization", "Bearer "+token)
		if asServer {
			r.Header.Set("Authorization", "Bearer "+serverKey)
		}
		if key != "" {
			r.Header.Set("Idempotency-Key", key)
		}
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		if rec.Code >= 500 {
			t.Fatalf("%s %q %q: %d %s", method, path, body, rec.Code, rec.Body)
		}
		if rec.Code != http.StatusNoContent && method != http.MethodHead && !json.Valid(rec.Body.Bytes()) {
			t.Fatalf("%s %q %q: %d with a body that is no JSON: %q", method, path, body, rec.Code, rec.Body)
		}
	})
}
