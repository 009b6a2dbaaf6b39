"""Downloads from a server on this machine that breaks off, stalls, truncates, damages, redirects and refuses."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

import nasbench_kit as nk
from nasbench_kit.cli.main import main
from nasbench_kit.data.catalogue import downloads, source, sources
from nasbench_kit.errors import DownloadError
from nasbench_kit.loaders import download as download_module
from nasbench_kit.loaders.download import download
from nasbench_kit.spaces import spec
from nasbench_kit.spaces.published import Published, Source
from tests.loaders.test_nas_bench_macro import records

CONTENT = np.random.default_rng(0).bytes(300_000)
FAST = {"timeout": 0.3, "pause": 0.001}


class Server(ThreadingHTTPServer):
    """Answers as the behaviours say, one request after the other; the last one stays."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.behaviours = ["well"]
        self.requests = []
        self.released = threading.Event()

    def handle_error(self, request, client_address):
        pass  # the client may go at any time


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        asked = self.headers.get("Range")
        server.requests.append(asked)
        behaviour = server.behaviours.pop(0) if len(server.behaviours) > 1 else server.behaviours[0]
        content, size = server.content, len(server.content)
        begin = int(asked[len("bytes=") : -1]) if asked and behaviour != "without ranges" else 0
        status, extent = (206, f"bytes {begin}-{size - 1}/{size}") if begin else (200, None)
        if behaviour == "is silent":
            server.released.wait(10)
        elif behaviour == "redirect":
            self.answer(302, b"", location="/elsewhere")
        elif isinstance(behaviour, tuple):
            self.answer(302, b"", location=behaviour[0])
        elif behaviour == "gzip":
            self.answer(200, gzip.compress(bytes(10**7)), content_encoding="gzip")
        elif behaviour == "drips":
            self.answer(200, b"", content_length=size)
            while not server.released.wait(0.05):
                self.wfile.write(b"x")
                self.wfile.flush()
        elif behaviour == "odd length":
            self.send_response(200)
            self.send_header("Content-Length", "\u00b2")
            self.end_headers()
            self.wfile.write(content)
        elif isinstance(behaviour, int):
            self.answer(behaviour, b"")
        elif behaviour == "page":
            self.answer(200, b"<html>quota exceeded</html>", content_type="text/html; charset=utf-8")
        elif behaviour == "another range":
            self.answer(206, content[7:], content_range=f"bytes 7-{size - 1}/{size}")
        elif begin >= size:
            self.answer(416, b"", content_range=f"bytes */{size}")
        elif behaviour == "without a length":
            self.answer(200, content[:100_000], content_length=None)
        elif behaviour in ("breaks off", "stalls"):
            part = content[begin : begin + 100_000]
            self.answer(status, part, content_length=size - begin, content_range=extent)
            if behaviour == "stalls":
                server.released.wait(10)
        else:
            if behaviour == "damaged":
                content = content[:1000] + b"\0" + content[1001:]
            self.answer(status, content[begin:], content_range=extent)

    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in ({"content_length": len(body)} | headers).items():
            if value is not None:
                self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with contextlib.closing(Server()) as running:
        running.close = running.server_close
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.released.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def file(server):
    return Published("data.bin", f"http://127.0.0.1:{server.server_port}/data.bin", hashlib.sha256(CONTENT).hexdigest())


ORIGIN = Source("https://example.org/page", "CC0", "nobody", ())


def fetch(file, folder, **options):
    return download(file, ORIGIN, folder, **(FAST | options))


def test_a_file_arrives_once(server, file, tmp_path):
    shares = []
    path = fetch(file, tmp_path / "new" / "folder", progress=shares.append)
    assert path.read_bytes() == CONTENT
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert [p.name for p in path.parent.iterdir()] == ["data.bin"]
    assert fetch(file, path.parent) == path
    assert len(server.requests) == 1


def test_it_goes_on_where_it_broke_off(server, file, tmp_path):
    server.behaviours = ["breaks off", "stalls", "well"]
    assert fetch(file, tmp_path).read_bytes() == CONTENT
    begins = [int((asked or "bytes=0-")[6:-1]) for asked in server.requests]
    assert begins[0] == 0 < begins[1] < begins[2]


