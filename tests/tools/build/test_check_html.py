"""The check of the built pages must find each kind of fault; a check that cannot fail is none."""

import pytest

from tools.build import check_html

GOOD = """<html><head><meta http-equiv="Content-Security-Policy" content="default-src 'none'">
<link rel="stylesheet" href="style.css"></head><body><article>
<h2 id="here">A heading</h2><a href="#here">a</a> <a href="other.html#there">b</a> <a href="https://example.org/x">c</a>
<img src="digit.png" alt="A handwritten 5 with a broken top stroke.">
</article></body></html>"""


@pytest.fixture
def site(tmp_path):
    (tmp_path / "index.html").write_text(GOOD)
    (tmp_path / "other.html").write_text('<p id="there">b</p>')
    (tmp_path / "style.css").write_text("body { background: url(digit.png) }")
    (tmp_path / "digit.png").write_bytes(b"")
    check_html.parse.cache_clear()
    check_html.anchors.cache_clear()
    return tmp_path


def test_good_pages_pass(site, capsys):
    assert check_html.main(site) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"other.html#there"', '"missing.html"', "there is no such file"),
        ('"other.html#there"', '"other.html#nowhere"', "there is no such anchor"),
        ('"#here"', '"#nowhere"', "there is no such anchor"),
        ('"digit.png"', '"gone.png"', "there is no such file"),
        ('http-equiv="Content-Security-Policy"', 'name="nothing"', "has no Content-Security-Policy"),
        ('"digit.png"', '"https://example.org/digit.png"', "asks another host"),
        ('"style.css"', '"https://example.org/style.css"', "asks another host"),
        ("<body>", "<body><script src='//example.org/x.js'></script>", "asks another host"),
        ("<body>", "<body><style>@import 'https://example.org/x.css';</style>", "asks another host"),
        (
            "<article>",
            "<article><img srcset='digit.png 1x, gone.png 2x' alt='Another handwritten digit, a seven.'>",
            "no such file",
        ),
        ("<article>", "<article><p style='background: url(https://example.org/x.png)'></p>", "asks another host"),
        ("<article>", "<article><object data='https://example.org/x'></object>", "asks another host"),
        ("<article>", "<article><video poster='HTTPS://example.org/x.png'></video>", "asks another host"),
        ("<article>", "<article><svg><image href='https://example.org/x.png'/></svg>", "asks another host"),
        ("<article>", "<article><script>fetch('https://example.org/x')</script>", "names another host"),
        ("<head>", "<head><meta http-equiv='refresh' content='0; url=gone.html'>", "no such file"),
        ('alt="A handwritten 5 with a broken top stroke."', "", "no alternative text"),
        ("A handwritten 5 with a broken top stroke.", "../_images/0a1b2c.png", "says nothing"),
        ("A handwritten 5 with a broken top stroke.", "a plot", "says nothing"),
        (
            "<article>",
            "<article><div class='cell_output'>Traceback (most recent call last):</div>",
            "shows a traceback",
        ),
        ("<article>", "<article><div class='cell_output'><div class='stderr'>Warning</div></div>", "shows stderr"),
        ("<article>", "<article><p>agreed [&#64;northcutt2021pervasive].</p>", "shows [@northcutt2021pervasive]"),
        ("<article>", "<article><p>in tables [@a; @b, p. 3]</p>", "shows [@a; @b, p. 3] instead of a citation"),
    ],
)
def test_a_planted_fault_is_found_and_its_page_named(site, capsys, old, new, fault):
    assert GOOD.count(old) == 1
    (site / "index.html").write_text(GOOD.replace(old, new))
    assert check_html.main(site) == 1
    message = capsys.readouterr().err
    assert "index.html" in message
    assert fault in message


def test_code_may_hold_what_looks_like_a_citation(site, capsys):
    (site / "index.html").write_text(GOOD.replace("<article>", "<article><pre>x[@y]</pre><p>me [at] example, a@b</p>"))
    assert check_html.main(site) == 0, capsys.readouterr().err


def test_a_style_sheet_that_asks_another_host_is_found(site, capsys):
    (site / "style.css").write_text("@font-face { src: url(https://example.org/font.woff2) }")
    assert check_html.main(site) == 1
    assert "style.css: asks another host" in capsys.readouterr().err


def test_an_empty_folder_is_no_book(tmp_path, capsys):
    assert check_html.main(tmp_path) == 1
    assert "no page was built" in capsys.readouterr().err
