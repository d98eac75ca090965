package main

import (
	"encoding/json"
	"fmt"
	"time"
)

// seed fills an empty server, here or elsewhere, with the demo's accounts
// through its API, as a chat app's backend would; their messages were sent up to
// a month before now. One that holds a session of alice is left as it is. told
// hears how many of the calls are made.
func seed(c *client, now time.Time, told func(done, total int64)) error {
	token, err := c.token("alice")
	if err != nil {
		return err
	}
	var list struct{ SessionList []json.RawMessage }
	if err := c.call("queryMySessionList", token, object{"limit": 1}, &list); err != nil || len(list.SessionList) > 0 {
		return err
	}
	return c.fill(seedCalls(c.key, token, now), told)
}

// seedCall is one call of seed's.
type seedCall struct {
	path, token string
	body        object
}

// seedCalls are all of them, in order: those of the app's backend, and one of
// alice with her token.
func seedCalls(key, token string, now time.Time) (calls []seedCall) {
	for _, t := range demoTeams {
		calls = append(calls, seedCall{"setTeamMembers", key, t})
	}
	for i := range demoMessages {
		calls = append(calls, seedCall{"sendMessage", key, demoMessages[i].request(i, now)})
	}
	return append(calls, seedCall{"revokeMessage", key, demoRevoke},
		seedCall{"updateMySession", token, object{"sessionId": "bob", "sessionType": "p2p", "ext": `{"pinned":true}`}})
}

func (c *client) fill(calls []seedCall, told func(done, total int64)) error {
	for i, call := range calls {
		if err := c.call(call.path, call.token, call.body, nil); err != nil {
			return err
		}
		told(int64(i)+1, int64(len(calls)))
	}
	return nil
}

type object map[string]any

func (c *client) token(account string) (string, error) {
	var t struct{ Token string }
	err := c.call("issueToken", c.key, object{"account": account}, &t)
	return t.Token, err
}

var demoTeams = []object{
	{"teamId": "weekend", "sessionType": "team", "owner": "alice", "managers": []string{"bob"},
		"members": []string{"alice", "bob", "carol", "dave", "erik"}},
	{"teamId": "townhall", "sessionType": "superTeam", "owner": "grace", "members": []string{"alice", "bob", "carol", "dave", "grace", "yuki"}},
}

var nicknames = map[string]string{
	"alice": "Alice", "bob": "Bob", "carol": "Carol", "dave": "Dave", "erik": "Erik Lindqvist", "grace": "Grace Okafor",
	"yuki": "田中 雪", "lena": "Лена", "omar": "عمر", "maria": "María José", "support": "Support", "builds": "Build robot",
	"xiaoming": "小明", "priya": "प्रिया",
}

var teamNames = map[string]string{"weekend": "Weekend hikes", "townhall": "Town hall"}

// demoMessage is one message of the demo, sent so long before now.
type demoMessage struct {
	from, to, typ string
	before        time.Duration
	kind, content string
	attachment    object
}

func (m *demoMessage) request(i int, now time.Time) object {
	message := object{
		"uuid": demoUUID(i), "messageType": m.kind, "content": m.content, "fromNickname": nicknames[m.from],
		"timestamp": now.Add(-m.before).UnixMilli(),
	}
	if m.attachment != nil {
		message["messageAttachment"] = m.attachment
	}
	if name := teamNames[m.to]; name != "" {
		message["remoteExtension"] = object{"teamName": name}
	} else {
		message["remoteExtension"] = object{"toNickname": nicknames[m.to]} // the demo shows what it calls the receiver
	}
	return object{"from": m.from, "to": m.to, "sessionType": m.typ, "message": message}
}

func demoUUID(i int) string { return fmt.Sprintf("demo-%03d", i) }

// demoRevoke takes the first of demoMessages back, the last one that dave sent.
var demoRevoke = object{"from": "dave", "to": "alice", "sessionType": "p2p", "uuid": demoUUID(0), "operator": "dave", "notice": "Wrong window, sorry!"}

const (
	p2p, team, superTeam = "p2p", "team", "superTeam"
	day                  = 24 * time.Hour
)

var demoMessages = []demoMessage{
	{"dave", "alice", p2p, 26 * time.Hour, "text", "the surprise party is on friday, don't tell alice", nil},
	{"xiaoming", "alice", p2p, 33 * day, "text", "好久不见！下个月我去柏林出差，一起吃饭吗？", nil},
	{"support", "alice", p2p, 24 * day, "notification", "Your request #4821 was closed.", nil},
	{"priya", "alice", p2p, 19 * day, "text", "जन्मदिन की बहुत-बहुत शुभकामनाएँ! 🎂🎉", nil},
	{"omar", "alice", p2p, 12 * day, "text", "شكراً جزيلاً على المساعدة، أراك الأسبوع القادم", nil},
	{"alice", "lena", p2p, 8 * day, "text", "Спасибо за книгу, прочитала за два вечера!", nil},
	{"lena", "alice", p2p, 8*day - 20*time.Minute, "text", "Правда? Тогда принесу вторую часть в субботу", nil},
	{"maria", "alice", p2p, 5 * day, "file", "", object{"name": "presupuesto-2026.pdf", "displayName": "presupuesto-2026.pdf", "ext": "pdf", "size": 248120}},
	{"grace", "townhall", superTeam, 4 * day, "text", "The recording of Thursday's town hall is up. Questions go into the thread, answers on Monday.", nil},
	{"yuki", "alice", p2p, 3 * day, "text", "来週の打ち合わせ、火曜日の午後に変更できますか？", nil},
	{"alice", "erik", p2p, 50 * time.Hour, "audio", "", object{"dur": 17400, "ext": "aac", "size": 61230}},
	{"builds", "alice", p2p, 28 * time.Hour, "robot", "main is green again after 2 red builds", nil},
	{"carol", "alice", p2p, 9 * time.Hour, "image", "", object{"name": "IMG_2210.jpg", "displayName": "IMG_2210.jpg", "w": 2048, "h": 1365, "ext": "jpg", "size": 734003}},
	{"alice", "bob", p2p, 3 * time.Hour, "text", "Are you bringing the stove or shall I?", nil},
	{"bob", "alice", p2p, 3*time.Hour - 4*time.Minute, "text", "I've got it. You take the coffee ☕ and we are even", nil},
	{"erik", "weekend", team, 50 * time.Minute, "text", "Sonntag 9:15? Wetter soll halten 🌤️", nil},
	{"carol", "weekend", team, 42 * time.Minute, "location", "", object{"title": "Trailhead car park, Müggelberge", "lat": 52.4172, "lng": 13.6411}},
	{"bob", "carol", p2p, 31 * time.Minute, "text", "did you get the tickets?", nil},
	{"dave", "bob", p2p, 2 * day, "text", "<b>not bold</b> & still not <script>alert(1)</script>", nil},
}
