#!/usr/bin/env bash
# Every command of the project; CI calls `./build.sh test` and nothing else.
#
# Versions are pinned where their own tools look for them: Go and its modules,
# esbuild among them, in go.mod; what only the tests need in
# e2e/package-lock.json. build and run need Go alone.
set -euo pipefail
cd "$(dirname "$0")"

readonly NODE_AT_LEAST=20   # the oldest Node that the tests run on
readonly FUZZ_RUNS=20000x   # executions of each fuzz target, beyond its corpus
readonly SCHEDULES=10000    # of the simulator
readonly JS_TARGET=es2022   # Chromium 94, Firefox 93, Safari 15.4
readonly EDGE_BUDGET=2000000 # bytes of the edge module, gzip
readonly LOGS=build/test
readonly BENCHES=(payload boot page write updates memory server edge)
readonly ENTRIES=(js/src/nim js/src/nim-web js/src/nim-ng js/src/react) # of the package, beside js/src/index

# The version is version.txt's, so a checkout without git builds the same bytes.
export GOFLAGS=-buildvcs=false

usage() {
  cat <<'TXT'
./build.sh run               build what is stale, start a seeded demo on 127.0.0.1:8787 (PORT, DATA override)
./build.sh edge              the worker in the real edge runtime on 127.0.0.1:8788 (PORT, DATA override); needs npm for it
./build.sh build             build/recentsd (server), build/sdk/ (npm package), build/edge/ (worker), and a table of their sizes
./build.sh package           build/recents-<version>.tgz, the npm package, and a table of its files; needs npm for it
./build.sh docs              makes the pages of docs/ that come from the code
./build.sh screenshots       makes the pictures of docs/ from the demo
./build.sh sim -n N [-seed S]  N random schedules of the sync protocol on all cores; a failing one prints how to replay it
./build.sh sim -bugs           in how many schedules each bug is caught that is seeded on purpose
./build.sh bench [part…]     the benchmark beside peers, of: payload, boot, page, write, updates, memory, server, edge;
                             build/bench/<part>.json and .svg; exit 1 when a bound is missed
./build.sh bench -docs       makes docs/performance.md of what was measured
./build.sh reliability       runs the tests of faults, and writes docs/reliability.md of what they measured
./build.sh soak [-t 30m] [-seed S]  server, tabs and a second device through faults under load; fails when anything grows
./build.sh test [part…]      all tests, or of: go, types, unit, e2e, edge; logs in build/test/
TXT
}

# say tells what is being built: the first time, with empty caches, takes minutes.
say() {
  echo "building $*" >&2
}

die() {
  echo "build.sh: $*" >&2
  exit 1
}

# --- build ---------------------------------------------------------------

# build_host leaves the package, the demo and the server that holds them.
build_host() {
  mkdir -p build/sdk
  exec 9>build/.lock
  if command -v flock >/dev/null; then flock 9; fi # two builds at once would mix their files
  say 'the core, in WebAssembly'
  build_core
  say 'the package and the demo'
  build_js
  build_types
  build_demo
  say 'what the server holds of them'
  go run ./server/recentsd/pack
  say 'the server'
  build_server
  exec 9>&-
}

# cmd_build is build_host and the worker, which the server needs nothing of.
cmd_build() {
  build_host
  build_edge
}

# build_core compiles the replica to WebAssembly, without the lines of tracebacks
# that nobody sees: they would be 60 KB of brotli.
build_core() {
  GOOS=js GOARCH=wasm go build -trimpath -ldflags='-s -w' -o build/sdk/recents.wasm ./wasm/browser
  go run ./wasm/join -lines=false build/sdk/recents.wasm
}

