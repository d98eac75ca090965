package server

import (
	"strings"
	"sync"
)

// knownKept bounds the tokens in one generation: at a token's usual 200 bytes
// both take under a megabyte, and only tokens that were signed here are in them.
const knownKept = 2000

// knownTokens are the tokens that were found good, with whose they are: the
// check of a signature and of a payload in JSON takes longer than what most
// calls ask for. They are in two generations, as buckets are.
type knownTokens struct {
	mu         sync.Mutex
	young, old map[string]knownToken
}

type knownToken struct {
	who caller
	at  int64 // when it was checked, ms
}

func newKnownTokens() *knownTokens {
	return &knownTokens{young: map[string]knownToken{}}
}

// find returns whose token it is at now, ms, when that is known. A token is good
// for one span of time: from its check until its end nothing of it can change.
// Before, and after, its check says what is wrong.
func (k *knownTokens) find(token string, now int64) (caller, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	known, ok := k.young[token]
	if !ok {
		if known, ok = k.old[token]; ok {
			k.put(token, known)
		}
	}
	return known.who, ok && known.at <= now && now < known.who.expires
}

// keep remembers a token that was found good at now. The clone holds no request
// that the token stood in.
func (k *knownTokens) keep(token string, who caller, now int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.put(strings.Clone(token), knownToken{who, now})
}

func (k *knownTokens) put(token string, known knownToken) {
	if len(k.young) >= knownKept {
		k.young, k.old = map[string]knownToken{}, k.young
	}
	k.young[token] = known
}
