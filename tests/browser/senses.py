"""What a person can see, hear and feel of a page: contrasts, sideways scrolling, names for screen readers, the focus."""

from tests.browser.drive import Visit

CONTROLS = {"button", "textbox", "link", "combobox", "checkbox", "radio", "searchbox", "listbox"}
# The least contrast of each piece of text with what is behind it (WCAG 2.2, 1.4.3): [ratio, text] below the rule.
CONTRASTS = """() => {
  const channels = text => text.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const color = channels(getComputedStyle(e).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const e of document.querySelectorAll("body *")) {
    const words = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data.trim()).join("");
    if (!(words || e.value) || e.type === "hidden" || e.closest("svg") || !e.getClientRects().length) continue;
    const style = getComputedStyle(e), pair = [light(channels(style.color)), light(behind(e))].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05), size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) found.push([ratio.toFixed(2), words || e.value]);
  }
  return found;
}"""


def hard_to_read(visit: Visit) -> list[object]:
    """Return by how much the page is too wide, and each text that hardly stands out, with its contrast."""
    too_wide = visit.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [*([f"{too_wide} pixels too wide"] if too_wide else []), *visit.page.evaluate(CONTRASTS)]


class Listener:
    """Reads the tree that screen readers get."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._devtools = visit.context.new_cdp_session(visit.page)
        self._devtools.send("Accessibility.enable")

    def misses(self) -> list[str]:
        """Return what the page lacks: one first heading, three landmarks, a name for each control, a title."""
        page = self._visit.page
        page.wait_for_load_state()
        nodes = self._devtools.send("Accessibility.getFullAXTree")["nodes"]
        found = [
            (node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]
        ]
        roles = [role for role, _ in found]
        lacking = [role for role in ("banner", "main", "contentinfo") if roles.count(role) != 1]
        lacking += [f"a name of a {role}" for role, text in found if role in CONTROLS and not text.strip()]
        lacking += [] if page.get_by_role("heading", level=1).count() == 1 else ["one first heading"]
        return lacking + ([] if page.evaluate("document.title").endswith(" · TMS stand-in") else ["a title"])


def focused(visit: Visit) -> str:
    """Return the name of the control that has the focus."""
    return visit.page.evaluate(
        "(document.activeElement.labels || [])[0]?.innerText || document.activeElement.innerText"
    ).strip()