# build_js bundles the package: index.js is what a page waits for; the core's
# loader, with Go's own wasm_exec.js in it, is a file of its own that index.js
# imports when it has shown the first list. Each has its own copy of the few lines
# that both need: in files between them, those would be one more way to the server
# and back before the first list.
build_js() {
  find build/sdk -name '*.js' -delete
  esbuild js/src/index.ts --outdir=build/sdk --external:./core.js --external:./majors.js --metafile=build/sdk.meta.json
  esbuild js/src/core.ts js/src/majors.ts --outdir=build/sdk
  # The other entries import index.js as it is, so that one of them does not split it, and all share one client.
  esbuild "${ENTRIES[@]/%/.ts}" --outdir=build/sdk --external:./index.js --external:react
}

# build_types puts the public types and what else the package holds beside the code.
build_types() {
  local entry
  cp js/src/api.d.ts build/sdk/index.d.ts
  for entry in "${ENTRIES[@]}"; do
    sed "s|'./api.js'|'./index.js'|" "$entry.api.d.ts" >"build/sdk/$(basename "$entry").d.ts"
  done
  cp js/recents.wasm.d.ts js/README.md LICENSE build/sdk/
  go run ./core/wiregen -types >build/sdk/wire.gen.d.ts
  sed "s/\"version\": \".*\"/\"version\": \"$(cat version.txt)\"/" js/package.json >build/sdk/package.json
}

