"""A mail server on loopback that speaks just enough SMTP, and keeps what it got."""

import base64
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class Mail:
    url: str = ""
    password: str = "right"
    letters: list[EmailMessage] = field(default_factory=list)
    receivers: list[str] = field(default_factory=list)


class Dialog(socketserver.StreamRequestHandler):
    mail: Mail

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def handle(self) -> None:
        self.say("220 here")
        while line := self.rfile.readline().decode().strip():
            word = line.split()[0].upper()
            if word == "QUIT":
                self.say("221 bye")
                return
            self.obey(word, line)

    def obey(self, word: str, line: str) -> None:
        if word == "EHLO":
            self.say("250-here\r\n250 AUTH PLAIN")
        elif word == "AUTH":
            shown = base64.b64decode(line.split()[2]).decode().split("\0")[2]
            self.say("235 welcome" if shown == self.mail.password else "535 wrong")
        elif word == "RCPT":
            self.mail.receivers.append(line.partition("<")[2].rstrip(">"))
            self.say("250 ok")
        elif word == "DATA":
            self.say("354 go on")
            lines = iter(self.rfile.readline, b".\r\n")
            letter = message_from_bytes(b"".join(lines), policy=policy.default)
            assert isinstance(letter, EmailMessage)
            self.mail.letters.append(letter)
            self.say("250 taken")
        else:
            self.say("250 ok")


@contextmanager
def mail_server() -> Iterator[Mail]:
    mail = Mail()
    handler = type("Dialog", (Dialog,), {"mail": mail})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        mail.url = f"smtp://bot%40here:right@127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield mail
        finally:
            server.shutdown()
            thread.join()
