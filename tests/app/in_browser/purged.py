"""What the set-up left out of the style sheet, and whether a page has a use for it."""

import re
from pathlib import Path

from playwright.async_api import Page

ROOT = Path(__file__).resolve().parents[3]
WHOLE = ROOT / "node_modules" / "@tabler" / "core" / "dist" / "css" / "tabler.min.css"
PURGED = ROOT / "app" / "static" / "vendor" / "tabler.min.css"
# Of rules in @media and the like as well. States (:hover) and parts (::before) are left out of the selectors: an
# element can have them later.
LEFT_OUT = r"""([whole, purged]) => {
  const selectors = (text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    const of = (rules) => [...rules].flatMap(rule =>
      [...(rule.selectorText ?? "").split(/,(?![^(]*\))/), ...of(rule.cssRules ?? [])]);
    return new Set(of(sheet.cssRules).map(each => each.trim()).filter(Boolean));
  };
  const kept = selectors(purged);
  const gone = [...selectors(whole)].filter(each => !kept.has(each));
  const states = /::?(?!not|is|where|has|nth|first-child|last-child|only-child|root)[\w-]+(\([^)]*\))?/g;
  const named = gone.map(each => each.replace(states, "")).filter(each => /[.#\[]/.test(each));
  return named.filter(each => CSS.supports(`selector(${each})`));
}"""
CLASSES = """() => [...new Set([...document.querySelectorAll("[class]")].flatMap(each => [...each.classList]))]"""
USED = "selectors => selectors.filter(each => document.querySelector(each))"


async def left_out(page: Page) -> list[str]:
    """The selectors of rules that are not in the purged file."""
    found: list[str] = await page.evaluate(LEFT_OUT, [WHOLE.read_text(), PURGED.read_text()])
    assert found, f"{PURGED.name} has all rules, used or not: run `make run` or `make test` to set up anew"
    return found


async def missed(page: Page, selectors: list[str]) -> list[str]:
    """Those of `selectors` that something on the page would have a look by."""
    there = set(await page.evaluate(CLASSES))
    # Most name a class that nothing has: the browser need not look for them.
    possible = [each for each in selectors if _classes(each) <= there]
    used: list[str] = await page.evaluate(USED, possible)
    return [f"{page.url} has no rules for {each}" for each in used]


def _classes(selector: str) -> set[str]:
    """That an element of this selector has, or one around it."""
    return set(re.findall(r"\.([\w-]+)", re.sub(r":(not|is|where)\([^)]*\)", "", selector)))
