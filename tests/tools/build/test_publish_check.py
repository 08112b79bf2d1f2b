"""What would be published is verified; each fault must be found."""

import nbformat
import pytest

from tools.build import check_html, publish_check

PAGE = """<html><head><meta http-equiv="Content-Security-Policy" content="default-src 'none'">
<meta name="description" content="About digits."><meta property="og:image" content="card.png">
<link rel="stylesheet" href="style.css"></head><body><article><img src="digit.png" alt="A handwritten 5 with a roof.">
<div class="cell">a cell</div></article></body></html>"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    built, runs = tmp_path / "_build/html", tmp_path / "_build/runs/mini"
    for folder in (built / "notebooks", built / "book", runs, tmp_path / "notebooks"):
        folder.mkdir(parents=True)
    for folder in ("notebooks", "book"):
        (built / folder / "style.css").write_text("p {}")
        (built / folder / "digit.png").write_bytes(bytes(100))
    (built / "notebooks/01_chapter.html").write_text(PAGE)
    (built / "book/index.html").write_text(PAGE)
    for name in (".nojekyll", "robots.txt", "index.html", "search.html"):
        (built / name).write_text("")
    addresses = [
        f"<loc>https://a.github.io/b/{name}</loc>" for name in ("notebooks/01_chapter.html", "book/index.html")
    ]
    (built / "sitemap.xml").write_text("".join(addresses))
    (tmp_path / "notebooks/01_chapter.ipynb").write_text("{}")
    write_run(runs)
    check_html.parse.cache_clear()
    check_html.anchors.cache_clear()
    return tmp_path


def write_run(runs, **changes):
    cell = nbformat.v4.new_code_cell("1 + 1", execution_count=1)
    cell.update(changes)
    metadata = {"run": {"seconds": 12.0, "memory_mb": 600}}
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=metadata), runs / "chapter.ipynb")


def test_a_good_build_passes_and_says_what_it_weighs(site, capsys):
    assert publish_check.main("_build/runs/mini") == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "notebooks/01_chapter.html" in printed.out
    assert "2 pages; 1 notebooks in 12 s, the slowest chapter, 12 s" in printed.out


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"execution_count": None}, "a cell has not run"),
        ({"metadata": {"tags": ["injected-parameters"]}}, "papermill injected"),
        ({"outputs": [nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])]}, "ended with an error"),
    ],
)
def test_a_bad_run_is_refused(site, capsys, changes, fault):
    write_run(site / "_build/runs/mini", **changes)
    assert publish_check.main("_build/runs/mini") == 1
    assert fault in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('name="description"', 'name="nothing"', "has no description"),
        ('content="card.png"', 'content=" "', "has no card"),
        ('class="cell"', 'class="cell tag_injected-parameters"', "papermill injected"),
        ("digit.png", "https://example.org/digit.png", "asks another host"),
    ],
)
def test_a_bad_page_is_refused(site, capsys, old, new, fault):
    page = site / "_build/html/notebooks/01_chapter.html"
    page.write_text(page.read_text().replace(old, new))
    assert publish_check.main("_build/runs/mini") == 1
    assert fault in capsys.readouterr().err


@pytest.mark.parametrize("name", [".nojekyll", "robots.txt", "sitemap.xml", "notebooks/01_chapter.html"])
def test_what_is_missing_is_named(site, capsys, name):
    (site / "_build/html" / name).unlink()
    assert publish_check.main("_build/runs/mini") == 1
    assert f"{name}: is missing" in capsys.readouterr().err


def test_a_page_that_is_too_heavy_is_refused(site, capsys, monkeypatch):
    monkeypatch.setattr(publish_check, "HEAVIEST", 100)
    assert publish_check.main("_build/runs/mini") == 1
    assert "at most 100 are allowed" in capsys.readouterr().err
