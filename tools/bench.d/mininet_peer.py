"""The same lab by Mininet's own interface. Reads "up" and "down"; the time to load Mininet is not
counted.

    mininet_peer.py OBJECTS
"""

import json
import sys
import time

from mininet.log import setLogLevel
from mininet.net import Mininet
from mininet.nodelib import LinuxBridge

import peers

sys.stdout.reconfigure(line_buffering=True)


def addresses_of(lab):
    return {(each["netns"], each["interface"]): each["address"] for each in lab.addresses}


def up(lab):
    net = Mininet(controller=None, waitConnected=False)
    nodes = {name: net.addHost(name, ip=None) for name in lab.nodes}
    switches = {name: net.addSwitch(name, cls=LinuxBridge, dpid=str(i + 1))
                for i, name in enumerate(lab.bridges)}
    addresses = addresses_of(lab)
    for number, (a, b) in enumerate(lab.cables):
        def name(end):
            return f"{end['netns']}-{end['name']}"

        def parameters(end):
            return {"ip": addresses[end["netns"], end["name"]]}
        if b["bridge"]:
            net.addLink(nodes[a["netns"]], switches[b["bridge"]], intfName1=name(a),
                        intfName2=f"p{number}", params1=parameters(a))
        else:
            net.addLink(nodes[a["netns"]], nodes[b["netns"]], intfName1=name(a), intfName2=name(b),
                        params1=parameters(a), params2=parameters(b))
    net.start()
    for each in lab.routes:
        nodes[each["netns"]].cmd(f"ip route add {each['to']} via {each['via']} metric {each['metric']}")
    for node in lab.forwards:
        nodes[node].cmd("sysctl -w net.ipv4.ip_forward=1")
    return net


def main():
    setLogLevel("error")
    lab = peers.load(sys.argv[1])
    assert sys.stdin.readline() == "up\n"
    begin = time.monotonic()
    net = up(lab)
    print(json.dumps({"seconds": time.monotonic() - begin, "pids": [host.pid for host in net.hosts]}))
    assert sys.stdin.readline() == "down\n"
    begin = time.monotonic()
    net.stop()
    print(time.monotonic() - begin)


main()
