"""Draw the pictures of docs/gallery.md anew, by running the page itself."""

import doctest
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"

if __name__ == "__main__":
    failed, _ = doctest.testfile(
        str(DOCS / "gallery.md"),
        module_relative=False,
        globs={"pictures": DOCS / "images"},
        optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE,
    )
    sys.exit(bool(failed))
