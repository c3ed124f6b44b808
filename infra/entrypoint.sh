#!/bin/sh
# Start a command with the secrets that lie in files: /run/secrets/NAME becomes the variable NAME, unless it is set.
# Names in capitals only: other files are read by whoever was told their path.
set -eu
for file in /run/secrets/[A-Z]*; do
  name=${file##*/}
  case $name in *[!A-Z0-9_]*) continue ;; esac
  if [ -r "$file" ] && [ -z "$(printenv "$name" || true)" ]; then
    export "$name=$(cat "$file")"
  fi
done
exec "$@"
