"""Take the two pictures of the README from the built book: a page, and the drawing pad with a digit on it.

    python -m tools.measure.screenshots

needs the built pages and Chromium, and writes book/assets/readme_*.png.
"""

import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

BUILT, ASSETS = Path("_build/html").absolute(), Path("book/assets")
COLOURS = 200  # of a screenshot, which has few; half the bytes


def main():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None or not (BUILT / "index.html").exists():
        sys.exit("screenshots: needs Chromium, and the built pages: `make book`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        page.goto((BUILT / "notebooks/04_simple_cnn.html").as_uri())
        page.locator("text=Here are four moments").first.scroll_into_view_if_needed()
        page.mouse.wheel(0, 500)
        page.wait_for_timeout(500)
        page.screenshot(path=ASSETS / "readme_book.png")
        page.set_viewport_size({"width": 1280, "height": 1300})
        page.goto((BUILT / "book/draw.html").as_uri())
        page.locator(".pad-samples button").nth(4).click()
        page.wait_for_function("document.querySelector('.pad-answer').innerText === '4'")
        page.wait_for_timeout(500)
        page.locator(".digit-pad").screenshot(path=ASSETS / "readme_pad.png")
        browser.close()
    for path in ASSETS.glob("readme_*.png"):
        with Image.open(path) as picture:
            small = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        small.save(path, optimize=True)


if __name__ == "__main__":
    main()