# build_demo bundles the demo, which loads the package from the server.
build_demo() {
  rm -rf build/web
  mkdir -p build/web/web
  cp index.html build/web/
  cp web/app.webmanifest web/icons/*.svg web/icons/*.png build/web/web/
  esbuild web/src/main.ts --outfile=build/web/web/main.js --alias:recents=/sdk/index.js --external:/sdk/index.js
  esbuild web/src/sw.ts --outfile=build/web/sw.js # at the root: a service worker serves only what lies below it
  esbuild web/style.css --outfile=build/web/web/style.css
}

# esbuild is run as a Go tool.
esbuild() {
  wrap_wasm_exec
  go tool esbuild "$@" --bundle --minify --format=esm --target="$JS_TARGET" --log-level=warning \
    --alias:wasm_exec="$PWD/build/wasm_exec.js"
}

# wrap_wasm_exec makes a module of Go's wasm_exec.js. The file is that of the
# very Go that compiles the core, so it is never checked in. It puts Go, fs,
# process and path on globalThis, which is the app's: here they land in scope,
# which holds what the file and syscall/js look for there.
wrap_wasm_exec() {
  mkdir -p build
  {
    echo 'export const scope = { Object, Array, Uint8Array, TextEncoder, TextDecoder, crypto, performance };'
    echo '(function (globalThis) {'
    echo 'const fs = { writeSync: (fd, bytes) => scope.fs.writeSync(fd, bytes) };' # which the file looks up by this name
    cat "$(go env GOROOT)/lib/wasm/wasm_exec.js"
    echo '})(scope);'
  } >build/wasm_exec.js
}

# build_edge leaves the worker in build/edge/: its script, its module, and how to
# run them on one's own machine. The module must stay under EDGE_BUDGET.
# What is not ours is compiled without inlining, which takes 110 KB off.
build_edge() {
  say 'the edge worker'
  mkdir -p build/edge
  GOOS=js GOARCH=wasm go build -trimpath -ldflags='-s -w' -gcflags=all=-l -gcflags=recents/...= \
    -o build/edge/recents-edge.wasm ./wasm/edge
  go run ./wasm/join build/edge/recents-edge.wasm
  wrap_edge_go_js
  bundle_worker js/edge/worker.mjs build/edge
  build_site
  local size
  size=$(gzip -9 -c build/edge/recents-edge.wasm | wc -c)
  echo "build/edge/recents-edge.wasm: $size bytes gzip, at most $EDGE_BUDGET" >&2
  [ "$size" -le "$EDGE_BUDGET" ] || die "the edge module is over its budget"
}

# build_trial leaves the worker as its tests run it in build/trial/: the same
# script and module, with a look inside and faults on demand.
build_trial() {
  mkdir -p build/trial
  ln -f build/edge/recents-edge.wasm build/trial/
  bundle_worker e2e/conformance/trial/worker.mjs build/trial
}

# build_site leaves what the platform serves beside the worker: the package.
build_site() {
  rm -rf build/edge-site
  mkdir -p build/edge-site
  [ ! -d build/sdk ] || cp -r build/sdk build/edge-site/sdk
  printf '/sdk/*\n  Access-Control-Allow-Origin: *\n  X-Content-Type-Options: nosniff\n' >build/edge-site/_headers
}

# bundle_worker SOURCE DIRECTORY
bundle_worker() {
  go tool esbuild "$1" --outfile="$2/worker.mjs" --bundle --format=esm --target="$JS_TARGET" \
    --log-level=warning --alias:edge_wasm_exec="$PWD/build/edge_wasm_exec.js" \
    --external:cloudflare:workers --external:./recents-edge.wasm
  cp js/edge/workerd.capnp "$2/"
}

# wrap_edge_go_js makes a module of Go's wasm_exec.js that sets no global, and
# whose timers never fire: an event of one object must not wait for another's,
# and Go looks at its clock whenever it runs.
wrap_edge_go_js() {
  {
    echo 'export const scope = { Object, Array, Uint8Array, Uint8ClampedArray, Promise, Error, Date, TextEncoder, TextDecoder,'
    echo '  Request, Response, Headers, ReadableStream, FixedLengthStream, crypto, performance };'
    echo '(function (globalThis, setTimeout, clearTimeout) {'
    echo 'const fs = { writeSync: (fd, bytes) => scope.fs.writeSync(fd, bytes) };' # which the file looks up by this name
    cat "$(go env GOROOT)/lib/wasm/wasm_exec.js"
    echo '})(scope, () => 0, () => {});'
    echo 'export const { Go } = scope;'
  } >build/edge_wasm_exec.js
}

# build_server compiles the server with the files that pack laid out in it.
build_server() {
  go build -trimpath -ldflags="-X main.version=$(cat version.txt)" -o build/recentsd ./server/recentsd
}

# stale tells whether a source is newer than the server that holds them all.
stale() {
  [ ! -x build/recentsd ] || [ -n "$(find build.sh version.txt go.mod go.sum index.html core server wasm js web \
    -path server/recentsd/assets -prune -o -type f -newer build/recentsd -print -quit)" ]
}

cmd_run() {
  if stale; then build_host; fi
  exec build/recentsd -dev -seed -listen "127.0.0.1:${PORT:-8787}" -data "${DATA:-data/}"
}

# cmd_edge runs the worker on the real edge runtime, in dev mode like run.
cmd_edge() {
  need_npm
  if stale; then build_host; fi
  if edge_stale; then build_edge; fi
  local data="${DATA:-data/edge}"
  mkdir -p "$data"
  if [ ! -s "$data/dev-token-secret" ]; then
    (umask 077 && od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$data/dev-token-secret")
  fi
  mkdir -p "$data/objects"
  echo "http://127.0.0.1:${PORT:-8788}"
  RECENTS_DEV=1 RECENTS_SERVER_KEY=dev RECENTS_TOKEN_SECRET="$(cat "$data/dev-token-secret")" \
    RECENTS_TOKEN_PUBLIC_KEY="${RECENTS_TOKEN_PUBLIC_KEY-}" RECENTS_ALLOW_ORIGIN="${RECENTS_ALLOW_ORIGIN-}" \
    exec e2e/node_modules/.bin/workerd serve build/edge/workerd.capnp --socket-addr="http=127.0.0.1:${PORT:-8788}" \
    --directory-path="storage=$data/objects" --directory-path="site=server/recentsd/assets"
}

edge_stale() {
  [ ! -f build/edge/worker.mjs ] || [ -n "$(find build.sh go.mod core server wasm/edge js/edge \
    -path server/recentsd/assets -prune -o -type f -newer build/edge/worker.mjs -print -quit)" ]
}

# --- package -------------------------------------------------------------

# cmd_package leaves the npm package's tarball in build/, and prints what is in it.
cmd_package() {
  need_node
  if stale; then build_host; fi
  (cd build/sdk && npm pack --pack-destination .. --loglevel=notice --no-update-notifier)
}

# --- sim -----------------------------------------------------------------

# cmd_sim runs random schedules; see core/sim/simulate for its flags.
cmd_sim() {
  if [ "${1-}" = -bugs ]; then exec go test -count=1 -timeout 30m -v -run '^TestEachSeededBugIsCaught$' ./core/sim; fi
  exec go run ./core/sim/simulate "$@"
}

# --- bench ---------------------------------------------------------------

# cmd_bench measures parts of the product beside their peers and fails when a
# bound is missed. All of them, when none is named, also make the page of docs/.
cmd_bench() {
  local part failed=0
  [ $# -gt 0 ] || set -- "${BENCHES[@]}" -docs
  for part in "$@"; do
    case "$part" in
      payload | boot | page | write | updates | memory) bench_browser "$part" || failed=1 ;;
      edge) bench_edge || failed=1 ;;
      server) bench_server || failed=1 ;;
      -docs) bench_docs || failed=1 ;;
      *) die "no benchmark '$part': ${BENCHES[*]}" ;;
    esac
  done
  return "$failed"
}

# bench_browser measures a part in Chromium. The pages are bundles as an app has
# them, ours of the package's own files; what they load is kept compressed.
bench_browser() {
  need_npm
  need_npm bench
  need_chromium
  if stale; then build_host; fi
  rm -rf build/bench-site
  local page
  for page in bench/browser/pages/*.ts; do # each alone: no app waits for files that it shares with another
    esbuild "$page" --outdir=build/bench-site --splitting --chunk-names='[name]-[hash]' \
      --alias:recents="$PWD/build/sdk/index.js" --log-override:ignored-bare-import=silent
  done
  esbuild bench/browser/alone/* --outdir=build/bench-site/alone
  cp build/sdk/recents.wasm build/bench-site/
  go tool esbuild bench/browser/run.ts --outfile=build/bench.mjs --bundle --platform=node --format=esm --log-level=warning \
    --alias:@playwright/test="$PWD/e2e/node_modules/@playwright/test/index.mjs" --external:"$PWD/e2e/node_modules/*"
  node build/bench.mjs "$1" && go run ./bench/performance judge "$1"
}

# bench_docs makes docs/performance.md and its plots of the parts that were
# measured last.
bench_docs() {
  go run ./bench/performance docs -browser "$(browser_version)"
}

# browser_version names the browser of the tests.
browser_version() {
  "${CHROMIUM:-chromium}" --version 2>/dev/null | cut -d' ' -f1,2
}

# bench_server builds PocketBase as well, a module of its own that nothing else
# needs. The databases of both, 2 GB, are made once, in build/bench/data.
bench_server() {
  if stale; then build_host; fi
  mkdir -p build/bench
  say 'PocketBase'
  (cd bench/server/pocketbase && go build -trimpath -o ../../../build/bench/pocketbase .)
  go run ./bench/server
}

bench_edge() {
  need_npm
  if edge_stale; then build_edge; fi
  mkdir -p build/peer
  bundle_worker bench/edge/peer.mjs build/peer
  cp build/edge/recents-edge.wasm build/peer/ # which the runtime's configuration names
  go run ./bench/edge
}

# --- reliability -----------------------------------------------------------

# meter copies lines and shows on a terminal how far the work is that prints them.
meter() {
  go run ./progress/meter "$@"
}

# cmd_reliability runs every test that names a fault, in Go, in the browser and in
# the edge runtime, and makes the table of them. A test that fails shows there, so
# the runs themselves stop nothing.
cmd_reliability() {
  mkdir -p "$LOGS" build/reliability
  need_npm
  need_chromium
  run_edge-build
  export RECENTS_EDGE=required
  local package tests
  go run ./e2e/reliability -tests >build/reliability/tests
  while IFS=$'\t' read -r package tests; do
    go test -json -count=1 -timeout 20m -run "$tests" "$package" </dev/null || true
  done <build/reliability/tests |
    meter -what 'in Go' -unit tests -of "$(grep -o 'Test[A-Za-z0-9_]*' build/reliability/tests | wc -l)" \
      '"Action":"(?:pass|fail|skip)".*"Test":"[^/"]*",' >build/reliability/go.json
  (cd e2e && PLAYWRIGHT_JSON_OUTPUT_FILE=../build/reliability/playwright.json \
    node_modules/.bin/playwright test --reporter=json,list -g '(^| )[NDTCSA][1-9][0-9]? ' </dev/null || true) |
    meter -what 'in the browser' -unit tests -of-line '^Running (\d+) tests' '^ +(?:✓|✘|-|ok|x) ' >build/reliability/playwright.log
  go run ./e2e/reliability -go build/reliability/go.json -playwright build/reliability/playwright.json \
    -context "$(browser_version), $(go version | cut -d' ' -f3), $(nproc) cores"
}

# --- docs ----------------------------------------------------------------

# cmd_docs makes the pages of docs/ that come from the code.
cmd_docs() {
  need_npm
  exec node e2e/docs/make.mjs
}

# --- soak ----------------------------------------------------------------

# cmd_soak has the server and three pages of one account live through every fault
# in turn; see e2e/soak. It leaves its samples in build/soak.json.
cmd_soak() {
  local minutes=30 seed=1
  while [ $# -gt 0 ]; do
    case "$1 ${2-}" in
      -t\ *[0-9]h) minutes=$((${2%h} * 60)) ;;
      -t\ *[0-9]m) minutes=${2%m} ;;
      -seed\ *[0-9]) seed=$2 ;;
      *) die "soak: '$1 ${2-}' is neither -t with a time like 30m or 4h, nor -seed with a number" ;;
    esac
    shift 2
  done
  mkdir -p "$LOGS"
  need_npm
  need_chromium
  if stale; then build_host; fi
  (cd e2e && RECENTS_SOAK_MINUTES=$minutes RECENTS_SOAK_SEED=$seed node_modules/.bin/playwright test -c soak.config.ts) |
    meter -what soak -unit s -of $((minutes * 60)) '^cycle .* after (\d+) s$'
}

# --- screenshots -----------------------------------------------------------

# cmd_screenshots takes docs/screens/*.png and docs/demo.png of the demo in each of
# its states, on a seeded server and at a fixed moment of the page's clock.
cmd_screenshots() {
  mkdir -p "$LOGS"
  need_npm
  need_chromium
  if stale; then cmd_build; fi
  (cd e2e && node_modules/.bin/playwright test -c screens.config.ts "$@")
  go run ./e2e/shrink docs/screens/*.png docs/demo.png
}

# --- test ----------------------------------------------------------------

PASSED=0
FAILED=0
LAST_FAILED=0 # of the step before

cmd_test() {
  mkdir -p "$LOGS"
  case "${1-all}" in
    all) test_all ;;
    go | types | unit | edge | e2e) "test_$1" "${@:2}" ;;
    *) die "no part '$1': go, types, unit, edge or e2e" ;;
  esac
  echo "$PASSED passed, $FAILED failed"
  [ "$FAILED" -eq 0 ]
}

test_all() {
  test_go
  test_types
  test_unit
  test_e2e
  test_edge
}

test_go() {
  need gcc gcc # the race detector is C
  step gofmt check 60 .gofmt
  step vet check 600 go vet ./...
  step vet-wasm check 600 env GOOS=js GOARCH=wasm go vet ./core/... ./wasm/...
  step go go 1800 go test -race -timeout 15m -v ./...
  step fuzz go 1800 .fuzz
  step sim check 900 ./build.sh sim -n "$SCHEDULES"
  need_node
  step wasm go 900 .wasm
}

test_types() {
  need_npm
  need_npm bench
  local project
  for project in */tsconfig*.json; do
    step "tsc ${project%.json}" check 300 e2e/node_modules/.bin/tsc --noEmit -p "$project"
  done
  step docs check 60 node e2e/docs/make.mjs --check
}

