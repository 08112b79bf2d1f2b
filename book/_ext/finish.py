"""Sphinx extension: corrections to the pages after the theme has written them.

The theme's largest script draws the icons that its style sheet draws as well, and is removed. ARIA roles are corrected
for screen readers: docutils gives references one that has been withdrawn, and the sidebar has none.

Each page gets a Content-Security-Policy: a browser then loads nothing from elsewhere, and runs no script but the files
of the book and the inline scripts that were in the page when it was built, listed by their SHA-256.
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

# Inline styles are allowed: the theme and the code highlighting set many in attributes, which have no digests.
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
    """The page with its policy, in a meta element before everything it applies to, and after the character set.

    A page without a head is left as it is: the root page only redirects to the first page of the book.
    """
    soup = BeautifulSoup(text, "html.parser")
    if soup.head is None:
        return text
    scripts = [script.string or "" for script in soup.find_all("script", src=False)]
    handlers = [
        value for tag in soup.find_all(True) for name, value in tag.attrs.items() if re.fullmatch("on[a-z]+", name)
    ]
    allowed = [digest(script) for script in scripts + handlers]
    if handlers:  # such as the theme's onclick
        allowed.append("'unsafe-hashes'")
    policy = POLICY.format(scripts=" ".join(dict.fromkeys(allowed)))
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    text, changes = re.subn(r'(?i)<meta charset="utf-8"\s*/?>', lambda found: f"{found[0]}\n{meta}", text, count=1)
    if not changes:
        raise ValueError(f"a page names no character set, behind which its policy could stand: {text[:200]}")
    return text


def digest(script):
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def setup(app):
    app.connect("build-finished", finish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
