#!/bin/sh
# The lab `demo` by hand, to be run as root where it is not up. Nodes: 1, Pods: 1, Services: 1.
# It differs from the lab it was made from:
#   names       stand in each Pod's /etc/hosts. Nobody answers DNS: no SRV, no names that lead out of the cluster.
#   containers  have their Pod's network, names, variables, files and volumes. They see the machine's processes and devices, and
#               have all rights; nothing limits what they use.
#   life        nobody starts again what ends, and endpoints do not follow what the Pods do.
set -eu
umask 022
if [ -e /run/netns/demo.fabric ]; then
    echo "demo is there already; take it down first" >&2
    exit 1
fi
mkdir -p /run/by-hand
mkdir /run/by-hand/demo

# ---- Namespaces: the switch, the machines, the Pods ----
ip netns add demo.default.web-1 && ip -n demo.default.web-1 link set lo up alias 'netlab 9b2f0a52-0000-4000-8000-000000000001'  # the Pod default/web-1 has no network yet
ip netns add demo.fabric && ip -n demo.fabric link set lo up alias 'netlab 9b2f0a52-0000-4000-8000-000000000001'  # fabric has no network yet
ip netns add demo.node-1 && ip -n demo.node-1 link set lo up alias 'netlab 9b2f0a52-0000-4000-8000-000000000001'  # node-1 has no network yet
ip netns add demo.outside && ip -n demo.outside link set lo up alias 'netlab 9b2f0a52-0000-4000-8000-000000000001'  # outside has no network yet

# ---- Kernel parameters of each ----
{
ip netns exec demo.default.web-1 sysctl -w net.ipv4.ip_unprivileged_port_start=0  # not set yet
ip netns exec demo.default.web-1 sysctl -w 'net.ipv4.ping_group_range=0	2147483647'  # not set yet
ip netns exec demo.default.web-1 sysctl -e -w net.ipv6.conf.all.disable_ipv6=1  # not set yet
ip netns exec demo.default.web-1 sysctl -e -w net.ipv6.conf.default.disable_ipv6=1  # not set yet
ip netns exec demo.fabric sysctl -e -w net.bridge.bridge-nf-call-iptables=0  # not set yet
ip netns exec demo.fabric sysctl -e -w net.ipv6.conf.all.disable_ipv6=1  # not set yet
ip netns exec demo.fabric sysctl -e -w net.ipv6.conf.default.disable_ipv6=1  # not set yet
ip netns exec demo.node-1 sysctl -e -w net.bridge.bridge-nf-call-iptables=0  # not set yet
ip netns exec demo.node-1 sysctl -w net.ipv4.conf.all.route_localnet=0  # not set yet
ip netns exec demo.node-1 sysctl -w net.ipv4.conf.all.rp_filter=0  # not set yet
ip netns exec demo.node-1 sysctl -w net.ipv4.conf.all.send_redirects=0  # not set yet
ip netns exec demo.node-1 sysctl -w net.ipv4.conf.default.rp_filter=0  # not set yet
ip netns exec demo.node-1 sysctl -w net.ipv4.conf.default.send_redirects=0  # not set yet
ip netns exec demo.node-1 sysctl -w net.ipv4.ip_forward=1  # not set yet
ip netns exec demo.node-1 sysctl -e -w net.ipv6.conf.all.disable_ipv6=1  # not set yet
ip netns exec demo.node-1 sysctl -e -w net.ipv6.conf.default.disable_ipv6=1  # not set yet
ip netns exec demo.node-1 sysctl -w net.netfilter.nf_conntrack_tcp_be_liberal=1  # not set yet
ip netns exec demo.outside sysctl -w net.ipv4.conf.all.rp_filter=0  # not set yet
ip netns exec demo.outside sysctl -w net.ipv4.conf.all.send_redirects=0  # not set yet
ip netns exec demo.outside sysctl -w net.ipv4.conf.default.rp_filter=0  # not set yet
ip netns exec demo.outside sysctl -w net.ipv4.conf.default.send_redirects=0  # not set yet
ip netns exec demo.outside sysctl -w net.ipv4.ip_forward=0  # not set yet
ip netns exec demo.outside sysctl -e -w net.ipv6.conf.all.disable_ipv6=1  # not set yet
ip netns exec demo.outside sysctl -e -w net.ipv6.conf.default.disable_ipv6=1  # not set yet
ip netns exec demo.outside sysctl -w net.netfilter.nf_conntrack_tcp_be_liberal=1  # not set yet
} >/dev/null