def test_without_locks_the_part_is_not_held_open(server, file, tmp_path, monkeypatch):
    """As on Windows, where a file that somebody has open cannot be renamed."""
    monkeypatch.setattr("nasbench_kit.loaders.download.fcntl", None)
    moved, held = Path.replace, []

    def watched(self, target):
        part = self.stat()
        for number in range(3, 256):
            with contextlib.suppress(OSError):
                held.extend([number] if os.path.samestat(os.fstat(number), part) else [])
        return moved(self, target)

    monkeypatch.setattr(Path, "replace", watched)
    server.behaviours = ["breaks off", "well"]
    assert fetch(file, tmp_path).read_bytes() == CONTENT
    assert held == []
    (tmp_path / "data.bin").unlink()
    (tmp_path / "data.bin.part").mkdir()
    with pytest.raises(DownloadError, match="is not a regular file"):
        fetch(file, tmp_path)


def test_the_next_call_goes_on_too(server, file, tmp_path):
    server.behaviours = ["breaks off", 503]
    with pytest.raises(DownloadError, match="503"):
        fetch(file, tmp_path, attempts=2)
    have = (tmp_path / "data.bin.part").stat().st_size
    assert have > 0
    assert not (tmp_path / "data.bin").exists()
    server.behaviours = ["well"]
    server.requests.clear()
    assert fetch(file, tmp_path).read_bytes() == CONTENT
    assert server.requests == [f"bytes={have}-"]


def test_progress_of_any_attempt_counts(server, file, tmp_path):
    server.content = CONTENT * 4
    file = replace(file, sha256=hashlib.sha256(server.content).hexdigest())
    server.behaviours = ["breaks off"] * 12 + ["well"]
    assert fetch(file, tmp_path, attempts=2).read_bytes() == server.content


@pytest.mark.parametrize(
    "behaviours",
    [
        ["breaks off", "without ranges"],
        ["redirect", "well"],
        ["breaks off", "redirect", "well"],
        ["damaged", "well"],
        ["without a length", "well"],
        ["breaks off", "another range", "well"],
        [500, 429, "well"],
        ["stalls", "without ranges"],
    ],
)
def test_a_server_with_moods(server, file, tmp_path, behaviours):
    server.behaviours = behaviours
    assert fetch(file, tmp_path).read_bytes() == CONTENT
    assert [p.name for p in tmp_path.iterdir()] == ["data.bin"]


def test_a_part_that_is_all_there(server, file, tmp_path):
    (tmp_path / "data.bin.part").write_bytes(CONTENT)
    assert fetch(file, tmp_path).read_bytes() == CONTENT
    assert server.requests == [f"bytes={len(CONTENT)}-"]


@pytest.mark.parametrize("left_over", [b"x" * 400_000, b"x" * 300_000, b"x" * 1000])
def test_a_part_of_something_else(server, file, tmp_path, left_over):
    (tmp_path / "data.bin.part").write_bytes(left_over)
    assert fetch(file, tmp_path).read_bytes() == CONTENT


