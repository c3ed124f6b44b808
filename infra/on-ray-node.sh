#!/bin/bash
# Run a command on a node of the cluster at RAY_ADDRESS: a driver needs one beside it. The node has no CPUs, so that no
# work comes to it. Where one of the two ends, so does the other: once the head was started anew, a driver on the old
# node reaches nothing, and whoever started this starts both again.
set -u
ray start --address="$RAY_ADDRESS" --block --num-cpus=0 --object-store-memory=500000000 --disable-usage-stats &
node=$!

# The command first, if it was started: $! is what was started last.
end() {
  if [ "$!" != "$node" ]; then
    kill "$!"
    wait "$!"
  fi
  kill "$node"
  wait "$node"
} 2>/dev/null

trap 'end; exit 143' TERM INT
until wget --quiet --tries=1 --timeout=5 --output-document=/dev/null http://127.0.0.1:52365/api/healthz; do
  kill -0 "$node" 2>/dev/null || exit 1
  sleep 1
done
"$@" &
wait -n
status=$?
end
exit "$status"
