"""The built pages in a real browser: nothing is asked of another host, nothing fails, and everybody can use them."""

import gzip
import re
from pathlib import Path

import pytest
from browser import answer, draw, foreign, serve, watched

BUILT = Path(__file__).parents[1] / "_build/html"
PAGES = [
    path.relative_to(BUILT).as_posix() for folder in ("book", "notebooks") for path in BUILT.glob(f"{folder}/*.html")
]


@pytest.fixture(scope="module")
def origin():
    if not (BUILT / "index.html").exists():
        pytest.skip("needs the built pages: `make book`")
    with serve(BUILT) as address:
        yield address


@pytest.fixture(scope="module")
def axe(origin):
    return pytest.importorskip("axe_playwright_python.sync_playwright").Axe()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_are_accessible_ask_nobody_and_log_no_error(browser, origin, axe, theme):
    problems = []
    # The themes differ in colours alone.
    rules = {} if theme == "light" else {"runOnly": ["color-contrast"]}
    for name in sorted(PAGES):
        with watched(browser, color_scheme=theme, viewport={"width": 1280, "height": 900}) as page:
            page.goto(f"{origin}/{name}")
            if page.locator(".pad-drawing").count():
                page.locator(".pad-samples button").nth(4).click()
                assert answer(page, "4")[0] == "4"
            problems += [f"{name}: {fault}" for fault in page.faults]
            problems += [f"{name}: asks {url}" for url in foreign(page, origin)]
            for violation in axe.run(page, options=rules).response["violations"]:
                for node in violation["nodes"]:
                    problems.append(f"{name}: {violation['id']}: {node['html'][:150]} {node['target']}")
    assert len(PAGES) > 12
    assert problems == []


@pytest.mark.parametrize("width", [320, 1280])
def test_no_page_is_wider_than_the_screen(browser, origin, width):
    wide = []
    with watched(browser, viewport={"width": width, "height": 800}) as page:
        for name in sorted(PAGES):
            page.goto(f"{origin}/{name}")
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wide.append(name)
    assert wide == []


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