# ---- Bridges and cables ----
ip -n demo.fabric link add fabric0 address 02:b8:ea:b3:12:17 mtu 1500 type bridge && ip -n demo.fabric link set fabric0 up alias 'netlab 9b2f0a52-0000-4000-8000-000000000001'  # the switch does not exist yet
ip -n demo.node-1 link add cni0 address 02:42:7b:20:f1:29 mtu 1500 type bridge && ip -n demo.node-1 link set cni0 up alias 'netlab 9b2f0a52-0000-4000-8000-000000000001'  # the switch does not exist yet
ip -n demo.fabric link add node-1 address 02:61:a0:49:45:84 mtu 1500 type veth peer name eth0 address 02:69:8b:8a:c7:ed mtu 1500 netns demo.node-1 && ip -n demo.fabric link set node-1 master fabric0 up alias 'netlab 9b2f0a52-0000-4000-8000-000000000001' && ip -n demo.node-1 link set eth0 up alias 'netlab 9b2f0a52-0000-4000-8000-000000000001'  # node-1 is plugged in with it
ip -n demo.fabric link add outside address 02:5f:f5:fa:8b:3e mtu 1500 type veth peer name eth0 address 02:9d:05:40:d3:ed mtu 1500 netns demo.outside && ip -n demo.fabric link set outside master fabric0 up alias 'netlab 9b2f0a52-0000-4000-8000-000000000001' && ip -n demo.outside link set eth0 up alias 'netlab 9b2f0a52-0000-4000-8000-000000000001'  # outside is plugged in with it
ip -n demo.node-1 link add vetha54d122f address 02:18:e1:45:fe:4d mtu 1500 type veth peer name eth0 address 02:8f:ed:3b:a5:b2 mtu 1500 netns demo.default.web-1 && ip -n demo.node-1 link set vetha54d122f master cni0 up alias 'netlab 9b2f0a52-0000-4000-8000-000000000001' && ip -n demo.default.web-1 link set eth0 up alias 'netlab 9b2f0a52-0000-4000-8000-000000000001'  # the Pod default/web-1 is plugged in with it

# ---- Addresses ----
ip -n demo.default.web-1 addr add 10.244.1.2/24 dev eth0 noprefixroute  # eth0 lacks it
ip -n demo.node-1 addr add 10.244.1.1/24 dev cni0 noprefixroute  # cni0 lacks it
ip -n demo.node-1 addr add 172.18.0.2/16 dev eth0 noprefixroute  # eth0 lacks it
ip -n demo.outside addr add 172.18.0.1/16 dev eth0 noprefixroute  # eth0 lacks it
ip -n demo.outside addr add 203.0.113.1/32 dev lo  # lo lacks it

# ---- Routes ----
ip -n demo.default.web-1 route replace 10.244.1.1 dev eth0 proto 98  # the Pod default/web-1 has 10.244.1.1 next to it
ip -n demo.node-1 route replace 10.244.1.0/24 dev cni0 proto 98  # node-1 has 10.244.1.0/24 next to it
ip -n demo.node-1 route replace 172.18.0.0/16 dev eth0 proto 98  # node-1 has 172.18.0.0/16 next to it
ip -n demo.outside route replace 172.18.0.0/16 dev eth0 proto 98  # outside has 172.18.0.0/16 next to it
ip -n demo.default.web-1 route replace default via 10.244.1.1 dev eth0 proto 98  # the Pod default/web-1 reaches everything else through node-1
ip -n demo.node-1 route replace default via 172.18.0.1 dev eth0 proto 98  # node-1 reaches everything else through outside

# ---- Rules: this is all that Services are ----
# there are no rules yet
ip netns exec demo.node-1 nft -f - <<'EOF'
add table inet netlab
delete table inet netlab
table inet netlab {
	set cluster-ips {
		type ipv4_addr
	}

	map endpoints-1 {
		typeof ip daddr . meta l4proto . th dport . numgen random mod 1 : ip daddr . th dport
	}

	set hairpins {
		type ipv4_addr . ipv4_addr
	}

	map host-ports {
		type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
	}

	map no-endpoint-services {
		type ipv4_addr . inet_proto . inet_service : verdict
	}

	set node-ips {
		type ipv4_addr
	}

	map service-ips {
		type ipv4_addr . inet_proto . inet_service : verdict
	}

	chain external-1 {
		meta mark set meta mark | 0x00004000
		goto pick-1
	}

	chain filter-forward {
		type filter hook forward priority filter; policy accept;
		ct state new jump leftovers
	}

	chain filter-input {
		type filter hook input priority filter; policy accept;
		ct state new ip daddr . meta l4proto . th dport vmap @no-endpoint-services
	}

	chain filter-output {
		type filter hook output priority filter; policy accept;
		ct state new jump leftovers
	}

	chain leftovers {
		ip daddr . meta l4proto . th dport vmap @no-endpoint-services
		ip daddr @cluster-ips goto refuse
		ip daddr 10.96.0.0/16 drop
	}

	chain nat-output {
		type nat hook output priority -100; policy accept;
		jump services
	}

	chain nat-postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		meta mark & 0x00004000 == 0x00004000 meta mark set meta mark & 0xffffbfff masquerade fully-random
		ct status dnat ip saddr . ip daddr @hairpins masquerade fully-random
		ip saddr 10.244.0.0/16 ip daddr != 10.244.0.0/16 ip daddr != @node-ips masquerade fully-random
	}

	chain nat-prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		jump services
	}

	chain pick-1 {
		dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 1 map @endpoints-1
	}

	chain refuse {
		reject
	}

	chain service-1 {
		ip saddr != 10.244.0.0/16 meta mark set meta mark | 0x00004000
		goto pick-1
	}

	chain services {
		ip daddr . meta l4proto . th dport vmap @service-ips
		dnat ip to ip daddr . meta l4proto . th dport map @host-ports
	}
}
add element inet netlab cluster-ips { 10.96.0.20 comment "default/web" }
add element inet netlab endpoints-1 { 10.96.0.20 . tcp . 80 . 0 comment "default/web" : 10.244.1.2 . 8080, 172.18.0.2 . tcp . 30080 . 0 comment "default/web" : 10.244.1.2 . 8080 }
add element inet netlab hairpins { 10.244.1.2 . 10.244.1.2 }
add element inet netlab node-ips { 172.18.0.2 }
add element inet netlab service-ips { 10.96.0.20 . tcp . 80 comment "default/web" : goto service-1, 172.18.0.2 . tcp . 30080 comment "default/web" : goto external-1 }
EOF

