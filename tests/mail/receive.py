"""A mail server for the tests: aiosmtpd takes mails on loopback, Python's email package reads them, and each
is written to stdout as one line of JSON. The first line is the port.

An address says what becomes of its mails: `refused-…` is refused (550), `later-…` is put off (451) until a file
named `up` is in the folder that is the first argument, `slow-…` is taken after a while. Without that file, and
with `down` in it, every mail is put off, as by a server that cannot take any.
"""

import asyncio
import email
import email.policy
import json
import pathlib
import sys

from aiosmtpd.smtp import SMTP

SLOW_SECONDS = 0.05


class Handler:
    def __init__(self, folder):
        self.folder = folder

    async def handle_RCPT(self, server, session, envelope, address, options):
        if (self.folder / "down").exists():
            return "451 4.3.2 System not accepting messages"
        if address.startswith("refused-"):
            return "550 5.1.1 No such mailbox here"
        if address.startswith("later-") and not (self.folder / "up").exists():
            return "451 4.2.1 Try again later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        say(read(envelope))
        if any(address.startswith("slow-") for address in envelope.rcpt_tos):
            await asyncio.sleep(SLOW_SECONDS)
        return "250 2.0.0 Taken"


def say(line):
    print(json.dumps(line), flush=True)


def read(envelope):
    """What a reader's mail program makes of it."""
    message = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
    parts = list(message.walk())
    text = message.get_body(preferencelist=("plain",))
    html = message.get_body(preferencelist=("html",))
    return {
        "mail_from": envelope.mail_from,
        "rcpt_to": envelope.rcpt_tos,
        "headers": [[name, str(value)] for name, value in message.items()],
        "from_name": message["from"].addresses[0].display_name,
        "from": message["from"].addresses[0].addr_spec,
        "to": [[one.display_name, one.addr_spec] for one in message["to"].addresses],
        "reply_to": [one.addr_spec for one in message["reply-to"].addresses] if message["reply-to"] else [],
        "subject": str(message["subject"]),
        "message_id": str(message["message-id"]),
        "types": [part.get_content_type() for part in parts],
        "charsets": [part.get_content_charset() for part in parts if part.get_content_maintype() == "text"],
        "text": text.get_content() if text else None,
        "html": html.get_content() if html else None,
        "attachments": [
            [part.get_filename(), part.get_content_type(), len(part.get_content())]
            for part in message.iter_attachments()
        ],
        "defects": [
            f"{part.get_content_type()}: {defect!r}"
            for part in parts
            for defect in [*part.defects, *(d for value in part.values() for d in getattr(value, "defects", []))]
        ],
        "longest_line": max(len(line) for line in envelope.original_content.split(b"\r\n")),
        "pdfs": [
            [part.get_filename(), part.get_content()[:5].decode("ascii", "replace")]
            for part in parts
            if part.get_content_type() == "application/pdf"
        ],
        "bare_line_feeds": envelope.original_content.replace(b"\r\n", b"").count(b"\n"),
    }


async def main():
    handler = Handler(pathlib.Path(sys.argv[1]))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, loop=loop), "127.0.0.1", int(sys.argv[2]))
    say({"port": server.sockets[0].getsockname()[1]})
    # Until whoever started it closes its input or ends.
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


asyncio.run(main())
