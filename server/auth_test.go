package server_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"recents/core/account"
	"recents/server"
)

const hour = 3600

// tokenCase is a token, and what its refusal says; "" for one that is taken.
type tokenCase struct{ name, token, reason string }

// tokens are tokens of alice, good and bad.
func (w *world) tokenCases() []tokenCase {
	now := w.clock.Load() / 1000
	other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, ed25519.SeedSize))
	claims := func(exp int64) jwt.MapClaims { return jwt.MapClaims{"sub": "alice", "exp": exp} }
	good := claims(now + hour)
	hs := func(c jwt.MapClaims) string { return w.sign(jwt.SigningMethodHS256, []byte(secret), c) }
	cut := func(token string) string { return token[:len(token)-1] }
	parts := strings.Split(hs(good), ".")
	header := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	return []tokenCase{
		{"HS256", hs(good), ""},
		{"EdDSA", w.sign(jwt.SigningMethodEdDSA, privateKey, good), ""},
		{"expired within the leeway", hs(claims(now - 4)), ""},
		{"expired", hs(claims(now - 60)), "expired at 1699999940000, it is 1700000000000"},
		{"no exp", hs(jwt.MapClaims{"sub": "alice"}), "exp"},
		{"exp of text", hs(jwt.MapClaims{"sub": "alice", "exp": "never"}), "malformed"},
		{"not yet", hs(jwt.MapClaims{"sub": "alice", "exp": now + hour, "nbf": now + 60}), "not valid yet"},
		{"no sub", hs(jwt.MapClaims{"exp": now + hour}), "sub: is empty"},
		{"a sub with /", hs(jwt.MapClaims{"sub": "a/b", "exp": now + hour}), "sub"},
		{"a sub of a list", hs(jwt.MapClaims{"sub": []string{"alice"}, "exp": now + hour}), "malformed"},
		{"the partition of the server", hs(jwt.MapClaims{"sub": "/server", "exp": now + hour}), "sub"},
		{"for another audience", hs(jwt.MapClaims{"sub": "alice", "exp": now + hour, "aud": "billing"}), "aud"},
		{"for several audiences", hs(jwt.MapClaims{"sub": "alice", "exp": now + hour, "aud": []string{"billing", "mail"}}), "aud"},
		{"alg none", w.sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good), "algorithm"},
		{"alg None", header(`{"alg":"None","typ":"JWT"}`) + "." + parts[1] + ".", "not one that this server takes"},
		{"alg none with the signature of a good one", header(`{"alg":"none","typ":"JWT"}`) + "." + parts[1] + "." + parts[2], "algorithm"},
		{"no signature", parts[0] + "." + parts[1] + ".", "signature"},
		{"other claims under a good signature", parts[0] + "." + header(`{"sub":"mallory","exp":9999999999}`) + "." + parts[2], "signature"},
		{"a critical extension", w.signWith(jwt.MapClaims{"sub": "alice", "exp": now + hour}, "crit", []string{"b64"}), "not one that this server takes"},
		{"HS512", w.sign(jwt.SigningMethodHS512, []byte(secret), good), "algorithm"},
		{"HS256 with the public key as the secret", w.sign(jwt.SigningMethodHS256, []byte(privateKey.Public().(ed25519.PublicKey)), good), "signature"},
		{"another secret", w.sign(jwt.SigningMethodHS256, []byte("another secret"), good), "signature"},
		{"an empty secret", w.sign(jwt.SigningMethodHS256, []byte{}, good), "signature"},
		{"another key", w.sign(jwt.SigningMethodEdDSA, other, good), "signature"},
		{"cut", cut(cut(hs(good))), "token: "},
		{"no token at all", "", "missing"},
		{"no JWT", "abc", "malformed"},
		{"no JSON", "a.b.c", "malformed"},
		{"long", strings.Repeat("x", 4097), "4097 bytes is over 4096"},
	}
}

// signWith is sign by HS256 with a member of the header's.
func (w *world) signWith(claims jwt.MapClaims, name string, value any) string {
	t := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
	t.Header[name] = value
	token, err := t.SignedString([]byte(secret))
	require.NoError(w.t, err)
	w.made(token)
	return token
}

