"""What the tests in a browser share: drawing on the pad, and watching what a page does."""

import contextlib
import functools
import http.server
import threading
import time

import numpy as np


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serve(folder):
    """Serve a folder on this machine while it lasts. Gives the address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def watched(browser, **options):
    """A new page, and what it did wrong: errors in the console, and requests to anywhere but where it comes from."""
    context = browser.new_context(**options)
    page = context.new_page()
    page.faults, page.requested = [], []
    page.on("console", lambda message: page.faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("requestfailed", lambda request: page.faults.append(f"{request.url} failed"))
    page.on("request", lambda request: page.requested.append(request.url))
    try:
        yield page
    finally:
        context.close()


def foreign(page, origin):
    """The requests that left the page's own origin."""
    return [url for url in page.requested if not url.startswith((origin, "data:", "blob:"))]


def scaled(strokes, box, share=0.7):
    """Strokes in any unit as points on the screen, in the middle of a box."""
    points = np.concatenate([np.asarray(stroke, float) for stroke in strokes])
    low, high = points.min(axis=0), points.max(axis=0)
    side = share * box["width"]
    corner = np.array([box["x"], box["y"]]) + box["width"] / 2 - (low + high) / 2 * side / (high - low).max()
    return [corner + np.asarray(stroke, float) * side / (high - low).max() for stroke in strokes]


def draw(page, strokes):
    """Draw with the mouse, as a hand does: press, move, lift."""
    canvas = page.locator(".pad-drawing")
    canvas.scroll_into_view_if_needed()
    for stroke in scaled(strokes, canvas.bounding_box()):
        page.mouse.move(*stroke[0])
        page.mouse.down()
        for point in stroke[1:]:
            page.mouse.move(*point, steps=2)
        page.mouse.up()


def answer(page, expected=None, seconds=10):
    """What the pad says: the large sign, and the sentence. Waits for the expected sign, for reading takes a moment."""
    end = time.monotonic() + seconds
    while True:
        said = page.locator(".pad-answer").inner_text(), page.locator(".pad-sentence").inner_text()
        if expected in (None, said[0]) or time.monotonic() > end:
            return said
        page.wait_for_timeout(50)
