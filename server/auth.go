package server

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"recents/core"
)

// Keys say whose word is believed.
type Keys struct {
	ServerKey string            // of the chat app's backend; "" admits none
	Secret    []byte            // HS256 tokens are signed with it; nil admits none
	PublicKey ed25519.PublicKey // EdDSA tokens are checked with it; nil admits none
	Audience  string            // that a token must name in aud; "": tokens with an aud are not for this server
}

// spkiEd25519 is what stands before the key in the DER of an Ed25519 public key
// (RFC 8410 §4, which has one form): a parser for all kinds would add 25 KB to
// the edge module.
var spkiEd25519 = []byte{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00}

// ParsePublicKey reads an Ed25519 public key: PEM ("PUBLIC KEY"), or base64 of
// its 32 bytes.
func ParsePublicKey(text string) (ed25519.PublicKey, error) {
	if block, _ := pem.Decode([]byte(text)); block != nil {
		raw, ok := bytes.CutPrefix(block.Bytes, spkiEd25519)
		if !ok || len(raw) != ed25519.PublicKeySize {
			return nil, errors.New("public key: is not an Ed25519 key in PKIX form")
		}
		return ed25519.PublicKey(raw), nil
	}
	text = strings.NewReplacer("-", "+", "_", "/", "=", "").Replace(strings.TrimSpace(text))
	raw, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return nil, errors.New("public key: is neither PEM nor base64 of 32 bytes")
	}
	return ed25519.PublicKey(raw), nil
}

// callerKind says whom a path admits.
type callerKind uint8

const (
	byAnyone callerKind = iota
	byUser
	byServerKey
	byBoth
)

// caller is who calls: the server key, or an account until its token expires.
type caller struct {
	server  bool
	account string
	expires int64 // ms
}

func (k callerKind) admits(who caller) error {
	switch {
	case k == byUser && who.server:
		return forbidden("this call takes a user's token: the server key is no account")
	case k == byServerKey && !who.server:
		return forbidden("this call takes the server key, not a user's token")
	}
	return nil
}

func forbidden(details string) error {
	return &core.Error{Code: core.CodeForbidden, Details: details}
}

// authority checks and issues tokens.
type authority struct {
	keys      Keys
	serverKey [sha256.Size]byte // of keys.ServerKey
	now       func() int64
	parser    *jwt.Parser
	known     *knownTokens
}

// tokenLeeway is how far the clocks of issuer and server may be apart.
const tokenLeeway = 5 * time.Second

// maxToken bounds the bytes that a token's check reads.
const maxToken = 4096

// newAuthority pins the algorithms to those whose key is there: a token's own
// word for its algorithm is never believed.
func newAuthority(keys Keys, now func() int64) *authority {
	var methods []string
	if len(keys.Secret) > 0 {
		methods = append(methods, jwt.SigningMethodHS256.Alg())
	}
	if len(keys.PublicKey) > 0 {
		methods = append(methods, jwt.SigningMethodEdDSA.Alg())
	}
	options := []jwt.ParserOption{
		jwt.WithValidMethods(methods), jwt.WithExpirationRequired(), jwt.WithStrictDecoding(),
		jwt.WithLeeway(tokenLeeway), jwt.WithTimeFunc(func() time.Time { return time.UnixMilli(now()) })}
	if keys.Audience != "" {
		options = append(options, jwt.WithAudience(keys.Audience))
	}
	return &authority{keys, sha256.Sum256([]byte(keys.ServerKey)), now, jwt.NewParser(options...), newKnownTokens()}
}

// bearer returns the token of the Authorization header, "" when there is none.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// isServerKey takes the same time for any text of a length.
func (a *authority) isServerKey(token string) bool {
	got := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(a.serverKey[:], got[:]) == 1 && a.keys.ServerKey != ""
}

func badToken(details string) error {
	return &core.Error{Code: core.CodeToken, Details: "token: " + details}
}

// user returns whose token it is. No error repeats any of the token. One that
// was found good is remembered: a page shows the same one with every call.
func (a *authority) user(token string) (caller, error) {
	if who, ok := a.known.find(token, a.now()); ok {
		return who, nil
	}
	who, err := a.check(token)
	if err == nil {
		a.known.keep(token, who, a.now())
	}
	return who, err
}

func (a *authority) check(token string) (caller, error) {
	switch {
	case token == "":
		return caller{}, badToken("is missing")
	case len(token) > maxToken:
		return caller{}, badToken(core.Itoa(int64(len(token))) + " bytes is over " + core.Itoa(maxToken))
	}
	var claims jwt.RegisteredClaims
	if _, err := a.parser.ParseWithClaims(token, &claims, a.keyFor); err != nil {
		return caller{}, badToken(a.reason(err, &claims))
	}
	if a.keys.Audience == "" && len(claims.Audience) > 0 { // RFC 7519, 4.1.3
		return caller{}, badToken("has an aud, and this server is no one's")
	}
	if err := core.CheckID("sub", claims.Subject); err != nil {
		return caller{}, badToken(err.Error())
	}
	return caller{account: claims.Subject, expires: claims.ExpiresAt.UnixMilli()}, nil
}

func (a *authority) keyFor(t *jwt.Token) (any, error) {
	if _, extended := t.Header["crit"]; extended { // RFC 7515, 4.1.11: none is understood here
		return nil, jwt.ErrTokenUnverifiable
	}
	if t.Method == jwt.SigningMethodEdDSA {
		return a.keys.PublicKey, nil
	}
	return a.keys.Secret, nil
}

func (a *authority) reason(err error, claims *jwt.RegisteredClaims) string {
	switch {
	case errors.Is(err, jwt.ErrTokenMalformed):
		return "is malformed"
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return "its signature or its algorithm is not one that this server takes"
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing) && claims.ExpiresAt == nil:
		return "has no exp"
	case errors.Is(err, jwt.ErrTokenInvalidAudience), errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return "its aud is not " + core.Quote(a.keys.Audience)
	case errors.Is(err, jwt.ErrTokenExpired):
		return "expired at " + core.Itoa(claims.ExpiresAt.UnixMilli()) + ", it is " + core.Itoa(a.now())
	case errors.Is(err, jwt.ErrTokenNotValidYet), errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return "is not valid yet"
	}
	return "is not one that this server takes"
}

// Issue makes a token of an account, good for ttl from now (ms) on. account must
// have passed core.CheckID. Without a Secret it is code 403.
func (k Keys) Issue(account string, ttl time.Duration, now int64) (token string, expires int64, err error) {
	if len(k.Secret) == 0 {
		return "", 0, forbidden("issueToken: this server has no token secret; tokens come from the holder of the EdDSA key")
	}
	at := time.UnixMilli(now)
	exp := jwt.NewNumericDate(at.Add(ttl))
	claims := jwt.RegisteredClaims{Subject: account, IssuedAt: jwt.NewNumericDate(at), ExpiresAt: exp}
	if k.Audience != "" {
		claims.Audience = jwt.ClaimStrings{k.Audience}
	}
	token, err = jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(k.Secret)
	return token, exp.UnixMilli(), err
}
