"""A Ray cluster of two nodes on this machine, one CPU each, in a process that ends with its standard input.

Its nodes know each other by an address of the loopback, but listen on every address: start it with a token.

It prints the cluster's address; at the line ``kill`` it kills the second node, and prints ``killed``.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import time
from pathlib import Path

import ray._private.node
from ray.cluster_utils import Cluster

from binpack.search.engines.ray_tune import STORE


class SlowClock:
    """The time as Ray sees it: ten seconds are one."""

    sleep, time = staticmethod(time.sleep), staticmethod(time.time)

    def monotonic(self):
        """Return the time of a slow clock."""
        return time.monotonic() / 10


LOOPBACK = "127.0.0.2"
"""Ray takes 127.0.0.1 for the machine's address in its network when a driver connects."""


def be_patient():
    """Let Ray wait longer for its processes than the 15 to 30 seconds that it gives them, for a busy machine."""
    ray._private.node.time = SlowClock()
    start = ray._private.node.Node.start_raylet

    def start_raylet(self, *args, **kwargs):
        # what the agent without a dashboard writes there, for which a node waits 15 seconds
        (Path(self.get_session_dir_path()) / f"dashboard_agent_listen_port_{self._node_id}").write_text("-1")
        return start(self, *args, **kwargs)

    ray._private.node.Node.start_raylet = start_raylet


def small():
    """Return the settings of a small node. It does not wait for processes whose ports are known."""
    ports = ("metrics_agent_port", "runtime_env_agent_port", "dashboard_agent_listen_port", "metrics_export_port")
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in ports]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        free = {port: each.getsockname()[1] for port, each in zip(ports, sockets, strict=True)}
    return {"num_cpus": 1, "object_store_memory": STORE, "node_ip_address": LOOPBACK, **free}


def main():
    """Start the cluster, and do what is asked."""
    be_patient()
    cluster = Cluster()
    try:
        first = cluster.add_node(wait=False, include_dashboard=False, **small())
        second = cluster.add_node(wait=False, **small())
        for each in (first, second):
            cluster._wait_for_node(each, timeout=300)
        print(f"address {cluster.address}", flush=True)
        for line in sys.stdin:
            if line.strip() == "kill":
                cluster.remove_node(second, allow_graceful=False)
                print("killed", flush=True)
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main()