test_unit() {
  need_node
  step unit node 300 .unit
}

test_e2e() {
  need_npm
  need_chromium
  step build check 900 ./build.sh build
  if [ "$LAST_FAILED" -gt 0 ]; then return; fi # the tests would run what was built before
  step e2e playwright 1800 .e2e "$@"
}

# test_edge runs the conformance suite on the server and on the worker in the
# real edge runtime, a deployment that sends nothing, and the package and the
# demo in a browser against the worker. Its arguments are the suite's, as
# -traces 10000. Most of it waits for a runtime to start or to sleep, hence more
# tests at once than there are cores.
test_edge() {
  need_npm
  step edge-build check 900 ./build.sh .edge-build
  if [ "$LAST_FAILED" -gt 0 ]; then return; fi
  step edge go 1800 env RECENTS_EDGE=required go test -timeout 25m -parallel 6 -count=1 -v ./e2e/conformance "$@"
  step edge-deploy check 120 ./build.sh .edge-deploy
  need_chromium
  step edge-e2e playwright 900 env RECENTS_PLACE=edge ./build.sh .e2e sdk.spec.ts demo.spec.ts outbox.spec.ts paging.spec.ts tabs.spec.ts
}

# run_edge-build compiles the worker, which fails over its budget, and what its
# browser tests load.
run_edge-build() {
  if stale; then build_host; fi
  build_edge
  build_trial
}

