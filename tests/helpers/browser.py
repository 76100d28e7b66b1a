"""A headless Chromium with a page in it: its errors, its width, its keys."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

NAMES = ("chromium", "chromedriver")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
SYSTEM, DEBIAN = Path("/etc/os-release"), "ID=debian"
BELOW = 900  # pixels of height
PATIENCE = 120  # seconds: under load the driver may return before the page is read to its end
LOADED = "return document.readyState === 'complete' && location.href === arguments[0]"


def excuse(*, there: bool, in_ci: bool, could_install: bool) -> str | None:
    """Why tests that need a browser are skipped, None where they run.

    AssertionError where CI has no excuse: `make test` installs one wherever it may.
    """
    if there:
        return None
    assert not (in_ci and could_install), "no chromium and chromedriver; make browser installs them"
    return "no chromium and chromedriver (on Debian: apt-get install chromium chromium-driver)"


def skip_without_browser() -> None:
    """Skip the test that calls it where there is no browser; fail where CI has no excuse."""
    why = excuse(
        there=all(map(shutil.which, NAMES)),
        in_ci=bool(os.environ.get("CI")),
        could_install=os.geteuid() == 0 and SYSTEM.exists() and DEBIAN in SYSTEM.read_text().split(),
    )
    if why:
        pytest.skip(why)


@dataclass(frozen=True, eq=False)
class Browser:
    """One window. `errors` says what the browser complained of since the last time it was asked."""

    driver: webdriver.Chrome

    def open(self, page: Path, *, width: int, script: bool = True) -> None:
        """The page in a window of so many pixels, its own scripts run or not."""
        self.errors()
        self._set("Emulation.setScriptExecutionDisabled", value=not script)
        self._set(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=BELOW, deviceScaleFactor=1, mobile=width < 500,
        )  # fmt: skip
        self.driver.get("about:blank")
        self.driver.get(page.resolve().as_uri())
        WebDriverWait(self.driver, PATIENCE).until(lambda driver: self.run(LOADED, page.resolve().as_uri()))

    def errors(self) -> list[str]:
        """What the console says: errors, warnings, refusals of the content-security policy."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        return self.run("const page = document.documentElement; return page.scrollWidth - page.clientWidth")

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def all(self, selector: str) -> list[Any]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def values(self, selector: str, attribute: str) -> list[str]:
        """An attribute of all elements that the selector finds."""
        script = (
            "return [...document.querySelectorAll(arguments[0])].map((e) => e.getAttribute(arguments[1]))"
        )
        return self.run(script, selector, attribute)

    def press(self, *keys: str) -> None:
        ActionChains(self.driver).send_keys(*keys).perform()

    def printed(self) -> None:
        """As it is printed, 180 mm wide."""
        self._set("Emulation.setEmulatedMedia", media="print")
        self._set(
            "Emulation.setDeviceMetricsOverride", width=680, height=BELOW, deviceScaleFactor=1, mobile=False
        )

    def on_screen(self) -> None:
        self._set("Emulation.setEmulatedMedia", media="")

    def _set(self, command: str, **settings: object) -> None:
        self.driver.execute_cdp_cmd(command, settings)


@contextmanager
def browser() -> Iterator[Browser]:
    """A new window with a profile of its own."""
    options = webdriver.ChromeOptions()
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        try:
            yield Browser(driver)
        finally:
            driver.quit()
