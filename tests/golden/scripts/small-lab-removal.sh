#!/bin/sh
# Takes away the lab `demo` that was built by hand: what runs in its Pods, its namespaces, its files.
# What is gone already is complained about, and that is all.
set -u
if [ ! -d /run/by-hand/demo ]; then
    echo "demo was not built by hand: there is no /run/by-hand/demo" >&2
    exit 1
fi
pods='
    demo.default.web-1'
all='
    demo.outside
    demo.node-1
    demo.fabric
    demo.default.web-1'

# ---- Processes: whatever runs in a Pod's namespace ----
for netns in $pods; do
    while pids=$(ip netns pids "$netns") && [ -n "$pids" ]; do
        kill -KILL $pids 2>/dev/null  # one number a line, to be split; some may have ended meanwhile
    done
done

# ---- Namespaces: links, addresses, routes and rules go with them ----
ip netns del demo.outside  # outside is gone
ip netns del demo.node-1  # node-1 is gone
ip netns del demo.fabric  # fabric is gone
ip netns del demo.default.web-1  # the Pod default/web-1 is gone
for netns in $all; do
    if [ -e "/run/netns/$netns" ]; then
        echo "$netns is still there" >&2
        exit 1
    fi
done

# ---- Files ----
for netns in $pods; do
    rm -rf "/etc/netns/$netns"
done
rm -rf /run/by-hand/demo
rmdir /etc/netns /run/by-hand 2>/dev/null  # unless there is something else in them

echo "demo is gone: no namespace of it is left"
