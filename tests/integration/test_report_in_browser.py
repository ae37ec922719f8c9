"""The report in a real browser: opened from its file, clicked, dragged and looked at."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image

from cmrtf.core.labels import LABEL_COLOURS, SCHEMA
from cmrtf.report.html import write_report
from cmrtf.report.sequence import in_order
from interpolated import beating, interpolated, remodelled

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
waiting = pytest.importorskip("selenium.webdriver.support.wait")

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium or chromedriver is not installed")

PATIENCE_S = 60
BEATING = "inter_02"
BACKGROUND = 30
"""Brightest channel of the 3D view's background, about."""


def start(*flags):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in ("--headless=new", "--no-sandbox", "--window-size=1280,1000", *flags):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))


@pytest.fixture(scope="module")
def subjects():
    """Of which one beats."""
    return in_order([beating(one) if one.name == BEATING else one for one in interpolated()])


@pytest.fixture(scope="module")
def address(subjects, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(path, subjects, {"seed": 0})
    return path.as_uri()


@pytest.fixture(scope="module")
def browser():
    # SwiftShader is WebGL on a processor.
    driver = start("--use-angle=swiftshader", "--enable-unsafe-swiftshader")
    yield driver
    driver.quit()


@pytest.fixture
def page(browser, address):
    """The report, freshly opened; in the end the console must be silent."""
    browser.get("about:blank")
    browser.get(address)
    wait(browser, lambda: colours(browser, "sax").max() > BACKGROUND)
    yield browser
    assert browser.get_log("browser") == []


def wait(browser, condition):
    waiting.WebDriverWait(browser, PATIENCE_S, 0.1).until(lambda _: condition())


def colours(browser, part):
    """What is seen of one part of the page, `(height, width, 3)`."""
    png = browser.find_element("id", part).screenshot_as_png
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def click(browser, text):
    browser.find_element("xpath", f"//button[normalize-space()='{text}']").click()


def changes(browser, part, action):
    before = colours(browser, part)
    action()
    wait(browser, lambda: not np.array_equal(colours(browser, part), before))


@pytest.mark.parametrize("text", ["ES", "Off", "Fill"])
def test_phases_and_overlays_change_the_picture(page, text):
    changes(page, "sax", lambda: click(page, text))


@pytest.mark.parametrize("slider", ["subject", "slice"])
def test_sliders_are_dragged(page, slider):
    handle = page.find_element("id", slider)
    before = page.find_element("id", f"{slider}-value").text
    # From the middle, which pointing at it already selects, to near the right end.
    drag = webdriver.ActionChains(page).move_to_element(handle).click_and_hold()
    drag = drag.move_by_offset(handle.size["width"] // 2 - 10, 0).release()
    changes(page, "sax", drag.perform)
    assert page.find_element("id", f"{slider}-value").text != before


@pytest.mark.parametrize("view", ["sax", "lax"])
def test_a_notch_of_the_wheel_is_a_slice(page, view):
    slider = page.find_element("id", "slice")
    before = int(slider.get_property("value"))
    origin = webdriver.common.actions.wheel_input.ScrollOrigin.from_element(page.find_element("id", view))
    webdriver.ActionChains(page).scroll_from_origin(origin, 0, 100).perform()
    wait(page, lambda: int(slider.get_property("value")) == before - 1)
    assert page.execute_script("return scrollY") == 0


def test_window_and_level_change_the_picture_and_a_double_click_resets_them(page):
    whole = colours(page, "sax")
    for slider in ("window", "level"):
        handle = page.find_element("id", slider)
        drag = webdriver.ActionChains(page).move_to_element(handle).click_and_hold()
        changes(page, "sax", drag.move_by_offset(-handle.size["width"] // 4, 0).release().perform)
    # A narrow window about a low level: more is white.
    assert (colours(page, "sax").min(axis=2) > 250).mean() > (whole.min(axis=2) > 250).mean()
    webdriver.ActionChains(page).double_click(page.find_element("id", "lax")).perform()
    wait(page, lambda: np.array_equal(colours(page, "sax"), whole))


def test_the_sliders_lie_above_the_fold_of_a_laptop(page):
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 1366, "height": 768, "deviceScaleFactor": 1, "mobile": False},
    )
    try:
        for slider in ("subject", "slice", "window", "level", "opacity"):
            box = page.find_element("id", slider).rect
            assert box["y"] + box["height"] < 768, slider
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_line_of_the_table_shows_its_subject(page):
    page.find_element("xpath", "//table//button[text()='inter_01']").click()
    assert page.find_element("id", "current").text == "inter_01"


def test_the_heart_stands_in_space(page, subjects):
    click(page, "3D")
    # Light and shade scale a colour; its hue stays.
    wait(page, lambda: (colours(page, "solid")[60:].max(axis=2) > 2 * BACKGROUND).mean() > 0.05)
    seen = colours(page, "solid")[60:].reshape(-1, 3).astype(float)
    rv = np.array(LABEL_COLOURS[SCHEMA.id_of("RV")], float)
    bright = seen[seen.max(axis=1) > 2 * BACKGROUND]
    cosine = bright @ rv / np.linalg.norm(bright, axis=1) / np.linalg.norm(rv)
    assert (cosine > 0.99).any()
    assert (cosine < 0.8).any()
    # The slice is a translucent white plane: grey on black, and lighter than the background.
    grey = np.ptp(seen, axis=1) < 0.1 * seen.max(axis=1)
    assert (grey & (seen.max(axis=1) > 2 * BACKGROUND)).sum() > 50

    canvas = page.find_element("css selector", "#solid canvas")
    turn = (
        webdriver.ActionChains(page).move_to_element(canvas).click_and_hold().move_by_offset(80, 20).release()
    )
    changes(page, "solid", turn.perform)

    page.execute_script(
        "window.meshes = {}; const add = niivue.Niivue.prototype.addMesh;"
        "niivue.Niivue.prototype.addMesh = function (mesh) {"
        "meshes[mesh.name] = mesh; add.call(this, mesh); };"
    )
    changes(page, "solid", lambda: click(page, "ES"))
    wait(page, lambda: page.execute_script("return 'LV' in meshes"))
    name = page.find_element("id", "current").text
    (subject,) = (subject for subject in subjects if subject.name == name)
    measured_ml = subject.measures()
    for structure, measured in (("LV", "LV_ESV_ml"), ("RV", "RV_ESV_ml")):
        points, triangles = page.execute_script(
            f"const {{pts, tris}} = meshes.{structure}; return [[...pts], [...tris]]"
        )
        corners = np.array(points).reshape(-1, 3)[np.array(triangles).reshape(-1, 3)]
        # Positive only if all triangles look outwards.
        enclosed_ml = np.linalg.det(corners).sum() / 6.0 / 1000.0
        assert enclosed_ml == pytest.approx(measured_ml[measured], rel=0.12), structure


def test_steps_of_a_remodelled_subject_are_described_as_such(browser, tmp_path):
    path = tmp_path / "report.html"
    write_report(path, in_order(remodelled()), {"seed": 0})
    browser.get(path.as_uri())
    wait(browser, lambda: colours(browser, "sax").max() > BACKGROUND)
    assert (
        "remodelled, in 2 steps from no change to the whole of it" in browser.find_element("id", "lede").text
    )
    browser.find_element("xpath", "//table//button[text()='step_01']").click()
    assert browser.find_element("id", "current-note").text == "50 % of the change"
    assert browser.find_element("id", "play").text == "Play all steps"
    assert "half a slice" not in browser.find_element("id", "method-note").text


def test_without_webgl_slices_stay_and_the_reason_is_given(address):
    browser = start("--disable-gpu", "--disable-3d-apis")
    try:
        browser.get(address)
        click(browser, "3D")
        caption = browser.find_element("id", "sax-caption")
        wait(browser, lambda: "WebGL 2" in caption.text)
        wait(browser, lambda: colours(browser, "sax").max() > BACKGROUND)
    finally:
        browser.quit()


def test_a_beating_heart_moves_and_others_have_no_beat(page):
    beat = page.find_element("id", "beat")
    shown = {}
    for row in page.find_elements("css selector", "#table tbody tr"):
        row.find_element("tag name", "button").click()
        shown[row.find_element("tag name", "th").text] = beat.is_displayed()
        if beat.is_displayed():
            wait(page, lambda: page.execute_script("return document.querySelector('#beat img').naturalWidth"))
            changes(page, "beat-picture", lambda: None)
            assert "End systole is frame 1" in page.find_element("id", "beat-note").text
    assert [name for name, is_shown in shown.items() if is_shown] == [BEATING]