# run_edge-deploy makes of the worker what would be uploaded, and uploads nothing.
run_edge-deploy() {
  local line plan="$LOGS/deploy.txt"
  WRANGLER_SEND_METRICS=false NO_COLOR=1 CI=1 e2e/node_modules/.bin/wrangler deploy --dry-run -c js/edge/wrangler.jsonc \
    --outdir "$PWD/$LOGS/deploy" | tee "$plan"
  for line in 'env.ACCOUNTS (Account)' 'env.TEAMS (Team)' 'env.ADDRESSES' recents-edge.wasm 'dry-run'; do
    grep -qF -- "$line" "$plan" || die "the deployment lacks $line"
  done
}

# run_gofmt names the files that gofmt would change.
run_gofmt() {
  local files
  files=$(gofmt -l core server wasm bench progress e2e/conformance e2e/reliability e2e/shrink)
  [ -z "$files" ] || { echo "$files"; return 1; }
}

# run_fuzz gives every fuzz target a fixed number of executions, so that the
# same tree takes the same work everywhere.
run_fuzz() {
  local package target failed=0
  for package in $(go list ./...); do
    for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
      go test -v -timeout 10m -run '^$' -fuzz "^$target\$" -fuzztime "$FUZZ_RUNS" "$package" || failed=1
    done
  done
  return "$failed"
}

