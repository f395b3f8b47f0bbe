#!/bin/sh
# Brings a host of this machine back: starts it if it does not run, then re-enrols it. Safe to run twice.
#
#   deploy/reenrol.sh <host> [--dry-run] [more options of `hotspare reenrol`]
#
# HOTSPARE        the command, if it is not `hotspare`; split at blanks, such as "npx hotspare"
# HOTSPARE_START  a command that starts the host and returns, if it is no enabled unit hotspare-host@<host> of systemd
# HOTSPARE_WAIT   seconds that a started host gets before it must answer; 60
set -eu

usage() {
  echo "usage: $0 <host> [--dry-run] [more options of hotspare reenrol]" >&2
  exit 64
}

[ $# -ge 1 ] || usage
host=$1
case $host in "" | -*) usage ;; esac
shift

hotspare=${HOTSPARE:-hotspare}
dry_run=no
for option in "$@"; do
  [ "$option" != --dry-run ] || dry_run=yes
done

# Whether it can be reached; whatever else is wrong, `reenrol` says at the end.
answers() {
  # shellcheck disable=SC2086 # It may be several words.
  said=$($hotspare reenrol "$host" "$@" --dry-run 2>&1) || :
  case $said in *HS_UNREACHABLE*) return 1 ;; esac
}

# Every machine with the template has a unit for any name: that of this machine's host is enabled.
has_unit() {
  command -v systemctl >/dev/null 2>&1 && systemctl is-enabled --quiet "hotspare-host@$host" 2>/dev/null
}

# How it is started here; empty if nobody has said.
if [ -n "${HOTSPARE_START:-}" ]; then
  start=$HOTSPARE_START
elif has_unit; then
  start="systemctl start hotspare-host@$host"
else
  start=
fi

if [ -n "$start" ] && ! answers "$@"; then
  if [ "$dry_run" = yes ]; then
    echo "$host does not answer; it would be started: $start"
    exit 0
  fi
  echo "$host does not answer: $start"
  sh -c "$start"
  left=${HOTSPARE_WAIT:-60}
  until answers "$@" || [ "$left" -le 0 ]; do
    left=$((left - 1))
    sleep 1
  done
fi

# shellcheck disable=SC2086 # It may be several words.
exec $hotspare reenrol "$host" "$@"
