"""Draw the pictures of the pages that have executed ones anew, by running the pages."""

import doctest
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"

if __name__ == "__main__":
    failed = 0
    for page in ("gallery.md", "outliers.md"):
        failed += doctest.testfile(
            str(DOCS / page),
            module_relative=False,
            globs={"pictures": DOCS / "images"},
            optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE,
        ).failed
    sys.exit(bool(failed))
