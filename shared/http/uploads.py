"""Files that are sent: spooled to the disk as they come, within limits of their own, and handed to the route to be read bit by bit."""

import asyncio
import hashlib
import tempfile
import time
from dataclasses import replace
from typing import IO, Annotated, Any, ClassVar, Final, cast

from fastapi import Depends, Request

from shared.http.body import StrictRequest, announced, next_message, too_large
from shared.http.edge import CommandRoute
from shared.http.limits import LIMITS, Limits
from shared.http.refusals import UnsupportedMedia
from shared.refusals import Unavailable

LARGEST_FILE: Final = 64 * 1024 * 1024
FILE_SECONDS: Final = 600.0
"""How long a file may take on its way in or out."""
MOST_AT_ONCE: Final = 4
"""How many files one process takes or gives at a time, each on its disk meanwhile."""
_IN_MEMORY: Final = 1024 * 1024
_FILES: Final[Limits] = replace(LIMITS, body=LARGEST_FILE, body_seconds=FILE_SECONDS)


class Spools:
    """The files on the disk of this process, so many at a time."""

    def __init__(self) -> None:
        self._held = 0

    def open(self) -> IO[bytes]:
        """An empty file that is gone when it is closed; raises Unavailable while there are too many."""
        if self._held >= MOST_AT_ONCE:
            raise Unavailable(f"{MOST_AT_ONCE} files are on their way already.", fix="Try again after Retry-After seconds.", retry_after=10)
        self._held += 1
        return cast("IO[bytes]", _Spool(self))

    def given_back(self) -> None:
        """One less."""
        self._held -= 1


class _Spool(tempfile.SpooledTemporaryFile[bytes]):
    def __init__(self, spools: Spools) -> None:
        super().__init__(max_size=_IN_MEMORY)
        self._spools: Spools | None = spools

    def close(self) -> None:
        super().close()
        if self._spools is not None:
            self._spools.given_back()
            self._spools = None


def spool(request: Request) -> IO[bytes]:
    """A file for what ``request`` takes or gives; the caller closes it. Raises Unavailable while there are too many."""
    state = request.scope["app"].state
    if not hasattr(state, "spools"):
        state.spools = Spools()
    return cast("Spools", state.spools).open()


def take_your_time(request: Request, seconds: float = FILE_SECONDS) -> None:
    """Let ``request`` last so many seconds from now on, instead of what any request may."""
    deadline: asyncio.Timeout = request.scope["state"]["deadline"]
    deadline.reschedule(asyncio.get_running_loop().time() + seconds)


class UploadRoute(CommandRoute):
    """A CommandRoute whose body is a file of one of the ``media`` types; only callers with the scope ``write`` may send any."""

    media: ClassVar[tuple[str, ...]] = ()

    async def take(self, request: StrictRequest) -> bytes:
        """Spool the file; what stands for it in the request's hash is the hash of it."""
        request.scope["state"]["caller"].must("write")
        self._must_be_read_here(request)
        if announced(request) > _FILES.body:
            raise too_large(announced(request), _FILES)
        take_your_time(request)
        file = request.scope["state"]["upload"] = spool(request)
        digest, size, until = hashlib.sha256(request.headers["content-type"].encode()), 0, time.monotonic() + _FILES.body_seconds
        more = True
        while more:
            message = await next_message(request, min(_FILES.pause, until - time.monotonic()))
            chunk, more = message.get("body", b""), message.get("more_body", False)
            size += len(chunk)
            if size > _FILES.body:
                raise too_large(size, _FILES)
            digest.update(chunk)
            file.write(chunk)
        return digest.digest()

    def release(self, request: StrictRequest) -> None:
        """The file is gone with the request."""
        file: IO[bytes] | None = request.scope["state"].pop("upload", None)
        if file is not None:
            file.close()

    def _must_be_read_here(self, request: Request) -> None:
        kind, _, more = request.headers.get("content-type", "").partition(";")
        charset = more.strip().lower().replace('"', "").removeprefix("charset=")
        if kind.strip().lower() not in self.media or charset not in ("", "utf-8", "utf8", "header=present"):
            wanted = " or ".join(self.media)
            raise UnsupportedMedia(f"The body must be {wanted}, in UTF-8.", field="Content-Type", fix=f"Send Content-Type: {wanted}.")
        if request.headers.get("content-encoding", "identity") != "identity":
            raise UnsupportedMedia("The body is compressed.", field="Content-Encoding", fix="Send the body without Content-Encoding.")


async def _upload(request: Request) -> Any:
    file = request.scope["state"].get("upload")
    if file is None:
        raise LookupError("only an UploadRoute has an Upload")
    file.seek(0)
    return file


Upload = Annotated[Any, Depends(_upload)]
"""The file that was sent, open for reading bytes from its beginning."""