// TestA2Tokens: a token of alice that is not good opens no path.
func TestA2Tokens(t *testing.T) {
	w := onMemory(t)
	w.send("bob", "alice", "m1", "")
	before := w.state("alice")
	refused := 0
	var paths []string
	for _, path := range w.handler.Paths() {
		if strings.HasPrefix(path, "/v1/") && path != "/v1/updates" {
			paths = append(paths, path)
		}
	}
	for _, c := range w.tokenCases() {
		if c.reason == "" {
			w.as(c.token, queryList, `{}`).ok(t)
			continue
		}
		for _, path := range paths {
			a := w.as(c.token, path, `{}`)
			a.refused(t, 302, c.reason)
			refused++
			require.Contains(t, a.header.Get("WWW-Authenticate"), "Bearer")
			if len(c.token) > 8 {
				require.NotContains(t, a.body, c.token[len(c.token)-8:], "no error repeats a token")
			}
		}
	}
	require.Equal(t, before, w.state("alice"))
	t.Attr("A2", fmt.Sprintf("%d calls with %d kinds of bad tokens: all 302, none repeats a token", refused, refused/len(paths)))
}

// TestA2Audience: with an audience configured a token must name it, and those
// that the server issues do.
func TestA2Audience(t *testing.T) {
	w := newWorld(t, account.NewMemory(), func(o *server.Options) { o.Keys.Audience = "recents" })
	exp := w.clock.Load()/1000 + hour
	as := func(aud any) answer {
		claims := jwt.MapClaims{"sub": "alice", "exp": exp}
		if aud != nil {
			claims["aud"] = aud
		}
		return w.as(w.sign(jwt.SigningMethodHS256, []byte(secret), claims), queryList, `{}`)
	}
	as("recents").ok(t)
	as([]string{"mail", "recents"}).ok(t)
	as("mail").refused(t, 302, `aud is not "recents"`)
	as(nil).refused(t, 302, `aud is not "recents"`)
	issued := w.server("/v1/issueToken", `{"account":"alice"}`).ok(t).Get("token").Str
	w.made(issued)
	w.as(issued, queryList, `{}`).ok(t)
}

// TestA2AlgorithmsArePinned: with one kind of key configured, the other's
// algorithm is not even tried.
func TestA2AlgorithmsArePinned(t *testing.T) {
	w := newWorld(t, account.NewMemory(), func(o *server.Options) { o.Keys.Secret = nil })
	w.as(w.token("alice"), queryList, `{}`).refused(t, 302, "algorithm")
	empty := w.sign(jwt.SigningMethodHS256, []byte{}, jwt.MapClaims{"sub": "alice", "exp": w.clock.Load()/1000 + hour})
	w.as(empty, queryList, `{}`).refused(t, 302)
	w.server("/v1/issueToken", `{"account":"alice"}`).refused(t, 403, "no token secret")

	w = newWorld(t, account.NewMemory(), func(o *server.Options) { o.Keys.PublicKey = nil; o.Keys.ServerKey = "" })
	ed := w.sign(jwt.SigningMethodEdDSA, privateKey, jwt.MapClaims{"sub": "alice", "exp": w.clock.Load()/1000 + hour})
	w.as(ed, queryList, `{}`).refused(t, 302, "algorithm")
	w.as("", "/v1/issueToken", `{"account":"alice"}`).refused(t, 302, "missing")
}

func TestAuthorizationHeader(t *testing.T) {
	w := onMemory(t)
	token := w.token("alice")
	for header, code := range map[string]int{
		"Bearer " + token: 200, "bearer " + token: 200, "Bearer   " + token: 200,
		token: 302, "Basic " + token: 302, "Bearer": 302, "Bearer " + token + " x": 302, "": 302,
	} {
		require.Equal(t, code, w.request(http.MethodPost, queryList, `{}`, "Authorization", header).code, len(header))
	}
	require.Equal(t, 302, w.request(http.MethodPost, queryList+"?token="+token, `{}`).code, "a token in a URL is none")
}

