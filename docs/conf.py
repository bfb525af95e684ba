"""Sphinx configuration."""

from importlib.metadata import version as _version

project = "klosed"
author = "The klosed developers"
copyright = "2026, The klosed developers"
version = release = _version("klosed")
extensions = ["myst_parser", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "klosed"
html_static_path: list[str] = []
exclude_patterns = ["_build"]
