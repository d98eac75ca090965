package conformance

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestStorm: accounts that share one instance, all at once, each hold their own
// and nothing of another's (I9).
func TestStorm(t *testing.T) {
	const accounts = 200
	edge := newEdge(t)
	var wg sync.WaitGroup
	slots := make(chan struct{}, 20)
	for i := range accounts {
		name := fmt.Sprint("storm", i)
		token := edge.token(t, name)
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			for j := range 3 {
				a, err := edge.try(request{path: "/v1/updateMySession", token: token,
					body: fmt.Sprintf(`{"sessionId":"s%d","sessionType":"p2p","ext":"%s"}`, j, name)})
				if err != nil || a.status != http.StatusOK {
					t.Errorf("%s: %v %s", name, err, a.body)
				}
			}
		})
	}
	wg.Wait()
	for i := range accounts {
		name := fmt.Sprint("storm", i)
		for _, ext := range edge.changes(t, name).get("data.rows.#.x").Array() {
			require.Equal(t, name, ext.String())
		}
		require.EqualValues(t, 3, edge.head(t, name), name)
	}
}

// TestFanOut: a message to a group reaches every member's object, once, however
// many rounds of the outbox that takes; a revoke follows it.
func TestFanOut(t *testing.T) {
	edge := newEdge(t)
	members := make([]string, 150)
	for i := range members {
		members[i] = fmt.Sprint("member", i)
	}
	edge.call(t, "setTeamMembers", serverKey, object{"teamId": "big", "sessionType": "superTeam", "owner": "member0", "members": members})
	edge.call(t, "sendMessage", edge.token(t, "member7"), object{"from": "member7", "to": "big", "sessionType": "superTeam",
		"message": object{"uuid": "u", "content": "to all"}})
	for _, m := range members {
		edge.reaches(t, m, 1)
	}
	edge.call(t, "revokeMessage", edge.token(t, "member0"), object{"from": "member7", "to": "big", "sessionType": "superTeam",
		"uuid": "u", "operator": "member0"})
	for _, m := range members {
		edge.reaches(t, m, 2)
		log := edge.changes(t, m)
		require.EqualValues(t, 2, log.get("data.head").Int(), m)
		require.EqualValues(t, 1, log.get("data.rows.0.mt").Int(), m)
	}
}
