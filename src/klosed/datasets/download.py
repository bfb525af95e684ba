"""Published files, fetched once: mirrors in order, SHA-256, a cache that never holds half a file.

Imports only floor 0; pooch and Rich load when something is fetched.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from klosed._files import atomic_write
from klosed.errors import DownloadError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["Published", "PublishedFile", "data_folder", "fetch"]

_TIMEOUT = 30  # seconds without an answer before the next mirror is tried


@dataclass(frozen=True)
class PublishedFile:
    """A gzip file as it was published.

    Parameters
    ----------
    name : str
        Ends in .gz.
    sha256 : str
        Of the file as published.
    size : int
        Bytes of its content, uncompressed.
    content_sha256 : str, optional
        Of the content: known, it admits copies compressed anew, or not at all.
    """

    name: str
    sha256: str
    size: int
    content_sha256: str | None = None

    def matches(self, data: bytes) -> bool:
        """Whether `data` are this file, as published or by content."""
        if self.content_sha256 is None or _sha256(data) == self.sha256:
            return _sha256(data) == self.sha256
        try:
            with gzip.open(io.BytesIO(data)) as stream:
                content = stream.read(self.size + 1)  # a bomb is cut short here
        except (OSError, EOFError, zlib.error):
            content = data
        return _sha256(content) == self.content_sha256


@dataclass(frozen=True)
class Published:
    """A data set that is downloaded: its files, and base addresses tried in order."""

    name: str
    files: tuple[PublishedFile, ...]
    mirrors: tuple[str, ...]


def data_folder(cache_dir: str | Path | None = None) -> Path:
    """Folder of downloads: `cache_dir`, else KLOSED_DATA_DIR, else the user's cache."""
    chosen = cache_dir or os.environ.get("KLOSED_DATA_DIR")
    if chosen:
        return Path(chosen).expanduser()
    import pooch

    return Path(pooch.os_cache("klosed"))


def fetch(published: Published, cache_dir: str | Path | None = None) -> list[Path]:
    """Return the files of a data set, downloading those that the cache lacks.

    A file in the cache is checked each time; one that does not match is fetched again. A copy
    put there by hand, compressed or not, is taken when it matches.

    Parameters
    ----------
    published : Published
        What to fetch.
    cache_dir : str or Path, optional
        As in `data_folder`; the files lie in a subfolder of the data set's name.

    Returns
    -------
    list of Path
        In the order of `published.files`.

    Raises
    ------
    DownloadError
        Every mirror failed or delivered something else; nothing is kept.
    """
    folder = data_folder(cache_dir) / published.name
    return [_fetch_file(published, file, folder) for file in published.files]


def _fetch_file(published: Published, file: PublishedFile, folder: Path) -> Path:
    path = folder / file.name
    for candidate in (path, path.with_suffix("")):
        if candidate.is_file() and file.matches(candidate.read_bytes()):
            return candidate
    failures = []
    for mirror in published.mirrors:
        url = mirror + file.name
        try:
            data = _download(url)
        except OSError as error:
            failures.append(f"{url} ({_reason(error)})")
            continue
        if file.matches(data):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                atomic_write(path, data)
            except OSError as error:
                raise DownloadError(
                    f"{published.name}: cannot write {path}: {error.strerror}. Set "
                    "KLOSED_DATA_DIR to a folder that can be written."
                ) from error
            return path
        failures.append(f"{url} (SHA-256 is {_sha256(data)}, not the published one)")
    raise DownloadError(
        f"{published.name}: cannot fetch {file.name} (SHA-256 {file.sha256}). Tried "
        f"{', '.join(failures)}. Go online, or put the file at {path} by hand, or give the folder "
        "that holds the files instead of the name."
    )


def _download(url: str) -> bytes:
    import pooch

    content = io.BytesIO()
    with _bar(url.rpartition("/")[2]) as bar:
        downloader = pooch.HTTPDownloader(progressbar=bar, chunk_size=1 << 16, timeout=_TIMEOUT)
        downloader(url, content, None)
    return content.getvalue()


class _Bar:
    """What pooch asks of a progress bar, drawn by Rich."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task
        self.total = 0

    def update(self, n_bytes: int) -> None:
        self._progress.update(self._task, total=self.total or None, advance=n_bytes)

    def reset(self) -> None:
        self._progress.reset(self._task)

    def close(self) -> None:
        self._progress.stop()


@contextmanager
def _bar(label: str) -> Iterator[_Bar | None]:
    """Draw progress on standard error when that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        yield _Bar(progress, progress.add_task(label, total=None))


def _reason(error: OSError) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP {response.status_code}"
    return type(error).__name__


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
