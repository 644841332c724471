#!/usr/bin/env bash
# Renews .sqlx/, the types of every checked SQL statement, after a change of a statement or a migration.
#
# Starts a private Postgres in a temporary folder, applies migrations/, builds the workspace once against it and keeps what the
# macros wrote. Needs nothing running and leaves nothing behind. Works as root and as a normal user.
set -euo pipefail
cd "$(dirname "$0")/.."

find_postgres() {
    local folder
    for folder in "$(pg_config --bindir 2>/dev/null || true)" /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/local/pgsql/bin; do
        if [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ]; then found=$folder; fi
    done
    [ -n "${found:-}" ] || { echo "no PostgreSQL server found; install postgresql (15 or newer)" >&2; exit 1; }
    echo "$found"
}

bin=$(find_postgres)
folder=$(mktemp -d /tmp/viralcast-sql.XXXXXX)
server=
stop() {
    if [ -n "$server" ]; then kill -INT "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
    rm -rf "$folder"
}
trap stop EXIT

# Postgres refuses to run as root; an unprivileged account does it then.
unprivileged=()
if [ "$(id -u)" = 0 ]; then
    account=$(id -u postgres >/dev/null 2>&1 && echo postgres || echo nobody)
    unprivileged=(setpriv "--reuid=$account" "--regid=$(id -g "$account")" --clear-groups --inh-caps=-all)
    chown "$account" "$folder"
fi
mkdir "$folder/sqlx"
cd "$folder"
"${unprivileged[@]}" "$bin/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$folder/initdb.log"
"${unprivileged[@]}" "$bin/postgres" -D "$folder/data" -c listen_addresses= -c "unix_socket_directories=$folder" -c fsync=off \
    >"$folder/postgres.log" 2>&1 &
server=$!
cd - >/dev/null
until "$bin/pg_isready" -q -h "$folder"; do
    kill -0 "$server" 2>/dev/null || { cat "$folder/postgres.log" >&2; exit 1; }
    sleep 0.1
done

sql() { "$bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$folder" "$@"; }
sql -U postgres -d postgres \
    -c "create role viralcast_owner login" -c "create role viralcast_work login bypassrls" -c "create role viralcast_serve login" \
    -c "create database viralcast owner viralcast_owner"
for migration in migrations/*.sql; do
    sql -U viralcast_owner -d viralcast -1 -f "$migration"
done

# The macros look at the environment only while their crate is compiled.
touch platform/src/lib.rs
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$HOME/.cache/viralcast/target}"
DATABASE_URL="postgres://viralcast_owner@localhost/viralcast?host=$folder" \
    SQLX_OFFLINE=false SQLX_OFFLINE_DIR="$folder/sqlx" \
    cargo build --workspace --bins --tests

mkdir -p .sqlx
rm -f .sqlx/query-*.json
cp "$folder"/sqlx/query-*.json .sqlx/
echo "$(find .sqlx -name 'query-*.json' | wc -l) statements in .sqlx/; commit them with the change" >&2
