"""Resumable downloads of published files, verified before they get their final name."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import stat
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from nasbench_kit.errors import DownloadError
from nasbench_kit.spaces.published import Published, Source

try:
    import fcntl
except ImportError:  # not available on Windows, where concurrent calls may interfere with each other
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    import requests

__all__ = ["download"]

ATTEMPTS = 5  # consecutive attempts without progress
TIMEOUT = 30.0  # seconds without a byte
PAUSE = 1.0  # seconds before the second attempt; doubled before each further one
LEAST_RATE = 1000.0  # bytes per second; a slower server counts as stuck
MOST_BYTES = 2**36  # for a file without a published size
MOST_REDIRECTS = 10
_CHUNK = 2**16  # maximum bytes per read
_RANGE = re.compile(r"bytes (?:(?P<first>\d+)-\d+|\*)/(?P<total>\d+|\*)")
_LATER = (408, 425, 429, 500, 502, 503, 504)  # temporary failures, worth another attempt


class _Failed(Exception):
    """A failed attempt; retried unless ``final``.

    A ``stuck`` attempt counts as one without progress.
    """

    def __init__(self, reason: str, *, final: bool = False, stuck: bool = False) -> None:
        super().__init__(reason)
        self.final, self.stuck = final, stuck


def download(
    file: Published,
    source: Source,
    folder: Path,
    *,
    progress: Callable[[float], None] = lambda share: None,
    attempts: int = ATTEMPTS,
    timeout: float = TIMEOUT,
    pause: float = PAUSE,
) -> Path:
    """Download a published file unless it already exists.

    Partial content is kept in ``NAME.part``, and the next attempt or call resumes from its end. The file gets its final
    name only once it is complete and its size and checksum match the published ones.

    Parameters
    ----------
    file : Published
    source : Source
        The benchmark the file belongs to; its page says where to download the file manually.
    folder : Path
        Created if missing.
    progress : callable
        Called with the fraction downloaded, 0 to 1.
    attempts : int
        Maximum number of consecutive attempts without progress.
    timeout : float
        Seconds without data after which an attempt is abandoned.
    pause : float
        Seconds before the second attempt; doubled before each further one.

    Returns
    -------
    Path
        The downloaded file.

    Raises
    ------
    DownloadError
        The download failed; the message gives the reason and how to get the file manually.
    """
    target = folder / file.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if target.is_file() and file.matches(target):
            return target
        with _own_part(folder / f"{file.name}.part") as part:
            if target.is_file() and file.matches(target):  # another call downloaded it while this one waited
                part.unlink()
                return target
            left = attempts
            while True:
                before = _size(part)
                try:
                    _fetch(file, part, progress, timeout)
                    if file.matches(part):
                        break
                    os.truncate(part, 0)
                    raise _Failed("the downloaded data is not the published file: its checksum is wrong")
                except _Failed as error:
                    left = attempts if _size(part) > before and not error.stuck else left - 1
                    if error.final or left <= 0:
                        if not _size(part):
                            part.unlink()
                        raise DownloadError(f"{_by_hand(file, source)}: {error}") from error
                    time.sleep(pause * 2 ** (attempts - left - 1) if left < attempts else 0)
            part.replace(target)
    except DownloadError:
        raise
    except OSError as error:
        raise DownloadError(f"{target} cannot be written: {error.strerror or error}") from error
    progress(1.0)
    return target


@contextlib.contextmanager
def _own_part(part: Path) -> Iterator[Path]:
    """Open a partial file under an exclusive lock, waiting for other calls. Links are refused, not followed.

    Where there are no such locks, on Windows, the file is not held open: it could be neither renamed nor removed.
    """
    while True:
        if part.is_symlink():
            raise DownloadError(f"{part} is a link, and downloads do not follow links; remove it")
        if fcntl is None:
            part.touch()
            if not part.is_file():
                raise DownloadError(f"{part} is not a regular file; remove it")
            yield part
            return
        handle = os.open(
            part, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0), 0o666
        )
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise DownloadError(f"{part} is not a regular file; remove it")
            fcntl.flock(handle, fcntl.LOCK_EX)
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), part.lstat()):
                    yield part
                    return
        finally:
            os.close(handle)  # also releases the lock


def _by_hand(file: Published, source: Source) -> str:
    return (
        f"{file.name} cannot be downloaded from {file.url}; download it manually (see {source.page}), then run "
        f"'nasbench-kit convert {file.name}'"
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _fetch(file: Published, partial: Path, progress: Callable[[float], None], timeout: float) -> None:
    """Make one attempt: fetch the rest of ``partial``, or the whole file if the server does not support ranges."""
    import requests  # imported here to keep importing the package fast
    import urllib3

    have = _size(partial)
    headers = {"Accept-Encoding": "identity"}  # so that lengths refer to the file itself
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        with _answer(file.url, headers, timeout) as answer:
            if answer.status_code == 416:  # nothing follows the bytes we already have
                if _total(answer, have) != have:
                    os.truncate(partial, 0)
                    raise _Failed("the file on the server is shorter than the part already downloaded")
                return
            if answer.status_code in _LATER:
                raise _Failed(f"the server answers {answer.status_code} {answer.reason}")
            if answer.status_code not in (200, 206):
                raise _Failed(f"the server answers {answer.status_code} {answer.reason}", final=True)
            if answer.headers.get("Content-Type", "").startswith("text/html"):
                page = "the server returns a web page instead, as Google Drive does when a file's quota is exceeded"
                raise _Failed(page, final=True)
            packed = answer.headers.get("Content-Encoding", "identity")
            if packed.lower() != "identity":  # a few compressed bytes could expand to gigabytes
                raise _Failed(
                    f"the server compresses the file ({packed[:40]!r}) although it was asked not to", final=True
                )
            begin = _begin(answer) if answer.status_code == 206 else 0
            if begin not in (0, have):
                raise _Failed(f"the server returns the file from byte {begin} instead of byte {have}")
            total = _total(answer, begin)
            most = file.size if file.size is not None else MOST_BYTES
            if total is not None and total > most:
                raise _Failed(f"the server announces {total:,} bytes, but the file has at most {most:,}", final=True)
            with partial.open("ab" if begin else "wb") as content:
                for chunk in _chunks(answer, timeout):
                    if content.tell() + len(chunk) > most:
                        raise _Failed(f"the server sent more than the file's {most:,} bytes", final=True)
                    content.write(chunk)
                    if total:
                        progress(content.tell() / total)
    except (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
        if isinstance(error, OSError) and not isinstance(
            error, (requests.RequestException, TimeoutError, ConnectionError)
        ):
            raise
        raise _Failed(_reason(error, timeout), final=isinstance(error, requests.TooManyRedirects)) from error
    if total is not None and _size(partial) != total:
        raise _Failed(f"only {_size(partial)} of {total} bytes were received")


def _answer(url: str, headers: dict[str, str], timeout: float) -> requests.Response:
    """Follow redirects and return the response; a redirect from https to another scheme is refused."""
    import requests

    for _ in range(MOST_REDIRECTS):
        try:
            answer = requests.get(url, headers=headers, stream=True, timeout=timeout, allow_redirects=False)
        except requests.RequestException:
            raise
        except ValueError as error:  # requests parses the redirect target even with allow_redirects=False
            raise _Failed(f"the server redirects to an invalid address ({error})", final=True) from error
        if not answer.is_redirect:
            return answer
        location = answer.headers["Location"]
        answer.close()
        try:
            onward = urllib.parse.urljoin(url, location)
            secure, scheme = urllib.parse.urlsplit(url).scheme == "https", urllib.parse.urlsplit(onward).scheme
        except ValueError as error:
            raise _Failed(f"the server redirects to an invalid address, {location[:100]!r}", final=True) from error
        if scheme not in (("https",) if secure else ("http", "https")):
            raise _Failed(
                f"the server redirects from {urllib.parse.urlsplit(url).scheme} to {scheme[:20]!r}", final=True
            )
        url = onward
    raise _Failed(f"more than {MOST_REDIRECTS} redirects", final=True)


def _chunks(answer: requests.Response, timeout: float) -> Iterator[bytes]:
    """Yield the content as it arrives; fail if the average rate over ``timeout`` seconds is below `LEAST_RATE`."""
    begun, count = time.monotonic(), 0
    while chunk := answer.raw.read1(_CHUNK, decode_content=False):
        yield chunk
        count += len(chunk)
        took = time.monotonic() - begun
        if took > timeout and count < LEAST_RATE * took:
            raise _Failed(f"only {count:,} bytes were received in {took:.1f} seconds", stuck=True)
        if took > 10 * timeout:
            begun, count = time.monotonic(), 0


def _begin(answer: requests.Response) -> int:
    """The first byte of a range, from ``Content-Range: bytes 5-9/10``; -1 if unknown."""
    match = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    return int(match["first"]) if match and match["first"] else -1


def _total(answer: requests.Response, begin: int) -> int | None:
    """The size of the whole file, or None if the server does not give it."""
    match = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if match:
        return int(match["total"]) if match["total"] != "*" else None
    length = answer.headers.get("Content-Length", "")
    return begin + int(length) if length.isascii() and length.isdecimal() and answer.status_code != 416 else None


def _reason(error: Exception, timeout: float) -> str:
    """The root cause of an error, on one line."""
    if "timed out" in str(error):  # a stall while reading the body is not a requests.Timeout
        return f"no data was received for {timeout:g} seconds"
    cause: BaseException = error
    while isinstance(inner := getattr(cause, "reason", None) or (cause.args or (None,))[-1], BaseException):
        cause = inner
    return (str(cause) or type(cause).__name__).splitlines()[0]
