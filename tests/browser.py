"""Headless Chromium for tests of pages."""

import base64
import json
import os
import shutil
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.wait import WebDriverWait

FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run
--disable-background-networking --disable-component-update --disable-sync
--disable-dev-shm-usage --hide-scrollbars --window-size=1280,900"""


def start(folder):
    """A browser with a profile in `folder`. Skips the test where there is none, but
    fails where CI is set."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        words = "needs Debian's chromium and chromium-driver (apt-get install)"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(words)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in [*FLAGS.split(), f"--user-data-dir={folder}"]:
        options.add_argument(flag)
    logs = {"browser": "ALL", "performance": "ALL"}
    options.set_capability("goog:loggingPrefs", logs)
    return webdriver.Chrome(options=options, service=Service(driver))


class Page:
    """A page in a browser, and what it did."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, path, width=1280, dark=False):
        media = {
            "prefers-color-scheme": "dark" if dark else "light",
            "prefers-reduced-motion": "reduce",  # or clicks miss what still scrolls
        }
        features = [{"name": name, "value": value} for name, value in media.items()]
        self.cdp("Emulation.setEmulatedMedia", features=features)
        size = {"width": width, "height": 900, "deviceScaleFactor": 1}
        self.cdp("Emulation.setDeviceMetricsOverride", mobile=width < 500, **size)
        self.driver.get("about:blank")  # an address with another hash alone is no load
        self.driver.get(path if isinstance(path, str) else Path(path).as_uri())
        loaded = "return location.href !== 'about:blank' && document.readyState"
        # Under load the driver may come back from the blank page's own loading.
        WebDriverWait(self.driver, 60).until(lambda _: self.js(loaded) == "complete")
        return self

    def cdp(self, command, **given):
        return self.driver.execute_cdp_cmd(command, given)

    def js(self, script, *given):
        return self.driver.execute_script(script, *given)

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def all(self, selector):
        return self.driver.find_elements("css selector", selector)

    def text(self, selector="body"):
        return self.js(
            "return document.querySelector(arguments[0]).innerText", selector
        )

    def wait(self, milliseconds):
        """Until so much later, and a frame was drawn."""
        script = "setTimeout(() => requestAnimationFrame(arguments[1]), arguments[0])"
        self.driver.execute_async_script(script, milliseconds)

    def errors(self):
        """What the console has to complain of since this was asked last."""
        log = self.driver.get_log("browser")
        return [e["message"] for e in log if e["level"] in ("SEVERE", "WARNING")]

    def requests(self):
        """Addresses that pages asked for since this was asked last."""
        found = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            told = message["params"]
            if message["method"] == "Network.requestWillBeSent":
                # Not those of the browser's own pages.
                own = told["documentURL"].startswith("chrome")
                found += [] if own else [told["request"]["url"]]
        return found

    def screenshot(self, path):
        """The whole page as a PNG file, to be looked at."""
        shot = self.cdp("Page.captureScreenshot", captureBeyondViewport=True)
        Path(path).write_bytes(base64.b64decode(shot["data"]))
