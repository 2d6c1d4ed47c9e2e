"""Which network interface reaches the other nodes.

A container of ECS has one more, for its credentials, with a link-local address that no other node
reaches; MPICH's UCX and libfabric would try it.
"""

from __future__ import annotations

import fcntl
import socket
import struct

SIOCGIFADDR = 0x8915  # linux/sockios.h


def chosen(address: str) -> dict[str, str]:
    """What tells UCX and libfabric the interface of `address`; nothing where it is loopback's."""
    for _, name in socket.if_nameindex():
        if _address(name) == address and name != "lo":
            return {"UCX_NET_DEVICES": name, "FI_TCP_IFACE": name}
    return {}


def _address(name: str) -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        words = struct.pack("256s", name.encode()[:15])
        try:
            return socket.inet_ntoa(fcntl.ioctl(asked.fileno(), SIOCGIFADDR, words)[20:24])
        except OSError:  # an interface without an address
            return None