func TestServerKey(t *testing.T) {
	w := onMemory(t)
	for _, path := range []string{"/v1/issueToken", "/v1/setTeamMembers", "/v1/deleteMessageOneWay"} {
		w.user("alice", path, `{}`).refused(t, 403, "server key")
		w.as(serverKey+"x", path, `{}`).refused(t, 302)
		w.as(serverKey[1:], path, `{}`).refused(t, 302)
	}
	for _, path := range []string{queryList, query, update, remove, "/v1/sync", "/v1/snapshot", "/v1/mutate"} {
		w.server(path, `{}`).refused(t, 403, "user's token")
	}
}

func TestIssueToken(t *testing.T) {
	w := onMemory(t)
	data := w.server("/v1/issueToken", `{"account":"alice","ttlSeconds":60}`).ok(t)
	require.Equal(t, int64(startTime+60_000), data.Get("expiresAt").Int())
	token := data.Get("token").Str
	w.made(token)
	w.as(token, queryList, `{}`).ok(t)
	w.clock.Add(66_000)
	w.as(token, queryList, `{}`).refused(t, 302, "expired")
	require.Equal(t, w.clock.Load()+86_400_000, w.server("/v1/issueToken", `{"account":"alice"}`).ok(t).Get("expiresAt").Int())
}

func TestDevToken(t *testing.T) {
	dev := newWorld(t, account.NewMemory(), func(o *server.Options) { o.Dev = true; o.Origins = []string{"http://chat.test:5000"} })
	data := dev.request(http.MethodPost, "/v1/dev/token", `{"account":"alice"}`).ok(t)
	dev.tokens = append(dev.tokens, data.Get("token").Str)
	dev.as(data.Get("token").Str, queryList, `{}`).ok(t)
	dev.request(http.MethodPost, "/v1/dev/token", `{"account":"a/b"}`).refused(t, 414, "account")

	for host, code := range map[string]int{"localhost": 200, "LOCALHOST:8787": 200, "127.0.0.1:1": 200, "[::1]:80": 200, "chat.test:5000": 200,
		"evil.example": 403, "127.0.0.1.evil.example:8787": 403, "localhost.evil.example": 403, "10.0.0.1": 403, "0.0.0.0:8787": 403} {
		require.Equal(t, code, dev.request(http.MethodPost, "/v1/dev/token", `{"account":"alice"}`, "Host", host).code, host)
		require.Equal(t, code, dev.request(http.MethodPost, "/v1/issueToken", `{"account":"alice"}`, "Host", host, "Authorization", "Bearer "+serverKey).code, host)
	}
	for origin, code := range map[string]int{"http://localhost:3000": 200, "http://127.0.0.1": 200, "http://chat.test:5000": 200, "https://evil.example": 403, "null": 403} {
		require.Equal(t, code, dev.request(http.MethodPost, "/v1/dev/token", `{"account":"alice"}`, "Origin", origin).code, origin)
	}

	far := newRequest(t, http.MethodPost, "/v1/dev/token", `{"account":"alice"}`)
	far.Host, far.RemoteAddr = "localhost", "192.0.2.7:4000"
	serve(t, dev.handler, far).refused(t, 403, "this machine")

	onMemory(t).request(http.MethodPost, "/v1/dev/token", `{"account":"alice"}`).refused(t, 404)
}

func TestParsePublicKey(t *testing.T) {
	public := privateKey.Public().(ed25519.PublicKey)
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	for _, text := range []string{
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
		base64.StdEncoding.EncodeToString(public), base64.RawURLEncoding.EncodeToString(public), " " + base64.StdEncoding.EncodeToString(public) + "\n",
	} {
		key, err := server.ParsePublicKey(text)
		require.NoError(t, err)
		require.True(t, public.Equal(key))
	}
	for _, text := range []string{"", "x", base64.StdEncoding.EncodeToString(public[1:]), "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"} {
		_, err := server.ParsePublicKey(text)
		require.ErrorContains(t, err, "public key")
	}
}