# run_wasm runs on GOOS=js what the browser runs: the core's tests and the
# shell's.
run_wasm() {
  GOOS=js GOARCH=wasm go test -timeout 10m -v -exec="$(go env GOROOT)/lib/wasm/go_js_wasm_exec" \
    ./core ./core/replica ./wasm/browser
}

# run_unit runs the TypeScript tests that need no browser.
run_unit() {
  local -a tests
  mapfile -t tests < <(find js web -name '*.test.ts')
  rm -rf "$LOGS/unit"
  esbuild "${tests[@]}" --outdir="$LOGS/unit" --outbase=. --platform=node --out-extension:.js=.mjs
  mapfile -t tests < <(find "$LOGS/unit" -name '*.test.mjs')
  node --test --test-reporter=tap "${tests[@]}"
}

run_e2e() {
  cd e2e
  node_modules/.bin/playwright test "$@"
}

# step NAME KIND SECONDS COMMAND… runs one step of the tests within a time
# limit. KIND says how its log is counted. A command that starts with a dot is a
# run_ function of this file, in a process of its own so that it can be stopped.
step() {
  local name=$1 kind=$2 seconds=$3 log="$LOGS/${1//[ \/]/-}.log" began=$SECONDS rc=0 passed=0 failed=0
  shift 3
  case $1 in .[a-z]*) set -- ./build.sh "$@" ;; esac
  printf '%-24s ' "$name"
  timeout --kill-after=15 "$seconds" "$@" >"$log" 2>&1 </dev/null || rc=$?
  "count_$kind" "$log"
  if [ "$rc" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
  if [ $((passed + failed)) -eq 0 ]; then failed=1 && echo "ran no test" >>"$log"; fi
  PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed)) LAST_FAILED=$failed
  printf '%5d passed %3d failed %4ds\n' "$passed" "$failed" $((SECONDS - began))
  if [ "$failed" -gt 0 ]; then show_failure "$log" "$rc" "$seconds"; fi
}

