"""Sphinx extension: what is mended in the pages after the theme has written them.

The theme's largest script draws the icons that its style sheet draws as well; it goes. Some parts get the roles that
screen readers know: docutils gives references one that has been withdrawn, and the sidebar has none.

Each page gets a Content-Security-Policy: a browser then loads nothing from elsewhere, and runs no script but the files
of the book and the lines that were in the page when it was built, told by their SHA-256.
"""

import base64
import hashlib
import re
from pathlib import Path

from bs4 import BeautifulSoup

CHANGES = [
    (r"<script[^>]*/fontawesome\.js[^>]*></script>", ""),
    (r' role="doc-biblioentry"', ""),
    (r'<div role="list" class="citation-list">', '<div class="citation-list">'),
    ('id="pst-primary-sidebar"', 'id="pst-primary-sidebar" role="complementary" aria-label="Sidebar"'),
]

# The styles are those of the theme and of the code's colours, many of them in attributes, which have no digests.
POLICY = (
    "default-src 'none'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'"
)


def finish(app, exception):
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for pattern, replacement in CHANGES:
            text = re.sub(pattern, replacement, text)
        page.write_text(add_policy(text), encoding="utf-8")
    for script in Path(app.outdir).rglob("fontawesome.js*"):
        script.unlink()


def add_policy(text):
    """The page with its policy, which must come before anything that it speaks of."""
    soup = BeautifulSoup(text, "html.parser")
    lines = [script.string or "" for script in soup.find_all("script", src=False)]
    handlers = [
        value for tag in soup.find_all(True) for name, value in tag.attrs.items() if re.fullmatch("on[a-z]+", name)
    ]
    allowed = [digest(line) for line in lines + handlers]
    if handlers:  # such as the theme's onclick
        allowed.append("'unsafe-hashes'")
    policy = POLICY.format(scripts=" ".join(dict.fromkeys(allowed)))
    return re.sub("<head>", f'<head>\n<meta http-equiv="Content-Security-Policy" content="{policy}">', text, count=1)


def digest(line):
    return f"'sha256-{base64.b64encode(hashlib.sha256(line.encode()).digest()).decode()}'"


def setup(app):
    app.connect("build-finished", finish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
