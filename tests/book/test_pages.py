"""The built pages in a real browser: nothing is asked of another host, nothing fails, and everybody can use them."""

import gzip
import re
from pathlib import Path

import pytest

from tests.browser import answer, draw, foreign, serve, watched

BUILT = Path(__file__).parents[2] / "_build/html"
PLACES = BUILT, BUILT / "book", BUILT / "notebooks"
# The first file of all does no more than lead to the first page of the book.
FILES = [path for place in PLACES for path in place.glob("*.html") if path != BUILT / "index.html"]
PAGES = [path.relative_to(BUILT).as_posix() for path in FILES]


@pytest.fixture(scope="module")
def origin():
    if not (BUILT / "index.html").exists():
        pytest.skip("needs the built pages: `make book`")
    with serve(BUILT) as address:
        yield address


@pytest.fixture(scope="module")
def axe(origin):
    return pytest.importorskip("axe_playwright_python.sync_playwright").Axe()


@pytest.mark.parametrize("name", sorted(PAGES) or ["none"])
def test_a_page_is_accessible_fits_asks_nobody_and_logs_no_error(browser, origin, axe, name):
    with watched(browser, color_scheme="light") as page:
        page.goto(f"{origin}/{name}")
        problems = [f"wider than {width} pixels" for width in (320, 1280) if is_wider(page, width)]
        if page.locator(".pad-drawing").count():
            page.locator(".pad-samples button").nth(4).click()
            assert answer(page, "4")[0] == "4"
        problems += page.faults + foreign(page, origin)
        problems += violations(axe, page, {})
        # The themes differ in colours alone.
        page.add_style_tag(content="* { transition: none !important; }")  # or colours would be seen on their way
        page.emulate_media(color_scheme="dark")
        page.locator("html[data-theme=dark]").wait_for(state="attached")
        problems += violations(axe, page, {"runOnly": ["color-contrast"]})
    assert problems == []


def is_wider(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    return page.evaluate("document.documentElement.scrollWidth > innerWidth")


def violations(axe, page, options):
    options = options | {"resultTypes": ["violations"]}  # or axe works out an address for all that is well, too
    return [
        f"{violation['id']}: {node['html'][:150]} {node['target']}"
        for violation in axe.run(page, options=options).response["violations"]
        for node in violation["nodes"]
    ]


def test_every_page_is_looked_at(origin):
    chapters = {f"notebooks/{path.stem}.html" for path in Path(__file__).parents[2].glob("notebooks/[0-9]*.ipynb")}
    assert chapters | {"search.html", "book/index.html"} <= set(PAGES)


def test_the_first_page_is_light_until_its_pad_is_touched(browser, origin):
    with watched(browser) as page:
        sizes = {}  # as servers send them, compressed

        def weigh(response):
            sizes[response.url] = len(gzip.compress(response.body()))

        page.on("response", weigh)
        page.goto(f"{origin}/book/index.html")
        page.wait_for_load_state("networkidle")
        assert not any(url.endswith(("weights.js", "prepare.js")) for url in sizes)
        print(f"\n{sum(sizes.values()) / 1000:.0f} KB before the pad is touched")
        assert sum(sizes.values()) < 500_000
        draw(page, [[(0.5, 0), (0.45, 0.5), (0.4, 1)]])
        assert answer(page, "1")[0] == "1"
        assert any(url.endswith("weights.js") for url in sizes)


def test_a_page_runs_no_script_and_loads_nothing_that_was_not_built_into_it(browser, origin):
    with watched(browser) as page:
        page.goto(f"{origin}/book/index.html")
        elsewhere = origin.replace("127.0.0.1", "localhost")
        page.evaluate(
            """address => {
              const scripts = [{ textContent: "window.changed = true" }, { src: `${address}/_static/doctools.js` }];
              for (const one of scripts) document.head.append(Object.assign(document.createElement("script"), one));
              document.body.append(Object.assign(new Image(), { src: `${address}/_static/logo.svg` }));
              const button = '<button id="b" onclick="window.changed = true">x</button>';
              document.body.insertAdjacentHTML("beforeend", button);
              document.getElementById("b").click();
            }""",
            elsewhere,
        )
        page.wait_for_timeout(300)
        assert page.evaluate("window.changed") is None
        refused = [fault for fault in page.faults if "Content Security Policy" in fault]
        assert len(refused) >= 4, page.faults


def test_a_double_click_on_the_first_file_leads_to_a_pad_that_reads(browser):
    if not (BUILT / "index.html").exists():
        pytest.skip("needs the built pages: `make book`")
    with watched(browser) as page:
        page.goto((BUILT / "index.html").as_uri())
        page.wait_for_url(re.compile("book/index.html"))
        page.locator(".pad-samples button").nth(8).click()
        assert answer(page, "8")[0] == "8"
        assert page.faults == []