# The count_ functions set step's passed and failed from a log.
count_check() { if [ "$rc" -eq 0 ]; then passed=1; fi; }

count_go() {
  passed=$(grep -c -- '--- PASS: ' "$1" || true)
  failed=$(grep -c -- '--- FAIL: ' "$1" || true)
}

count_node() {
  passed=$(sum_of '^# pass \([0-9]*\)$' "$1")
  failed=$(sum_of '^# fail \([0-9]*\)$' "$1")
}

count_playwright() {
  passed=$(sum_of '^ *\([0-9]*\) passed\( (.*)\)*$' "$1")
  failed=$(($(sum_of '^ *\([0-9]*\) \(failed\|flaky\|interrupted\|did not run\)$' "$1")))
}

# sum_of adds up what the pattern's first group matches in a file.
sum_of() {
  local n total=0
  for n in $(sed -n "s/$1/\1/p" "$2"); do total=$((total + n)); done
  echo "$total"
}

show_failure() {
  if [ "$2" -eq 124 ]; then echo "  stopped after $3 s"; fi
  grep -vE '^ *(=== (RUN|PAUSE|CONT|NAME)|--- PASS)' "$1" | tail -n 60 | sed 's/^/  | /'
  echo "  whole log: $1"
}

# --- what the tests need beside Go ----------------------------------------

need_node() {
  local version
  version=$(node --version 2>/dev/null) || die "the tests need Node $NODE_AT_LEAST or newer: https://nodejs.org"
  version=${version#v}
  [ "${version%%.*}" -ge "$NODE_AT_LEAST" ] || die "the tests need Node $NODE_AT_LEAST or newer, this is $version"
}

# need_npm installs the packages of e2e/, or of the directory named, when the lock
# file is newer than they are. Playwright drives Debian's Chromium, so it fetches
# no browser of its own.
need_npm() {
  need_node
  local directory=${1-e2e}
  [ "$directory/package-lock.json" -nt "$directory/node_modules/.package-lock.json" ] || return 0
  echo "installing $directory/node_modules"
  (cd "$directory" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --loglevel=error)
  touch "$directory/node_modules/.package-lock.json"
}

need_chromium() {
  if [ -z "${CHROMIUM-}" ]; then need chromium chromium; fi
}

# need COMMAND PACKAGE installs a Debian package when a command is missing.
need() {
  if command -v "$1" >/dev/null; then return; fi
  local -a as_root=()
  if [ "$(id -u)" -ne 0 ]; then as_root=(sudo -n); fi
  echo "installing $2"
  "${as_root[@]}" apt-get update -qq >"$LOGS/apt.log" 2>&1 &&
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$2" >>"$LOGS/apt.log" 2>&1 ||
    die "the tests need $1; install it with: sudo apt-get install $2"
}

case "${1-}" in
  run | edge | build | docs | package | screenshots | sim | bench | reliability | soak | test) "cmd_$1" "${@:2}" ;;
  .gofmt | .fuzz | .wasm | .unit | .edge-build | .edge-deploy | .e2e) "run_${1#.}" "${@:2}" ;;
  '' | help | -h | --help) usage ;;
  *) usage >&2 && exit 2 ;;
esac