def test_another_file_of_that_name_stays_until_the_right_one_is_there(server, file, tmp_path):
    (tmp_path / "data.bin").write_bytes(b"mine")
    server.behaviours = [404]
    with pytest.raises(DownloadError):
        fetch(file, tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == b"mine"
    server.behaviours = ["well"]
    assert fetch(file, tmp_path).read_bytes() == CONTENT


@pytest.mark.slow
@pytest.mark.parametrize(
    ("behaviour", "reason", "requests"),
    [
        (404, "answers 404", 1),
        (403, "answers 403", 1),
        (503, "answers 503", 3),
        ("page", "web page instead.*quota", 1),
        ("damaged", "its checksum is wrong", 3),
        ("redirect", "redirects", None),
        ("gzip", "compresses the file", 1),
        ("drips", r"only \d+ bytes were received in", 3),
        (("http://[::1",), "invalid address", 1),
        (("ftp://127.0.0.1/x",), "redirects from http to 'ftp'", 1),
        (("file:///etc/passwd",), "redirects from http to 'file'", 1),
    ],
)
def test_what_does_not_work_says_what_to_do(server, file, tmp_path, behaviour, reason, requests):
    server.behaviours = [behaviour]
    with pytest.raises(DownloadError, match=reason) as caught:
        fetch(file, tmp_path, attempts=3)
    text = str(caught.value)
    assert "download it manually (see https://example.org/page)" in text
    assert "nasbench-kit convert data.bin" in text
    assert file.url in text
    assert len(text.splitlines()) == 1
    assert requests in (None, len(server.requests))
    assert behaviour == "drips" or not list(tmp_path.iterdir())


def test_a_redirect_never_leaves_https(monkeypatch):
    import requests

    class Redirect:
        is_redirect, headers = True, {"Location": "http://example.org/x"}

        def close(self):
            pass

    monkeypatch.setattr(requests, "get", lambda *_, **__: Redirect())
    with pytest.raises(download_module._Failed, match="redirects from https to 'http'"):
        download_module._answer("https://example.org/x", {}, 1.0)


def test_a_length_that_is_no_number(server, file, tmp_path):
    server.behaviours = ["odd length"]
    with contextlib.suppress(DownloadError):
        assert fetch(file, tmp_path, attempts=1).read_bytes() == CONTENT
    assert {path.name for path in tmp_path.iterdir()} <= {"data.bin", "data.bin.part"}


def test_more_than_was_published_is_not_written(server, file, tmp_path):
    with pytest.raises(DownloadError, match="announces 300,000 bytes, but the file has at most 1,000"):
        fetch(replace(file, size=1000), tmp_path, attempts=1)
    server.behaviours = ["without a length"]
    with pytest.raises(DownloadError, match="more than the file's 1,000 bytes"):
        fetch(replace(file, size=1000), tmp_path, attempts=1)


def test_calls_at_once_fetch_one_file(server, file, tmp_path):
    server.behaviours = ["breaks off", "stalls", "well"]
    with ThreadPoolExecutor(6) as pool:
        paths = list(pool.map(lambda _: fetch(file, tmp_path), range(6)))
    assert {path.read_bytes() for path in paths} == {CONTENT}
    assert [p.name for p in tmp_path.iterdir()] == ["data.bin"]
    assert len(server.requests) == 3


@pytest.mark.posix
def test_a_planted_part_is_not_followed(server, file, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "data.bin.part").symlink_to(victim)
    with pytest.raises(DownloadError, match="is a link"):
        fetch(file, folder)
    (folder / "data.bin.part").unlink()
    os.mkfifo(folder / "data.bin.part")
    with pytest.raises(DownloadError, match="is not a regular file"):
        fetch(file, folder)
    assert victim.read_text() == "mine"


@pytest.mark.slow
def test_a_server_that_is_silent_or_not_there(server, file, tmp_path):
    server.behaviours = ["is silent"]
    with pytest.raises(DownloadError, match=r"no data was received for 0.3 seconds"):
        fetch(file, tmp_path, attempts=2)
    assert len(server.requests) == 2
    server.behaviours = ["stalls", "is silent"]
    with pytest.raises(DownloadError, match=r"no data was received for 0.3 seconds"):
        fetch(file, tmp_path, attempts=1)
    with pytest.raises(DownloadError, match="refused"):
        fetch(replace(file, url="http://127.0.0.1:9/"), tmp_path, attempts=1)


def test_the_end_of_a_name_is_a_checksum_too(server, file, tmp_path):
    ending = hashlib.md5(CONTENT).hexdigest()[-6:]
    named = replace(file, sha256=None, md5_end=ending)
    assert fetch(named, tmp_path).read_bytes() == CONTENT
    with pytest.raises(DownloadError, match="its checksum is wrong"):
        fetch(replace(named, name="other.bin", md5_end="xxxxxx"), tmp_path, attempts=1)
    with pytest.raises(DownloadError, match="300,000 bytes, but the file has at most 5"):
        fetch(replace(named, name="other.bin", size=5), tmp_path, attempts=1)


def test_where_nothing_can_be_written(server, file, tmp_path):
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(DownloadError, match="cannot be written: .*(exists|directory)"):
        fetch(file, tmp_path / "folder")


def test_sources_are_well_formed():
    for name, known in downloads().items():
        assert known.files[: known.default]
        assert known.licence
        assert "arXiv" in known.citation
        for file in known.files:
            assert file.url.startswith("https://")
            assert file.sha256 is None or len(file.sha256) == 64
            assert file.md5 is None or (len(file.md5) == 32 and file.md5.endswith(file.md5_end))
            assert "its size" in file.evidence or "digits" in file.evidence or "SHA-256" in file.evidence
            assert source(name).file(file.name) is file
            # what a name ends in is checked where the authors say so
            assert not file.md5_end or file.md5_end in file.name
    with pytest.raises(nk.UnknownName, match="did you mean 'nb101'"):
        source("nb10")
    with pytest.raises(nk.UnknownName, match="did you mean 'nasbench_full.tfrecord'"):
        source("nb101").file("nasbench_ful.tfrecord")


# ---------------------------------------------------------------- the command


@pytest.fixture
def macro(server, monkeypatch):
    """The command finds NAS-Bench-Macro on this machine's server, with made-up accuracies."""
    server.content = json.dumps(records()).encode()
    here = Published(
        "nas-bench-macro_cifar10.json",
        f"http://127.0.0.1:{server.server_port}/x",
        hashlib.sha256(server.content).hexdigest(),
    )
    known = replace(source("nas-bench-macro"), files=(here,))
    monkeypatch.setitem(spec("nas-bench-macro").sources, "nas-bench-macro", known)
    monkeypatch.setattr(download_module, "PAUSE", 0.001)
    return server


def test_the_command_fetches_and_converts(macro, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("NASBENCH_KIT_HOME", str(tmp_path / "home"))
    assert main(["download", "nas-bench-macro"]) == 0
    out, err = capsys.readouterr()
    assert out.strip() == str(tmp_path / "home" / "nas-bench-macro.h5")
    assert "licence Apache-2.0" in err
    assert "nas-bench-macro_cifar10.json: done" in err
    assert "nas-bench-macro" in nk.list_benchmarks()
    assert nk.open("nas-bench-macro").info["published_file"] == "nas-bench-macro_cifar10.json"
    assert main(["download", "nas-bench-macro", "--json"]) == 0
    [done] = json.loads(capsys.readouterr().out)
    assert done["architectures"] == 6561
    assert len(macro.requests) == 1


def test_the_command_without_conversion(macro, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("NASBENCH_KIT_HOME", str(tmp_path / "home"))
    assert main(["download", "nas-bench-macro", "--no-convert", "--output", str(tmp_path / "files")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "files" / "nas-bench-macro_cifar10.json")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("words", "behaviour", "message"),
    [
        (["nb10"], "well", "did you mean 'nb101'"),
        (["nb101", "--file", "nasbench.tfrecord"], "well", "Available: nasbench_full.tfrecord"),
        (["nas-bench-macro"], 404, "download it manually"),
    ],
)
def test_the_command_says_what_is_wrong_on_one_line(macro, capsys, words, behaviour, message):
    macro.behaviours = [behaviour]
    assert main(["download", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err.splitlines()[-1]
    assert "Traceback" not in err


def test_how_far_a_published_file_is_verified(tmp_path):
    file = tmp_path / "a.bin"
    file.write_bytes(CONTENT)
    sha256, md5 = hashlib.sha256(CONTENT).hexdigest(), hashlib.md5(CONTENT).hexdigest()
    for known, evidence in (
        (
            Published("a", "", sha256, size=len(CONTENT)),
            "its size, 300,000 bytes and the SHA-256 that its authors state",
        ),
        (
            Published("a", "", md5=md5, md5_end=md5[-6:], stated=False),
            "the MD5 that others who downloaded it report and the last 6 digits of its MD5, in its name",
        ),
        (Published("a", "", md5_end=md5[-5:]), "the last 5 digits of its MD5, in its name, which anybody can match"),
    ):
        assert known.evidence == evidence
        assert known.matches(file)
        assert not replace(known, size=len(CONTENT) + 1).matches(file)
    # digits that anybody can match do not stand for the whole checksum where that is known
    assert not Published("a", "", md5="0" * 26 + md5[-6:], md5_end=md5[-6:]).matches(file)
    for name in ("NAS-Bench-201-v1_1-096897.pth", "NATS-tss-v1_0-3ffb9-simple.tar"):
        (known,) = (file for known in sources().values() for file in known.files if file.name == name)
        assert known.size
        assert known.sha256 or known.md5
