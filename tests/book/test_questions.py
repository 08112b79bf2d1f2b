"""All questions of readers are answered, and every link of the written pages leads to a section that exists."""

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from packaging.version import Version

from mnist_helpers import build_two_conv_cnn, export_network

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "book").glob("*.md"))
QUESTIONS = (ROOT / "book/questions.md").read_text(encoding="utf-8")
ANSWERS = re.findall(r"(?ms)^\(q(\d+)\)=\n### Q(\d+)\. (.+?)\n\n(.*?)(?=^\(q\d+\)=|^## |\Z)", QUESTIONS)


def slug(heading):
    """The anchor of a heading, as GitHub and MyST make it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(path):
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    else:
        text = path.read_text(encoding="utf-8")
    text = re.sub(r"(?ms)^```.*?^```", "", text)
    return {slug(heading) for heading in re.findall(r"(?m)^#+ (.*)$", text)} | set(re.findall(r"(?m)^\((.+)\)=$", text))


# The marks (name)= of all pages; MyST finds them from everywhere.
TARGETS = {mark for page in PAGES for mark in re.findall(r"(?m)^\((.+)\)=$", page.read_text(encoding="utf-8"))}


def test_all_66_questions_are_answered_in_order():
    assert [(int(target), int(number)) for target, number, *_ in ANSWERS] == [(n, n) for n in range(1, 67)]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: f"Q{answer[1]}")
def test_an_answer_is_short_and_leads_on(answer):
    _, number, question, text = answer
    text = re.sub(r"(?ms)^```.*?^```", "", text)
    sentences = re.findall(r"[.?!:](?=\s|$|\))", re.sub(r"\]\([^)]*\)|`[^`]*`", "", text))
    links = re.findall(r"\]\(|\{cite\}", text)
    assert links, f"Q{number} ({question}) leads nowhere"
    assert 1 <= len(sentences) <= 9, f"Q{number} takes {len(sentences)} sentences"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_to_sections_that_exist(page):
    text = re.sub(r"(?ms)^```(?!\{glossary\}|\{figure\}).*?^```", "", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        if re.match(r"https?:", target):
            continue
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in (anchors(file) if path else TARGETS), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_is_cited_is_in_the_references(page):
    text = page.read_text(encoding="utf-8")
    known = re.findall(r"(?m)^@\w+\{(\w+),", (ROOT / "book/references.bib").read_text(encoding="utf-8"))
    assert set(re.findall(r"\{cite\}`(\w+)`", text)) <= set(known)
    assert "[@" not in text, "Jupyter Book shows [@key] as it is; write {cite}`key`"


def test_the_network_of_the_pad_is_as_small_as_q22_says():
    """Less than a hundredth of what nearest neighbours must keep."""
    text = next(text for _, number, _, text in ANSWERS if number == "22")
    assert "60,000 × 784 pixels" in text
    assert "less than a hundredth" in text
    assert len(json.dumps(export_network())) < 60_000 * 784 / 100


def test_the_pinned_keras_is_newer_than_every_hole_that_the_promises_name():
    page = (ROOT / "book/promises.md").read_text(encoding="utf-8")
    holes = re.findall(r"(?m)^\| \[(CVE-[\d-]+)\]\(\S+/(CVE-[\d-]+)\) \| .+ \| (.+) \|$", page)
    assert len(holes) >= 6
    pinned = re.search(r"(?m)^keras==([\d.]+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"))[1]
    for name, address, versions in holes:
        assert name == address
        last = re.findall(r"[\d.]+", versions)[-1]
        assert Version(last) <= Version(pinned) if versions.startswith("before") else Version(last) < Version(pinned)
    oldest = re.search(r'"keras>=([\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))[1]
    assert f"with Keras {oldest} or newer" in page


def test_the_complete_listing_builds_the_network_of_chapter_4():
    lines = [line.strip() for line in inspect.getsource(build_two_conv_cnn).splitlines()]
    layers = lines[lines.index("keras.Input((28, 28, 1)),") : lines.index("return model")]
    listing = [line.strip() for line in (ROOT / "book/complete.py").read_text(encoding="utf-8").splitlines()]
    start = listing.index(layers[0])
    assert listing[start : start + len(layers)] == layers


def test_the_complete_listing_runs(tmp_path):
    listing = ROOT / "book/complete.py"
    ended = subprocess.run(
        [sys.executable, listing, "mini"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert ended.returncode == 0, ended.stderr
    rate = float(re.search(r"test error: ([\d.]+)%", ended.stdout)[1])
    assert rate < 10
    assert re.search(r"read \d with [\d.]+%, the label is \d", ended.stdout)
    assert (tmp_path / "digits.keras").exists()
