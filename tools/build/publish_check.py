"""Verify what would be published, and print what a maintainer wants to know of it.

    python -m tools.build.publish_check _build/runs/mnist

The pages are in _build/html; the folder is that of the notebooks they were made from. Checked are, besides all that
check_html.py looks at: that each chapter is there and ran without an error, that nothing was injected into it,
the files for robots, the descriptions and cards, and the size of each page with what it loads.
"""

import gzip
import sys
from pathlib import Path
from urllib.parse import unquote, urldefrag

import nbformat

from tools.build import check_html
from tools.build.chapters import list_chapters
from tools.build.digest import run_of

BUILT = Path("_build/html")
HEAVIEST = 6_000_000  # bytes of a page with all it loads, compressed; the pictures of a chapter are most of them


def main(runs):
    runs = Path(runs)
    faults = [*check_runs(runs), *check_site()]
    weights = {page: weigh(page) for page in written_pages()}
    for page, (own, all_of_it) in weights.items():
        print(f"{page.relative_to(BUILT)!s:50} {own / 1_000:7,.0f} KB, with all it loads {all_of_it / 1_000:7,.0f} KB")
        if all_of_it > HEAVIEST:
            faults.append(f"{page}: weighs {all_of_it:,} bytes with all it loads; at most {HEAVIEST:,} are allowed")
    times = {chapter.name: run_of(runs / f"{chapter.name}.ipynb")["seconds"] for chapter in list_chapters()}
    slowest = max(times, key=times.get)
    print(
        f"{len(weights)} pages; {len(times)} notebooks in {sum(times.values()):,.0f} s, "
        f"the slowest {slowest}, {times[slowest]:,.0f} s"
    )
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if check_html.main(BUILT) or faults else 0


def written_pages():
    return [path for folder in ("book", "notebooks") for path in sorted(BUILT.glob(f"{folder}/*.html"))]


def check_runs(runs):
    for chapter in list_chapters():
        page, path = BUILT / chapter.path.with_suffix(".html"), runs / f"{chapter.name}.ipynb"
        if not page.exists():
            yield f"{page}: is missing"
            continue
        executed = nbformat.read(path, as_version=4)
        for cell in executed.cells:
            tags = cell.metadata.get("tags", [])
            if "injected-parameters" in tags:
                yield f"{path}: holds a cell that papermill injected"
            if cell.cell_type == "code" and cell.source.strip() and cell.execution_count is None:
                yield f"{path}: a cell has not run: {cell.source[:60]!r}"
            if any(output.output_type == "error" for output in cell.get("outputs", [])):
                yield f"{path}: a cell ended with an error: {cell.source[:60]!r}"
        if check_html.parse(page).select(".tag_injected-parameters"):
            yield f"{page}: shows a cell that papermill injected"


def check_site():
    for name in (".nojekyll", "robots.txt", "sitemap.xml", "index.html", "search.html"):
        if not (BUILT / name).exists():
            yield f"{BUILT / name}: is missing"
    sitemap = (BUILT / "sitemap.xml").read_text(encoding="utf-8") if (BUILT / "sitemap.xml").exists() else ""
    for page in written_pages():
        if f"/{page.relative_to(BUILT)}<" not in sitemap:
            yield f"{page}: is not in the sitemap"
        soup = check_html.parse(page)
        for name, found in {
            "description": soup.find("meta", attrs={"name": "description"}),
            "card": soup.find("meta", property="og:image"),
        }.items():
            if found is None or not found.get("content", "").strip():
                yield f"{page}: has no {name}"


def weigh(page):
    """Bytes of the page itself, and with the files that a browser loads with it, compressed as servers send them."""
    soup = check_html.parse(page)
    addresses = {address for tag in soup.find_all(True) for address in check_html.fetched_by(tag)}
    addresses |= {link["href"] for link in soup.find_all("link", rel=["stylesheet", "preload", "icon"], href=True)}
    files = {(page.parent / unquote(urldefrag(address)[0].partition("?")[0])).resolve() for address in addresses}
    own = len(gzip.compress(page.read_bytes()))
    return own, own + sum(len(gzip.compress(file.read_bytes())) for file in files if file.is_file())


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
