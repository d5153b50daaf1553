"""A TCP relay that counts what a server sends: the bytes that a tool really takes from it."""
import socket
import threading

CHUNK = 64 * 1024
BUFFER = 64 * 1024  # of each socket: what a relay holds has not been taken


class Relay:
    def __init__(self, port):
        self.server_port, self.sent_by_server = port, 0
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
        try:
            while data := origin.recv(CHUNK):
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
