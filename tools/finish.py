"""Sphinx extension: what is mended in the pages after the theme has written them.

The theme's largest script draws the icons that its style sheet draws as well; it goes. Some parts get the roles that
screen readers know: docutils gives references one that has been withdrawn, and the sidebar has none.
"""

import re
from pathlib import Path

CHANGES = [
    (r"<script[^>]*/fontawesome\.js[^>]*></script>", ""),
    (r' role="doc-biblioentry"', ""),
    (r'<div role="list" class="citation-list">', '<div class="citation-list">'),
    ('id="pst-primary-sidebar"', 'id="pst-primary-sidebar" role="complementary" aria-label="Sidebar"'),
]


def finish(app, exception):
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for pattern, replacement in CHANGES:
            text = re.sub(pattern, replacement, text)
        page.write_text(text, encoding="utf-8")
    for script in Path(app.outdir).rglob("fontawesome.js*"):
        script.unlink()


def setup(app):
    app.connect("build-finished", finish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
