"""The page of a trace in a real browser: it plays the steps that the JSON has, by keys and buttons, and loads nothing."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

POD = """
apiVersion: v1
kind: Pod
metadata: {name: %s, labels: {app: %s}}
spec:
  nodeName: %s
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: host
    command: [python3, -m, http.server, "8080"]
    readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
---
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web, annotations: {note: "</script><b>"}}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
"""


@pytest.fixture(scope="module")
def page(module_program, tmp_path_factory):
    """The page, and the picture, of a request from one Node to another, and its JSON."""
    lab, folder = module_program, tmp_path_factory.mktemp("page")
    lab("up", "--nodes", "2")
    lab.apply(POD % ("client", "client", "node-1") + POD % ("server", "web", "node-2") + SERVICE)
    lab("wait", "--for=condition=Ready", "pod", "--all", "--timeout=60s")
    file = folder / "trace.html"
    done = lab.run("trace", "client", "svc/web", "--html", str(file), "--svg", str(folder / "trace.svg"), "-o", "json")
    assert done.code == 0, done.err
    return file, json.loads(done.out)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("chromium-browser")
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1400,1000"):
        options.add_argument(word)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture
def opened(page, browser):
    file, data = page
    browser.get(f"{file.as_uri()}?fresh")
    return browser, data


def number(browser) -> int:
    """The step that is shown now: it is marked in the list, said above, and read aloud."""
    (current,) = browser.find_elements(By.CSS_SELECTOR, 'li[aria-current="step"]')
    shown = int(current.get_attribute("data-step"))
    assert browser.find_element(By.ID, "where").text.startswith(f"step {shown} of ")
    assert browser.find_element(By.ID, "now").text.split() == current.text.split()
    return shown


def press(browser, key) -> None:
    browser.find_element(By.TAG_NAME, "body").send_keys(key)


def expected(data) -> list[int]:
    """The steps that tell the story: of the first packet there and the first back, what something happened at."""
    first = [next(one for one in data["packets"] if one["direction"] == side) for side in ("forward", "reply")]
    steps = [step for packet in first for step in packet["steps"]]
    tells = [
        step["interface"] or step["translated"] or (step["route"] and not step["route"].startswith("local ")) for step in steps
    ]
    return [step["number"] for step, wanted in zip(steps, tells, strict=True) if wanted]


def test_the_arrow_keys_go_through_the_steps_of_the_json(opened):
    browser, data = opened
    seen = [number(browser)]
    wanted = expected(data)
    for _ in wanted[1:]:
        press(browser, Keys.ARROW_RIGHT)
        seen.append(number(browser))
    assert seen == wanted
    press(browser, Keys.HOME)
    assert number(browser) == wanted[0]
    press(browser, Keys.END)
    press(browser, Keys.ARROW_LEFT)
    assert number(browser) == wanted[-2]


def test_what_is_rewritten_is_marked_with_the_rule_and_its_line(opened):
    browser, data = opened
    step = next(step for one in data["packets"] for step in one["steps"] if step["translated"])
    item = browser.find_element(By.CSS_SELECTOR, f'li[data-step="{step["number"]}"]')
    item.click()
    assert number(browser) == step["number"]
    now = browser.find_element(By.ID, "now")
    before, after = (now.find_element(By.TAG_NAME, tag).text for tag in ("del", "ins"))
    assert before.startswith(f"{step['before']['destination']['address']}:80")
    assert after.startswith(f"{step['after']['destination']['address']}:8080")
    assert step["rules"][-1]["rule"] in now.text
    assert "svc/web" in now.text


def test_the_packet_moves_in_the_picture(opened):
    browser, data = opened
    places = []
    for _ in expected(data):
        packet = browser.find_element(By.ID, "packet")
        assert packet.is_displayed()
        places.append((packet.get_attribute("cx"), packet.get_attribute("cy")))
        browser.find_element(By.ID, "last").click()
        browser.find_element(By.ID, "back").click()
        press(browser, Keys.HOME)
        for _ in range(len(places)):
            press(browser, Keys.ARROW_RIGHT)
    assert len(set(places)) > len(places) // 2


def test_a_link_may_lead_to_a_step(page, browser):
    file, data = page
    wanted = expected(data)[3]
    browser.get(f"{file.as_uri()}?link#step-{wanted}")
    assert number(browser) == wanted


def test_the_page_needs_nothing_and_complains_of_nothing(opened):
    browser, _ = opened
    assert [one["message"] for one in browser.get_log("browser") if "file:" in one["message"]] == []
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0


def test_without_a_script_all_steps_can_be_read(page):
    file, data = page
    text = file.read_text()
    assert all(f'data-step="{one}"' in text for one in expected(data))
    assert '<div id="controls" hidden>' in text


def test_the_picture_is_well_formed_and_has_every_step(page):
    file, data = page
    picture = file.with_name("trace.svg")
    done = subprocess.run(
        ["python3", "-c", "import sys, xml.dom.minidom as m; m.parse(sys.argv[1])", str(picture)], check=False
    )
    assert done.returncode == 0
    text = picture.read_text()
    assert all(f'aria-label="step {one}:' in text for one in expected(data))
