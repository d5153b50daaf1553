"""A TCP relay that counts what a server sends, the bytes that a tool really takes from it; and that may be slow."""
import socket
import threading
import time

CHUNK = 64 * 1024
BUFFER = 64 * 1024  # of each socket: what a relay holds has not been taken


class Pace:
    """Lets so many bytes per second pass; of one direction of one connection."""

    def __init__(self, rate):
        self.rate, self.due = rate, time.monotonic()

    def wait(self, size):
        now = time.monotonic()
        self.due = max(self.due, now) + size / self.rate
        time.sleep(self.due - now)


class Relay:
    def __init__(self, port, rate=None):
        """`rate`: bytes per second of each connection, in each direction; None: as fast as it goes."""
        self.server_port, self.rate, self.sent_by_server = port, rate, 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return  # closed
            server = socket.create_connection(("127.0.0.1", self.server_port))
            for side in (client, server):
                side.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
                side.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
            threading.Thread(target=self.pump, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self.pump, args=(server, client, True), daemon=True).start()

    def pump(self, origin, end, counts):
        pace = Pace(self.rate) if self.rate else None
        try:
            while data := origin.recv(CHUNK):
                if pace:
                    pace.wait(len(data))
                end.sendall(data)
                if counts:
                    with self.lock:
                        self.sent_by_server += len(data)
        except OSError:
            pass  # one side was reset
        for side in (origin, end):
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()
