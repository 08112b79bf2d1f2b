"""Check the built pages: links, anchors, citations, alternative texts, no other host asked, no error in an output.

    python -m tools.build.check_html _build/html

prints every fault with its page, and exits with 1 if there is one.
"""

import re
import sys
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

from bs4 import BeautifulSoup

# Attributes whose address a browser fetches by itself; a plain <a href> is fetched on a click.
FETCHED = ("src", "srcset", "poster", "data", "xlink:href")
FETCHED_HREF = ("image", "use")  # inside a drawing, href is fetched
FETCHING_RELATIONS = set("stylesheet icon preload prefetch modulepreload preconnect dns-prefetch manifest".split())
IN_CSS = re.compile(r"""(?:url\(|@import)\s*['"]?((?:https?:)?//[^'")\s]+)""", re.IGNORECASE)
RAW_CITATION = re.compile(r"\[@[\w:-]+[^\]]*\]")  # Pandoc's form, which Jupyter Book does not know
IN_SCRIPT = re.compile(r"""['"`]((?:https?:)?//[\w.-]+\.\w+[^'"`]*)['"`]""", re.IGNORECASE)


def main(folder):
    folder = Path(folder)
    pages = [page for page in sorted(folder.rglob("*.html")) if "_static" not in page.parts]
    faults = [fault for page in pages for fault in check_page(page, folder)]
    faults += [fault for sheet in sorted(folder.rglob("*.css")) for fault in check_sheet(sheet)]
    if not pages:
        faults.append(f"{folder}: no page was built")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def check_page(page, folder):
    """Yield the faults of one page, each as a sentence that begins with the page."""
    soup = parse(page)
    if soup.head and not soup.head.find("meta", attrs={"http-equiv": "Content-Security-Policy"}):
        yield f"{page}: has no Content-Security-Policy"
    for link in soup.find_all(["a", "link"], href=True):
        if problem := broken(link["href"], page, folder):
            yield f"{page}: link {link['href']!r}: {problem}"
    for tag in soup.find_all(True):
        for address in fetched_by(tag):
            if is_external(address):
                yield f"{page}: <{tag.name}> asks another host: {address}"
            elif problem := broken(address, page, folder):
                yield f"{page}: <{tag.name}> {address!r}: {problem}"
    for link in soup.find_all("link", href=True):
        if FETCHING_RELATIONS & set(link.get("rel", [])) and is_external(link["href"]):
            yield f"{page}: <link> asks another host: {link['href']}"
    styles = [style.get_text() for style in soup.find_all("style")] + [
        tag["style"] for tag in soup.find_all(style=True)
    ]
    for address in IN_CSS.findall(" ".join(styles)):
        yield f"{page}: a style asks another host: {address}"
    for script in soup.find_all("script", src=False):
        for address in IN_SCRIPT.findall(script.get_text()):
            yield f"{page}: a script names another host: {address}"
    for text in soup.find_all(string=RAW_CITATION):
        if not text.find_parent(["code", "pre", "script", "style"]):
            keys = " ".join(RAW_CITATION.findall(text))
            yield f"{page}: shows {keys} instead of a citation; write {{cite}}`key`"
    for image in soup.find_all("img"):
        if problem := poor_alternative(image):
            yield f"{page}: picture {image.get('src', '')[:60]}: {problem}"
    for output in soup.select(".cell_output"):
        if "Traceback (most recent call last)" in output.get_text():
            yield f"{page}: an output shows a traceback"
        if output.select(".stderr"):
            yield f"{page}: an output shows stderr: {output.select_one('.stderr').get_text()[:80]!r}"


def fetched_by(tag):
    """The addresses that a browser fetches, or goes to, by itself because of this tag."""
    if tag.name == "meta" and tag.get("http-equiv", "").lower() == "refresh":
        yield tag.get("content", "").partition("url=")[2]
    for attribute in FETCHED:
        value = tag.get(attribute, "")
        addresses = [part.split()[0] for part in value.split(",")] if attribute == "srcset" and value else [value]
        yield from (address for address in addresses if address and not address.startswith("data:"))
    if tag.name in FETCHED_HREF and tag.get("href"):
        yield tag["href"]


def check_sheet(sheet):
    for address in IN_CSS.findall(sheet.read_text(encoding="utf-8", errors="replace")):
        yield f"{sheet}: asks another host: {address}"


def broken(address, page, folder):
    """Say why an internal address is broken, or nothing if it is fine or external."""
    if is_external(address) or urlsplit(address).scheme:
        return None
    path, anchor = urldefrag(address)
    path = unquote(path.partition("?")[0])
    target = page if not path else (folder / path.lstrip("/") if path.startswith("/") else page.parent / path)
    if target.is_dir():
        target /= "index.html"
    if not target.exists():
        return "there is no such file"
    if anchor and target.suffix == ".html" and unquote(anchor) not in anchors(target.resolve()):
        return "there is no such anchor"
    return None


def poor_alternative(image):
    """Say why the alternative text of a picture does not tell what is to be seen, or nothing if it does."""
    if not image.has_attr("alt"):
        return "it has no alternative text"
    text = image["alt"].strip()
    in_article = image.find_parent("article") is not None
    if re.search(r"_images/|\.(png|svg|jpe?g)$", text) or (in_article and len(text) < 20):
        return f"its alternative text says nothing: {text!r}"
    return None


def is_external(address):
    return address.lower().startswith(("http://", "https://", "//"))


@cache
def parse(page):
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


@cache
def anchors(page):
    soup = parse(page)
    return (
        {tag["id"] for tag in soup.find_all(id=True)}
        | {tag["name"] for tag in soup.find_all("a", attrs={"name": True})}
        | {""}
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
