"""Many connections that ask for nothing, or for one thing without end; says when the server had enough of all.

    crowd.py ADDRESS:PORT COUNT
"""

import resource
import selectors
import socket
import sys
import time

PATIENCE_SECONDS = 60


def crowd(address: tuple[str, int], count: int) -> list[socket.socket]:
    sockets = [socket.create_connection(address, timeout=10) for _ in range(count)]
    for number, one in enumerate(sockets):
        one.setblocking(False)
        if number % 4 == 1:
            one.send(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n")
        if number % 4 == 2:
            one.send(b"P")
    return sockets


def main() -> None:
    host, port = sys.argv[1].rsplit(":", 1)
    count = int(sys.argv[2])
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    sockets = crowd((host, int(port)), count)
    print(count, "open", flush=True)
    selector = selectors.DefaultSelector()
    for one in sockets:
        selector.register(one, selectors.EVENT_READ)
    end, closed = time.monotonic() + PATIENCE_SECONDS, 0
    while closed < count and time.monotonic() < end:
        for key, _ in selector.select(timeout=0.5):
            try:
                gone = not key.fileobj.recv(4096)
            except ConnectionError:
                gone = True
            if gone:
                selector.unregister(key.fileobj)
                closed += 1
        # A quarter never comes to the end of its headers.
        for one in sockets[1::4]:
            try:
                one.send(b"X-More: x\r\n")
            except OSError:
                pass
    print(closed, "closed by the server", flush=True)


main()
