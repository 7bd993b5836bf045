#!/bin/bash
# Felix's data-plane driver inside calico-node's image, which has no Node: copies Felix's pipes (fd 3, fd 4) to and from the
# calico-xpu agent on the same node. Needs bash and coreutils only. Set DataplaneDriver to the path of this file.
#
# Each start is a session with a folder and two FIFOs of its own. The agent opens them when it is there; until then this
# waits. When Felix or the agent goes, this ends, and Felix restarts itself and this.
set -u
state_dir=${FELIX_XPUSTATEDIR:-/var/run/calico/xpu}
folder=$state_dir/relay

if ! [ -p /dev/fd/3 ] || ! [ -p /dev/fd/4 ]; then
  echo "calico-xpu-relay: started by hand? Felix starts this with its pipes on file descriptors 3 and 4." >&2
  exit 2
fi

name=$$-$RANDOM$RANDOM
hidden=$folder/.$name
session=$folder/$name
to_agent_pid=
from_agent_pid=

finish() {
  trap '' TERM INT HUP
  [ -z "$to_agent_pid" ] || kill "$to_agent_pid" 2>/dev/null
  [ -z "$from_agent_pid" ] || kill "$from_agent_pid" 2>/dev/null
  rm -rf "$hidden" "$session"
}
trap 'finish; exit 0' TERM INT HUP
trap finish EXIT

umask 077
mkdir -p "$hidden" && mkfifo "$hidden/to-agent" "$hidden/from-agent" || {
  echo "calico-xpu-relay: cannot make FIFOs below $folder" >&2
  exit 1
}
# Published whole: the agent never sees a folder without both FIFOs.
mv "$hidden" "$session"

# Each open blocks until the agent opens the other end; in the background, so that a signal can end the wait.
cat "$session/from-agent" >&4 3<&- &
from_agent_pid=$!
cat <&3 >"$session/to-agent" 4>&- &
to_agent_pid=$!
wait -n
# Whoever still listens to Felix was left by the agent: that is a failure, the end of Felix is none.
kill -0 "$to_agent_pid" 2>/dev/null && exit 1
exit 0
