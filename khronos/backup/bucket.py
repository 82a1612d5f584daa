"""A bucket that speaks S3: files brought there in pieces and fetched in pieces, by signed requests."""

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

from django.conf import settings
from django.utils.translation import gettext as _

from khronos.backup import configured
from khronos.backup.engine import BackupFailed, Incomplete, Progress, Unreachable
from khronos.backup.shelf import Thing, explained
from khronos.backup.signing import Signer, quoted, written
from khronos.http import Unanswered, Unsent, pool
from khronos.http.inlet import Reply

BELOW = "postgresql"  # beside what Litestream may keep at the same address
PIECE = 16 * 1024**2  # bytes, of which no more than two are held; S3 wants 5 MiB at least
PIECES_MAX = 10_000
PIECE_S = 60.0
TRIES, AGAIN_S = 3, 1.0
SLOW = (408, 429, 500, 502, 503, 504)
LEFT_AFTER = timedelta(days=1)  # parts of what was never ended are paid for
CODE = re.compile(rb"<Code>([^<]*)</Code>")
MESSAGE = re.compile(rb"<Message>([^<]*)</Message>")


class Bucket:
    def __init__(self, url: str, given: Mapping[str, str]) -> None:
        self.url = url
        parts = urlsplit(url)
        self.bucket = f"/{parts.netloc}"
        self.prefix = "/".join(filter(None, [parts.path.strip("/"), BELOW])) + "/"
        region = configured.region() or "us-east-1"
        self.pool = pool(given.get("AWS_ENDPOINT_URL") or f"https://s3.{region}.amazonaws.com")
        key, secret = (given.get(f"AWS_{name}", "") for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))
        self.signer = Signer(key, secret, region, given.get("AWS_SESSION_TOKEN", ""))

    def where(self) -> str:
        return self.url

    def things(self, beginning: str) -> list[Thing]:
        found = []
        for each in self._listed({"list-type": "2", "prefix": self.prefix + beginning}, "Contents"):
            name = each["Key"].removeprefix(self.prefix)
            found.append(Thing(name, int(each["Size"]), datetime.fromisoformat(each["LastModified"])))
        return sorted(found, key=lambda thing: thing.name)

    def folders(self, beginning: str) -> list[str]:
        asked = {"list-type": "2", "prefix": self.prefix + beginning, "delimiter": "/"}
        found = self._listed(asked, "CommonPrefixes")
        return sorted(each["Prefix"].removeprefix(self.prefix).rstrip("/") for each in found)

    def put(self, draft: Path, name: str, progress: Progress) -> None:
        with explained():
            size = draft.stat().st_size
            with draft.open("rb") as file:
                if size <= PIECE:
                    self._ask("PUT", name, body=file.read(), limit_s=PIECE_S, tries=TRIES)
                else:
                    self._put_pieces(file.fileno(), size, name, progress)
            draft.unlink()
        progress(1.0)

    def _put_pieces(self, file: int, size: int, name: str, progress: Progress) -> None:
        self._clear()
        length = max(PIECE, -(-size // PIECES_MAX))
        [upload] = texts(self._ask("POST", name, {"uploads": ""}).body, "UploadId")
        try:
            told = []
            for number, offset in enumerate(range(0, size, length), start=1):
                query = {"partNumber": str(number), "uploadId": upload}
                piece = os.pread(file, length, offset)
                tag = self._ask("PUT", name, query, piece, limit_s=PIECE_S, tries=TRIES).header("etag")
                told.append(f"<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>")
                progress(min(0.99, offset / size))
            body = f"<CompleteMultipartUpload>{''.join(told)}</CompleteMultipartUpload>".encode()
            self._ask("POST", name, {"uploadId": upload}, body, limit_s=PIECE_S)
        except BaseException:
            with suppress(BackupFailed):
                self._ask("DELETE", name, {"uploadId": upload})
            raise

    @contextmanager
    def at_hand(self, name: str) -> Iterator[Path]:
        there = Path(settings.BACKUP_FOLDER) / "scratch" / name.replace("/", "-")
        with explained():
            there.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self.fetch(name, there)
            yield there
        finally:
            there.unlink(missing_ok=True)

    def fetch(self, name: str, to: Path) -> None:
        sizes = [thing.size for thing in self.things(name) if thing.name == name]
        if not sizes:
            raise missing(name)
        with explained(), open(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for offset in range(0, sizes[0], PIECE):
                part = {"Range": f"bytes={offset}-{min(offset + PIECE, sizes[0]) - 1}"}
                file.write(self._ask("GET", name, headers=part, limit_s=PIECE_S, tries=TRIES).body)

    def remove(self, name: str) -> None:
        self._ask("DELETE", name)

    def _clear(self) -> None:
        """What killed ones began long ago."""
        for each in self._listed({"uploads": "", "prefix": self.prefix}, "Upload"):
            if datetime.now(UTC) - datetime.fromisoformat(each["Initiated"]) > LEFT_AFTER:
                name = each["Key"].removeprefix(self.prefix)
                self._ask("DELETE", name, {"uploadId": each["UploadId"]})

    def _listed(self, query: dict[str, str], kind: str) -> Iterator[dict[str, str]]:
        """Page by page; of uploads that nobody ended the first thousand are enough."""
        while True:
            page = self._ask("GET", None, query).body
            for found in tree(page).iter():
                if named(found) == kind:
                    yield {named(each): each.text or "" for each in found}
            after = texts(page, "NextContinuationToken")
            if not after:
                return
            query = query | {"continuation-token": after[0]}

    def _ask(
        self,
        method: str,
        name: str | None,
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        headers: Mapping[str, str] | None = None,
        limit_s: float | None = None,
        tries: int = 1,
    ) -> Reply:
        """Doing any of it twice is the same as once."""
        for _try in range(tries - 1):
            with suppress(Away):
                return self._asked(method, name, query or {}, body, headers, limit_s)
            time.sleep(AGAIN_S)
        return self._asked(method, name, query or {}, body, headers, limit_s)

    def _asked(
        self,
        method: str,
        name: str | None,
        query: Mapping[str, str],
        body: bytes,
        headers: Mapping[str, str] | None,
        limit_s: float | None,
    ) -> Reply:
        path = self.bucket if name is None else f"{self.bucket}/{self.prefix}{name}"
        patience_s = settings.BACKUP_PATIENCE_S
        signed = self.signer.headers(method, self.pool.host, path, query, body, datetime.now(UTC), headers)
        try:
            reply = self.pool.request(
                method, quoted(path) + (f"?{written(query)}" if query else ""), signed.items(), body,
                connect_timeout=patience_s, timeout=limit_s or patience_s, most_bytes=PIECE + 1,
            )  # fmt: skip
        except (Unsent, Unanswered) as error:
            raise away(str(error)) from None
        if reply.status >= 300 or (method == "POST" and b"<Error>" in reply.body):
            raise meant(reply, self.bucket, name)
        return reply


class Away(Unreachable):
    """It may answer when it is asked again."""


def away(why: str) -> Away:
    return Away(
        _("Where the copies lie does not answer: %(why)s") % {"why": why},
        _("look at its network and its state"),
    )


def missing(name: str) -> Incomplete:
    return Incomplete(
        _("A copy is damaged or missing: %(why)s") % {"why": name},
        _("take an older copy with --at; `python manage.py backup make` makes a new one"),
    )


def meant(reply: Reply, bucket: str, name: str | None) -> BackupFailed:
    """A refusal, in words that name the fix."""
    codes = [found[1].decode("utf-8", "replace") for found in CODE.finditer(reply.body[:4096])]
    said = [found[1].decode("utf-8", "replace") for found in MESSAGE.finditer(reply.body[:4096])]
    why = " ".join([str(reply.status), *codes[:1], *said[:1]])[:300]
    if reply.status in SLOW or "SlowDown" in codes or "InternalError" in codes:
        return away(why)
    if "NoSuchBucket" in codes:
        return Unreachable(
            _("There is no bucket %(name)s.") % {"name": bucket.strip("/")},
            _("make it, or correct LITESTREAM_REPLICA_URL"),
        )
    if reply.status == 404 and name is not None:
        return missing(name)
    if reply.status == 301 or "AuthorizationHeaderMalformed" in codes:
        fix = _("correct AWS_REGION and AWS_ENDPOINT_URL")
    else:
        fix = _("correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the permissions of the folder")
    return Unreachable(_("Where the copies lie refuses us: %(why)s") % {"why": why}, fix)


def tree(said: bytes) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(said)  # noqa: S314 (expat bounds what entities may become)
    except ElementTree.ParseError as error:
        raise away(f"XML: {error}") from None


def texts(said: bytes, wanted: str) -> list[str]:
    return [each.text or "" for each in tree(said).iter() if named(each) == wanted and each.text]


def named(found: ElementTree.Element) -> str:
    """Without its namespace."""
    return found.tag.rpartition("}")[2]
