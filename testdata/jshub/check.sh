#!/usr/bin/env bash
# Checks the published JavaScript hub, and then ours, with the same command: for leaks
# from /health alone, as anybody sees a deployed hub, and with what no peer should do.
# Arguments go to loadgen check; JSHUB_REPORTS names the directory for the reports. It
# ends with 0 if the published hub fails and ours passes. Needs Node and npm; what npm fetches
# is kept in the user's cache.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
reports=${JSHUB_REPORTS:-$root/loadgen-report}
work=$(mktemp -d)
hub=
end() {
	if [ -n "$hub" ]; then kill "$hub" 2>/dev/null || true; wait "$hub" 2>/dev/null || true; fi
	hub=
}
trap 'end; rm -rf "$work"' EXIT

# The packages, exactly as their users install them, once for each manifest.
manifest=$root/testdata/interop/package.json
packages=${XDG_CACHE_HOME:-$HOME/.cache}/pigeonhub-jshub/$(sha256sum "$manifest" | cut -c1-16)
if [ ! -d "$packages/node_modules" ]; then
	cp "$manifest" "$work/"
	(cd "$work" && npm install --ignore-scripts --no-audit --no-fund --no-package-lock >&2)
	mkdir -p "$packages"
	mv "$work/node_modules" "$packages/"
fi
cp "$root/testdata/interop/reference.mjs" "$work/"
ln -s "$packages/node_modules" "$work/node_modules"
go build -C "$root" -o "$work/" ./cmd/loadgen ./cmd/pigeonhub

# A free port: the hub of the package takes none by itself.
free_port() {
	node -e 'const s = require("net").createServer(); s.listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'
}

# check NAME LOG ARGUMENTS: waits for the hub at $port, checks it, and sets $code.
check() {
	local name=$1
	shift
	for _ in $(seq 100); do
		if node -e "fetch('http://127.0.0.1:$port/health').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"; then break; fi
		if ! kill -0 "$hub" 2>/dev/null; then cat "$work/$name.log" >&2; fi
		sleep 0.2
	done
	printf '\n== %s: loadgen %s\n' "$name" "$*"
	code=0
	"$work/loadgen" "$@" --report="$reports/$name" "ws://127.0.0.1:$port" || code=$?
	printf 'exit %d, report %s\n' "$code" "$reports/$name/index.html"
	end
}

# start_published and start_ours start a hub at a free port.
start_published() {
	port=$(free_port)
	(cd "$work" && PORT=$port exec node reference.mjs >"$work/jshub.log" 2>&1) &
	hub=$!
}
start_ours() {
	port=$(free_port)
	"$work/pigeonhub" --host=127.0.0.1 --port="$port" --admin-address=127.0.0.1:0 --log-level=error >"$work/pigeonhub.log" 2>&1 &
	hub=$!
}

start_published
check jshub check "$@"
published=$code
start_ours
check pigeonhub check "$@"

[ "$published $code" = "1 0" ]
