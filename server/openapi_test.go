package server

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"recents/core"
	"recents/core/account"
)

func everyPath(t *testing.T) map[string]route {
	h, err := New(context.Background(), Options{Accounts: account.NewMemory(), Keys: Keys{ServerKey: "k", Secret: []byte("s")}, Dev: true,
		Now: func() int64 { return 1_700_000_000_000 }, NewID: func() string { return "00112233445566778899aabbccddeeff" }, Exposition: http.NotFoundHandler()})
	require.NoError(t, err)
	return h.routes
}

func TestOpenAPIHasEveryPath(t *testing.T) {
	require.NoError(t, core.Strict(openAPIText), "and no name stands twice in it")
	doc := gjson.ParseBytes(openAPIText)
	require.Equal(t, "3.1.0", doc.Get("openapi").Str)
	routes := everyPath(t)
	var documented []string
	for path, item := range doc.Get("paths").Map() {
		documented = append(documented, path)
		method := "get"
		if routes[path].run != nil {
			method = "post"
		}
		require.Equal(t, []string{method}, slices.Collect(maps.Keys(item.Map())), path)
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(routes)), documented)
}

func TestOpenAPIReferencesHold(t *testing.T) {
	doc := gjson.ParseBytes(openAPIText)
	n := 0
	var walk func(v gjson.Result)
	walk = func(v gjson.Result) {
		v.ForEach(func(name, value gjson.Result) bool {
			if name.Str == "$ref" {
				n++
				target := strings.ReplaceAll(strings.TrimPrefix(value.Str, "#/"), "/", ".")
				require.True(t, doc.Get(target).Exists(), value.Str)
			} else if value.IsObject() || value.IsArray() {
				walk(value)
			}
			return true
		})
	}
	walk(doc)
	require.Greater(t, n, 100)
}

// TestOpenAPIExamples: each call's example is one that the call takes, its
// required members are needed, its security is the path's, and its answer's
// example has what the schema requires.
func TestOpenAPIExamples(t *testing.T) {
	doc := gjson.ParseBytes(openAPIText)
	routes := everyPath(t)
	for path, item := range doc.Get("paths").Map() {
		rt := routes[path]
		if rt.run == nil {
			continue
		}
		op := item.Get("post")
		require.Equal(t, securityOf[rt.caller], op.Get("security").Raw, path)
		body := op.Get("requestBody.content.application/json")
		require.NoError(t, run(rt, path, body.Get("example").Raw), path)
		schema := resolve(doc, body.Get("schema"))
		for _, name := range schema.Get("required").Array() {
			short, err := without(body.Get("example").Raw, name.Str)
			require.NoError(t, err)
			code, details := core.CodeOf(run(rt, path, short))
			require.Equal(t, core.CodeBadParam, code, "%s without %s", path, name.Str)
			require.NotEmpty(t, details)
		}
		for name := range body.Get("example").Map() {
			require.True(t, schema.Get("properties").Map()[name].Exists(), "%s: %s", path, name)
		}
		answer := op.Get(`responses.200.content.application/json`)
		require.Equal(t, int64(200), answer.Get("example.code").Int(), path)
		data := resolve(doc, answer.Get("schema.properties.data"))
		if first := data.Get("oneOf.0"); first.Exists() {
			data = resolve(doc, first)
		}
		for _, name := range data.Get("required").Array() {
			require.True(t, answer.Get("example.data").Map()[name.Str].Exists(), "%s: %s", path, name.Str)
		}
	}
}

var securityOf = map[callerKind]string{
	byAnyone: `[]`, byUser: `[{"userToken": []}]`, byServerKey: `[{"serverKey": []}]`, byBoth: `[{"userToken": []}, {"serverKey": []}]`,
}

func resolve(doc, schema gjson.Result) gjson.Result {
	if ref := schema.Get("$ref"); ref.Exists() {
		return doc.Get(strings.ReplaceAll(strings.TrimPrefix(ref.Str, "#/"), "/", "."))
	}
	return schema
}

// run makes the call on a server where its example can succeed.
func run(rt route, path, body string) error {
	h := rt
	q := &request{path: path, body: []byte(body), caller: caller{account: "alice"}}
	if h.caller != byUser {
		q.caller = caller{server: true}
	}
	q.http, _ = http.NewRequest(http.MethodPost, "http://localhost"+path, nil)
	q.http.RemoteAddr = "127.0.0.1:1"
	_, err := h.run(context.Background(), q)
	if code, _ := core.CodeOf(err); code == core.CodeNotFound {
		return nil // understood: the example's session is not there
	}
	return err
}

// without returns an object without one member.
func without(body, drop string) (string, error) {
	out := []byte{'{'}
	err := core.Fields([]byte(body), func(name, raw []byte) error {
		if string(name) == drop {
			return nil
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(core.AppendString(out, string(name)), ':'), raw...)
		return nil
	})
	return string(append(out, '}')), err
}
