# Runs one Postgres for as long as its standard input stays open, then removes every trace of it.
# The other end of that pipe is held by the process that asked for the server: when it ends, by
# whatever means, the kernel closes the pipe.
#
# Each line on it has the server end as in a crash and start again.
#
# $1 folder of the binaries, $2 data folder to copy, $3 lines for the server's configuration
exec 2>&1
trap '' HUP INT QUIT TERM

dir=$(mktemp -d "${TMPDIR:-/tmp}/pgflow-XXXXXX") || exit 1

start() {
  "$1/pg_ctl" start -w -t 60 -D "$dir/data" -l "$dir/log" < /dev/null > /dev/null
}

if cp -Rp "$2" "$dir/data" &&
  printf "%s\nunix_socket_directories = '%s'\n" "$3" "$dir" > "$dir/server.conf" && start "$1"; then
  echo ready
  while read -r _; do
    "$1/pg_ctl" stop -m immediate -D "$dir/data" < /dev/null > /dev/null 2>&1
    start "$1" || break
    echo ready
  done
  "$1/pg_ctl" stop -m immediate -D "$dir/data" < /dev/null > /dev/null 2>&1
  rm -rf "$dir"
else
  cat "$dir/log"
  "$1/pg_ctl" stop -m immediate -D "$dir/data" < /dev/null > /dev/null 2>&1
  rm -rf "$dir"
  exit 1
fi
