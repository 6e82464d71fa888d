"""Goes through the viewer in a headless Chromium: browser.py URL FOLDER LOOK...

Prints a line for each page that was looked at; fails at the first thing that is not as it should
be. Screenshots go into FOLDER. Ends the browser in any case, and itself after ten minutes.
"""

import base64
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from axe_core_python.base import AXE_FILE_PATH
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

AXE = AXE_FILE_PATH.read_text()
LOOKS = {
    "light": {"scheme": "light", "width": 1100, "mobile": False},
    "dark": {"scheme": "dark", "width": 1100, "mobile": False},
    "phone": {"scheme": "light", "width": 360, "mobile": True},
    "phone-dark": {"scheme": "dark", "width": 360, "mobile": True},
}
HEIGHT_MAX = 2600
START = time.monotonic()


def give_up(*_):
    raise TimeoutError("the browser took ten minutes")


def start(profile):
    options = webdriver.ChromeOptions()
    for flag in [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--disable-dev-shm-usage", "--no-proxy-server", f"--user-data-dir={profile}",
    ]:
        options.add_argument(flag)
    options.binary_location = "/usr/bin/chromium"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService("/usr/bin/chromedriver")
    return webdriver.Chrome(options=options, service=service)


class Walk:
    def __init__(self, driver, url, folder):
        self.driver, self.url, self.folder = driver, url, folder
        driver.set_page_load_timeout(60)
        self.look = None

    def dress(self, look):
        self.look = look
        wanted = LOOKS[look]
        media = [{"name": "prefers-color-scheme", "value": wanted["scheme"]}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": wanted["width"], "height": 800, "deviceScaleFactor": 1,
            "mobile": wanted["mobile"],
        })

    def ask(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def link(self, words):
        return self.driver.find_element(By.LINK_TEXT, words)

    def go(self, path):
        self.driver.get(self.url + path)

    def click(self, element):
        before = self.driver.find_element(By.TAG_NAME, "html")
        element.click()
        for _ in range(600):
            try:
                before.is_enabled()
            except Exception:
                return
        raise AssertionError(f"nothing followed from {self.driver.current_url}")

    def looked_at(self, name):
        """The page as it stands: console, requests, width, accessibility, a picture."""
        where = f"{name} ({self.look}) {self.driver.current_url}"
        for entry in self.driver.get_log("browser"):
            raise AssertionError(f"{where}: the console says {entry['message']}")
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                asked = message["params"]["request"]["url"]
                # The browser has pages and pictures of its own, which it asks nobody for.
                if not asked.startswith(("chrome", "data:")):
                    assert asked.startswith(self.url + "/"), f"{where}: {asked} was asked for"
        width, shown = self.ask("return [document.documentElement.scrollWidth, innerWidth]")
        assert width <= shown, f"{where}: {width} wide, {shown} shown"
        self.picture(name)
        self.ask(AXE)
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run(document).then(r => done(r), e => done({error: String(e)}));")
        assert "error" not in found, f"{where}: {found}"
        told = [
            f"{rule['id']}: {rule['help']}: {node['html'][:200]} {node['failureSummary']}"
            for rule in found["violations"] for node in rule["nodes"][:3]
        ]
        assert not told, f"{where}: " + "\n".join(told)
        assert len(found["passes"]) >= 15, f"{where}: axe looked at {len(found['passes'])} rules"
        print(f"{time.monotonic() - START:5.1f} s {where}", flush=True)

    def picture(self, name, around=None):
        """The page from its top, or what is around an element."""
        width = LOOKS[self.look]["width"]
        height = min(self.ask("return document.documentElement.scrollHeight"), HEIGHT_MAX)
        top = 0
        if around is not None:
            top = max(0, around.rect["y"] - 300)
            height = min(height - top, 800) if height > top else 800
        clip = {"x": 0, "y": top, "width": width, "height": height, "scale": 1}
        taken = self.driver.execute_cdp_cmd(
            "Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
        (self.folder / f"{name}-{self.look}.png").write_bytes(base64.b64decode(taken["data"]))

    def focused(self):
        return self.ask("""
            const e = document.activeElement, s = getComputedStyle(e);
            return [e.tagName + ' ' + (e.getAttribute('href') || e.name || e.id || e.innerText),
                    s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2,
                    Array.from(document.querySelectorAll('*')).indexOf(e)];""")

    def press(self, key):
        webdriver.ActionChains(self.driver).send_keys(key).perform()


def walk_all(walk):
    walk.go("/")
    assert walk.find("svg[role=img] rect.inbound").rect["height"] >= 0
    walk.looked_at("overview")
    walk.click(walk.link("Conversations"))
    walk.looked_at("conversations")
    walk.find("select[name=sort] option[value=longest]").click()
    walk.click(walk.find("main form button"))
    walk.click(walk.find(".conversation h2 a"))
    walk.looked_at("conversation")
    assert len(walk.driver.find_elements(By.CSS_SELECTOR, "article.bubble")) == 100
    newest = walk.find("article.bubble .when").get_attribute("href")
    walk.click(walk.link("Load older"))
    walk.looked_at("older")
    assert walk.find("article.bubble .when").get_attribute("href") != newest
    walk.click(walk.link("Load newer"))
    assert walk.find("article.bubble .when").get_attribute("href") == newest
    walk.go("/")
    walk.find("main input[name=words]").send_keys("退款")
    walk.click(walk.find("main form button"))
    walk.looked_at("search")
    assert walk.find(".hit mark").text == "退款"
    walk.click(walk.find(".hit h2 a"))
    walk.looked_at("found")
    top = walk.ask("return document.getElementById('here').getBoundingClientRect().top")
    assert 0 <= top < 800, f"the message that was found is at {top}"
    walk.click(walk.find("#here .when"))
    walk.find("details summary").click()
    walk.looked_at("message")
    walk.click(walk.link("Runs"))
    walk.looked_at("runs")
    walk.click(walk.link("2"))
    walk.looked_at("run")
    walk.click(walk.link("Failures"))
    walk.looked_at("failures")
    walk.click(walk.find("td a .id"))
    walk.looked_at("empty")
    walk.click(walk.link("Oddities"))
    walk.looked_at("oddities")
    walk.go("/search?words=%22&type=none")
    walk.looked_at("no-words")
    for name, selector in [("edited", ".edit ins"), ("deleted", ".tombstone")]:
        found = find_bubble(walk, selector)
        walk.ask("arguments[0].scrollIntoView({block: 'center'})", found)
        walk.looked_at(name)
        walk.picture(name + "-bubble", found)


def find_bubble(walk, selector):
    """A bubble with this in it: the lists of the second and third run lead there."""
    for run in ["/run?id=2", "/run?id=3"]:
        walk.go(run)
        links = walk.driver.find_elements(By.CSS_SELECTOR, "main th a")
        for path in [link.get_attribute("href") for link in links[:30]]:
            walk.driver.get(path)
            found = walk.driver.find_elements(By.CSS_SELECTOR, selector)
            if found:
                return found[0].find_element(By.XPATH, "ancestor::li")
    raise AssertionError(f"no message of the archive has {selector}")


def refused(walk):
    """Pages that say no: the browser itself notes their status, so its console is not read."""
    for name, path in [("not-found", "/nothing"), ("unknown", "/conversation?id=nobody")]:
        walk.go(path)
        walk.driver.get_log("browser")
        walk.looked_at(name)


def by_keyboard(walk):
    """Everything is reached with the Tab key, in the order of the page, and shows where it is."""
    walk.go("/")
    order, places = [], []
    for _ in range(14):
        walk.press(Keys.TAB)
        name, is_seen, place = walk.focused()
        assert is_seen, f"{name} does not show that it has the focus"
        order.append(name)
        places.append(place)
    assert order[0] == "A #main", order
    wanted = ["A /", "A /", "A /conversations", "A /search", "A /runs", "A /failures",
              "A /anomalies", "INPUT words"]
    assert order[1:9] == wanted, order
    assert "BUTTON Search" in order, order
    assert places == sorted(set(places)), f"the focus goes another way than the page: {order}"
    walk.go("/")
    walk.press(Keys.TAB)
    walk.picture("skip")
    walk.press(Keys.ENTER)
    walk.press(Keys.TAB)
    assert walk.focused()[0] == "INPUT words", "the skip link leads into the content"
    print("by keyboard", flush=True)


def main():
    url, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGALRM, give_up)
    signal.signal(signal.SIGTERM, give_up)
    signal.alarm(600)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        driver = start(profile)
        try:
            walk = Walk(driver, url, folder)
            for look in sys.argv[3:]:
                walk.dress(look)
                walk_all(walk)
                refused(walk)
            walk.dress("light")
            by_keyboard(walk)
        finally:
            driver.quit()


main()
