"""A headless browser, and where its screenshots go."""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path

import pytest

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--force-prefers-reduced-motion",
)  # fmt: skip
WIDTHS = {"wide": (1440, 1000), "narrow": (420, 900)}


@pytest.fixture(scope="session")
def chromium(live_server, tmp_path_factory):
    """A driver of headless chromium; without chromium the test is skipped, in CI it fails.

    It outlives no server: connections kept open would end in a database that is no longer shared.
    """
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not binary or not driver:
        if os.environ.get("CI"):
            pytest.fail("CI needs chromium and chromedriver")
        pytest.skip("needs chromium and chromedriver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    browser.set_page_load_timeout(30)
    yield browser
    browser.quit()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(
        "process_request" in each.name for each in threading.enumerate()
    ):
        time.sleep(0.05)


@pytest.fixture
def page(chromium, live_server, settings):
    """The browser on the live server, with `open`, `shoot` and `sign_in`."""
    settings.ALLOWED_HOSTS = ["*"]
    yield Page(chromium, live_server.url)
    chromium.get("about:blank")  # a page left open would go on asking the server of the next test


class Page:
    """What a test does with the browser."""

    def __init__(self, browser, url):
        self.browser, self.url = browser, url

    def sign_in(self, client):
        """Take over the session of a test client."""
        self.browser.get(f"{self.url}/admin/login/")
        cookie = client.cookies["sessionid"]
        self.browser.add_cookie({"name": "sessionid", "value": cookie.value, "path": "/"})

    def open(self, path):
        self.browser.get(self.url + path)

    def find(self, selector):
        return self.browser.find_element("css selector", selector)

    def fits(self):
        """Whether nothing stands out of the window to the right."""
        return self.browser.execute_script(
            "return document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1"
        )

    def dress(self, theme, width):
        """Light or dark, wide or narrow."""
        self.browser.set_window_size(*WIDTHS[width])
        # Headless windows have a least width; this one has not.
        self.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": WIDTHS[width][0], "height": WIDTHS[width][1], "deviceScaleFactor": 1, "mobile": False},
        )
        self.browser.execute_script("localStorage.setItem('adminTheme', JSON.stringify(arguments[0]))", theme)

    def shoot(self, name):
        """Write a screenshot of the whole page, when somebody wants one."""
        folder = os.environ.get("FOOTNOTE_SCREENSHOTS")
        if not folder:
            return
        Path(folder).mkdir(parents=True, exist_ok=True)
        height = self.browser.execute_script("return document.documentElement.scrollHeight")
        width = self.browser.execute_script("return window.innerWidth")
        self.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": min(height, 4000), "deviceScaleFactor": 1, "mobile": False},
        )
        self.browser.save_screenshot(str(Path(folder) / f"{name}.png"))