# ---- Pods: how a container's root directory is made, and the names of Services ----
cat >/run/by-hand/demo/image-host <<'END'
# Makes on /mnt a root directory like that of `image: host`: the machine's programs and settings, where what is written is the
# container's own and goes with it; the rest is empty. Only the mount namespace of the container sees it.
mount -t tmpfs -o mode=755 tmpfs /mnt
cd /mnt
mkdir -p dev etc home mnt proc root run srv sys tmp usr var/log var/tmp .written/etc .written/usr .work/etc .work/usr
chmod 1777 tmp var/tmp
for name in /bin /sbin /lib* /opt; do  # most are links into /usr
    if [ -L "$name" ]; then
        cp -P "$name" .
    elif [ -d "$name" ]; then
        mkdir ".$name"
        mount -o bind,ro "$name" ".$name"
    fi
done
for name in etc usr; do
    mount -t overlay -o "lowerdir=/$name,upperdir=/mnt/.written/$name,workdir=/mnt/.work/$name" overlay "$name"
done
for name in dev proc sys; do
    mount --rbind "/$name" "$name"
done

volume() {  # SOURCE DESTINATION ro|rw
    if [ -d "$1" ]; then
        mkdir -p ".$2"
    elif [ ! -e ".$2" ]; then
        mkdir -p ".${2%/*}"
        : >".$2"
    fi
    mount -o "rbind,$3" "$1" ".$2"
}
END
cat >/run/by-hand/demo/hosts <<'END'
# Kubernetes-managed hosts file.
127.0.0.1	localhost
::1	localhost ip6-localhost ip6-loopback
fe00::0	ip6-localnet
fe00::0	ip6-mcastprefix
fe00::1	ip6-allnodes
fe00::2	ip6-allrouters
END
cat >/run/by-hand/demo/names.default <<'END'
10.96.0.20	web.default.svc.cluster.local web.default.svc web.default web
END

# ---- Pod default/web-1 on node-1 ----
mkdir -p /etc/netns/demo.default.web-1 /run/by-hand/demo/demo.default.web-1/volumes
mkdir -p '/var/lib/shared files'
mkdir -m 777 /run/by-hand/demo/demo.default.web-1/volumes/pages
echo web-1 >/etc/netns/demo.default.web-1/hostname
cat /run/by-hand/demo/hosts - /run/by-hand/demo/names.default >/etc/netns/demo.default.web-1/hosts <<'END'
10.244.1.2	web-1
END
cat >/etc/netns/demo.default.web-1/resolv.conf <<'END'
search default.svc.cluster.local svc.cluster.local cluster.local
nameserver 10.96.0.10
options ndots:5
END
# container web
setsid -f ip netns exec demo.default.web-1 unshare --uts sh -eu >/run/by-hand/demo/demo.default.web-1/web.log 2>&1 <<'END'
hostname web-1
. /run/by-hand/demo/image-host
cp --remove-destination /etc/netns/demo.default.web-1/* etc
volume '/var/lib/shared files' /machine ro
volume /run/by-hand/demo/demo.default.web-1/volumes/pages /srv/www rw
mkdir -p ./srv/www
exec chroot /mnt env -i -C /srv/www -- \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/root \
    HOSTNAME=web-1 \
    WEB_SERVICE_HOST=10.96.0.20 \
    WEB_SERVICE_PORT=80 \
    WEB_PORT=tcp://10.96.0.20:80 \
    WEB_PORT_80_TCP=tcp://10.96.0.20:80 \
    WEB_PORT_80_TCP_PROTO=tcp \
    WEB_PORT_80_TCP_PORT=80 \
    WEB_PORT_80_TCP_ADDR=10.96.0.20 \
    'GREETING=it'"'"'s me' \
    python3 -m http.server 8080 </dev/null
END

echo "demo is built: see ip netns; what runs in it prints to files below /run/by-hand/demo"
