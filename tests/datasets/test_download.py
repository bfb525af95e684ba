"""Downloads, against a server on this machine: mirrors, checksums, the cache."""

import gzip
import hashlib
import http.server
import threading
from pathlib import Path

import pytest

from klosed.datasets.download import Published, PublishedFile, data_folder, fetch
from klosed.errors import DownloadError

CONTENT = b"content of the file" * 1000
PACKED = gzip.compress(CONTENT, mtime=0)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def server(monkeypatch):
    """Address of a server, its answers by path, and the paths that were asked for."""
    answers, asked = {}, []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            body = answers.get(self.path)
            self.send_response(404 if body is None else 200)
            cut_short = isinstance(body, tuple)
            body = body[0] if cut_short else body or b""
            self.send_header("Content-Length", str(len(body) + 100 * cut_short))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}", answers, asked
        running.shutdown()
        thread.join()


def _published(*mirrors, content_sha256=None):
    file = PublishedFile("file.gz", sha256(PACKED), len(CONTENT), content_sha256)
    return Published("tiny", (file,), mirrors)


def test_a_file_is_fetched_once_and_then_taken_from_the_cache(server, tmp_path):
    address, answers, asked = server
    answers["/file.gz"] = PACKED
    published = _published(f"{address}/")
    paths = fetch(published, tmp_path)
    assert paths == [tmp_path / "tiny" / "file.gz"]
    assert paths[0].read_bytes() == PACKED
    assert fetch(published, tmp_path) == paths
    assert asked == ["/file.gz"]


def test_mirrors_are_tried_in_order(server, tmp_path):
    address, answers, asked = server
    answers.update({"/wrong/file.gz": b"<html>", "/cut/file.gz": (PACKED[:50],)})
    answers["/good/file.gz"] = PACKED
    mirrors = [f"{address}/{name}/" for name in ("gone", "wrong", "cut", "good", "never")]
    assert fetch(_published("http://127.0.0.1:1/", *mirrors), tmp_path)[0].read_bytes() == PACKED
    assert asked == [f"/{name}/file.gz" for name in ("gone", "wrong", "cut", "good")]


def test_when_every_mirror_fails_nothing_is_kept_and_all_is_said(server, tmp_path):
    address, answers, _ = server
    answers["/wrong/file.gz"] = b"<html>"
    published = _published("http://127.0.0.1:1/", f"{address}/gone/", f"{address}/wrong/")
    with pytest.raises(DownloadError) as caught:
        fetch(published, tmp_path)
    message = str(caught.value)
    assert "\n" not in message
    for part in (
        "tiny: cannot fetch file.gz",
        sha256(PACKED),
        "http://127.0.0.1:1/file.gz (ConnectionError)",
        f"{address}/gone/file.gz (HTTP 404)",
        f"{address}/wrong/file.gz (SHA-256 is {sha256(b'<html>')}",
        f"put the file at {tmp_path / 'tiny' / 'file.gz'}",
    ):
        assert part in message
    assert not list(tmp_path.rglob("*file*"))


def test_a_damaged_file_in_the_cache_is_fetched_again(server, tmp_path):
    address, answers, _ = server
    answers["/file.gz"] = PACKED
    path = tmp_path / "tiny" / "file.gz"
    path.parent.mkdir()
    path.write_bytes(PACKED[:-1])
    assert fetch(_published(f"{address}/"), tmp_path)[0].read_bytes() == PACKED


@pytest.mark.parametrize(
    ("name", "content"),
    [("file.gz", gzip.compress(CONTENT, 1)), ("file.gz", CONTENT), ("file", CONTENT)],
)
def test_a_file_put_there_by_hand_is_taken_for_its_content(tmp_path, name, content):
    path = tmp_path / "tiny" / name
    path.parent.mkdir()
    path.write_bytes(content)
    assert fetch(_published(content_sha256=sha256(CONTENT)), tmp_path) == [path]
    if content is not PACKED:  # without a known content only the published file will do
        with pytest.raises(DownloadError):
            fetch(_published(), tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(CONTENT + b"!"),
        PACKED[:-1],
        gzip.compress(bytes(50_000_000)),
        b"",
        b"\x1f\x8b",
    ],
)
def test_other_content_is_not_taken(tmp_path, content):
    path = tmp_path / "tiny" / "file.gz"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(DownloadError):
        fetch(_published(content_sha256=sha256(CONTENT)), tmp_path)


def test_a_cache_that_cannot_be_written_is_named(server, tmp_path):
    address, answers, _ = server
    answers["/file.gz"] = PACKED
    (tmp_path / "tiny").write_text("a file where the folder should be")
    with pytest.raises(DownloadError, match=r"cannot write .*file\.gz.*KLOSED_DATA_DIR"):
        fetch(_published(f"{address}/"), tmp_path)


def test_the_cache_folder_is_chosen_when_asked(monkeypatch, tmp_path):
    monkeypatch.setenv("KLOSED_DATA_DIR", str(tmp_path / "from environment"))
    assert data_folder() == tmp_path / "from environment"
    assert data_folder(tmp_path / "given") == tmp_path / "given"
    monkeypatch.delenv("KLOSED_DATA_DIR")
    assert data_folder().name == "klosed"
    assert data_folder("~/x") == Path.home() / "x"


def test_progress_is_drawn_on_terminals_only(server, tmp_path, monkeypatch, capsys):
    address, answers, _ = server
    answers["/file.gz"] = PACKED
    fetch(_published(f"{address}/"), tmp_path / "quiet")
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    fetch(_published(f"{address}/"), tmp_path / "shown")
    out, err = capsys.readouterr()
    assert out == ""
    assert "file.gz" in err
