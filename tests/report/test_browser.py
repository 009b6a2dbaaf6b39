"""The page in a real browser: with the pointer, the keyboard alone, on a phone, in the dark, and printed."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from tests.conftest import BROWSERS

api = pytest.importorskip("playwright.sync_api", reason="the page is looked at in Chromium, by Playwright")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="there is no Chromium")]

# every text that is shown, with the contrast to what is behind it (WCAG 2, relative luminance)
CONTRASTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (c) => {
    const [r, g, b] = c.slice(0, 3).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.getClientRects().length || element.closest("script, .hidden, noscript")) continue;
    const style = getComputedStyle(element);
    const text = luminance(rgba(element instanceof SVGElement ? style.fill : style.color));
    let behind = element;
    while (behind && rgba(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
    const paper = luminance(rgba(behind ? getComputedStyle(behind).backgroundColor : "white"));
    const [low, high] = [Math.min(text, paper), Math.max(text, paper)];
    found.push([element.textContent.slice(0, 40), (high + 0.05) / (low + 0.05)]);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def browser():
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, page):
    """Open the page; at the end, nothing has been complained about or asked for."""
    contexts, complaints, asked = [], [], []

    def open_page(**options):
        contexts.append(browser.new_context(**{"viewport": {"width": 1200, "height": 900}, **options}))
        tab = contexts[-1].new_page()
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(page.as_uri())
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
    assert {url for url in asked if not url.startswith("data:")} == {page.as_uri()}


def data_of(tab):
    return json.loads(tab.locator("#data").text_content())


def focus_by_tab(tab, selector):
    """Press Tab until the focus is on what is sought; returns whether it came there."""
    for _ in range(200):
        tab.keyboard.press("Tab")
        if tab.evaluate("selector => document.activeElement.matches(selector)", selector):
            return True
    return False


def test_pointing_at_a_front_shows_the_architecture(opened):
    tab = opened(permissions=["clipboard-read", "clipboard-write"])
    point = tab.locator("[data-fronts] [data-architecture]").nth(3)
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    detail = tab.locator("[data-fronts] .detail")
    natives = data_of(tab)[0]["architectures"]["native"]
    assert detail.locator("pre").inner_text() in natives
    assert detail.locator("svg rect").count() >= 3
    assert "valid_accuracy" in detail.inner_text()
    tab.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    kept = detail.locator("pre").inner_text()
    detail.get_by_role("button", name="Copy").click()  # the pointer passes over others on its way
    assert detail.locator("pre").inner_text() == kept
    detail.get_by_role("button", name="Copied").wait_for()
    assert tab.evaluate("navigator.clipboard.readText()") == kept


def test_curves_are_read_with_the_pointer(opened):
    tab = opened()
    curves = tab.locator("[data-comparison='1'] [data-curves]")
    chart = curves.locator("svg").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    tab.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 100)
    tip = curves.locator(".tip").first
    assert re.search(r"\d+ evaluations", tip.inner_text())
    assert {"RandomSearch", "LocalSearch"} <= set(tip.inner_text().replace("\t", "\n").splitlines())
    before = chart.inner_html()
    curves.get_by_role("button", name="linear").click()
    assert chart.inner_html() != before
    curves.get_by_role("button", name=re.compile("simulated training time")).click()
    assert "simulated training time" in curves.locator("svg").first.get_attribute("aria-label")


def test_the_keyboard_is_enough(opened):
    tab = opened()
    live = tab.locator("[data-comparison='0'] [aria-live]")
    assert focus_by_tab(tab, "[data-comparison='0'] [data-legend] button")
    lines = tab.locator("[data-comparison='0'] [data-curves] [data-line]")
    assert lines.count() == 3
    tab.keyboard.press("Space")
    assert lines.count() == 2
    assert focus_by_tab(tab, "[data-comparison='0'] [data-curves] svg")
    tab.keyboard.press("ArrowLeft")
    assert "RandomSearch" in live.inner_text()
    assert focus_by_tab(tab, "[data-fronts] svg")
    tab.keyboard.press("ArrowRight")
    first = live.inner_text()
    tab.keyboard.press("ArrowRight")
    assert live.inner_text() != first
    tab.keyboard.press("Enter")
    assert tab.locator("[data-fronts] .detail pre").inner_text() in live.inner_text()
    assert focus_by_tab(tab, "[data-best] button")
    assert tab.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    assert focus_by_tab(tab, "summary")
    tab.keyboard.press("Enter")
    assert tab.locator("details[open]").count() == 1


def test_on_a_phone(opened):
    tab = opened(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    point = tab.locator("[data-fronts] [data-architecture]").nth(2)
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    tab.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert tab.locator("[data-fronts] .detail svg").count() >= 1
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(opened, scheme):
    tab = opened(color_scheme=scheme)
    tab.locator("[data-fronts] svg").first.focus()
    tab.keyboard.press("ArrowRight")
    contrasts = tab.evaluate(CONTRASTS)
    assert len(contrasts) > 200
    assert [text for text, contrast in contrasts if contrast < 4.5] == []
    dark = tab.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")


def test_it_prints(opened):
    tab = opened(color_scheme="dark")
    tab.emulate_media(media="print")
    assert not tab.locator("nav").is_visible()
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert len(tab.pdf()) > 30_000


def test_without_script_the_tables_are_there(browser, page):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(page.as_uri())
    assert tab.get_by_role("region", name="Results").count() == 2
    assert "figures need JavaScript" in tab.locator("noscript").first.inner_text()
    context.close()
