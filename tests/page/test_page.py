"""The page in a real browser, on a phone and on a desk, in both schemes."""

import pytest

from tests.page.conftest import make_page
from tests.page.results import HOSTILE

SHOWN = "[...document.querySelectorAll('.runs tbody tr')].filter(row => !row.hidden)"
FIRST = f"{SHOWN}.map(row => row.dataset.run)"
NOISE = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")
# WCAG's contrast of every visible text with the nearest opaque background behind it; large text may have less.
CONTRASTS = """(() => {
  const parse = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return { rgb: n, alpha: n[3] ?? 1 }; };
  const linear = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const bright = (rgb) => { const [r, g, b] = rgb.map(linear); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c.alpha === 1) return c.rgb; } return [255, 255, 255]; };
  const poor = [];
  for (const e of document.body.querySelectorAll('*')) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !e.checkVisibility() || e.closest('option, script')) continue;
    const style = getComputedStyle(e), [a, b] = [bright(parse(style.color).rgb), bright(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const enough = parseFloat(style.fontSize) >= 24 ? 3 : 4.5;
    if (ratio < enough) poor.push(`${e.className || e.tagName} ${ratio.toFixed(1)}`);
  }
  return poor;
})()"""


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_is_legible_and_quiet(tab, own_page, width, dark):
    tab.open(own_page, width, dark)
    assert tab.value("document.documentElement.scrollWidth") == width
    assert tab.value(CONTRASTS) == []
    assert [event for kind in NOISE for event in tab.told(kind)] == []
    requests = [told["request"]["url"] for told in tab.told("Network.requestWillBeSent")]
    assert [url for url in requests if not url.startswith("data:")] == [own_page.as_uri()]


def test_answer_and_verdicts_are_said(tab, own_page):
    tab.open(own_page, 1280)
    lead = " ".join(tab.value("document.querySelector('.lead').textContent").split())
    assert "stitched megadocs at 8 generations" in lead and "57,000 real tokens" in lead and "1.75×" in lead
    # 0.75 D further real tokens for 2 D generated ones
    assert "about 0.38 [0.35, 0.40]" in " ".join(tab.value("document.querySelector('.more').textContent").split())
    assert "outside the law's range" in tab.value("document.querySelector('.worths').textContent")
    verdicts = tab.value("[...document.querySelectorAll('.claims .verdict')].map(v => v.lastChild.data.trim())")
    assert {"agrees", "disagrees", "not identified", "not measured at this scale"} <= set(verdicts)


def test_runs_are_sorted_and_filtered_by_keyboard(tab, own_page):
    tab.open(own_page, 1280)
    assert tab.value(f"{SHOWN}.length") == 300
    tab.value("[...document.querySelectorAll('.runs th button')].find(b => b.textContent === 'i.i.d. loss').focus()")
    tab.press("Enter")
    assert tab.value(FIRST)[0].startswith("stitched") and tab.value(FIRST)[0].endswith("-s0")
    tab.press("Enter")
    assert tab.value(FIRST)[0].startswith("real") and tab.value(FIRST)[0].endswith("-s59")
    typed = "(name, value) => { const c = document.querySelector(`.controls [name=${name}]`); c.value = value;"
    tab.value(f"window.type = {typed} c.dispatchEvent(new Event('input', {{bubbles: true}})); }}; null")
    tab.value("type('method', 'simple rephrases')")
    tab.value("type('generations', '2')")
    assert tab.value("document.querySelector('output').textContent") == "60 of 300 runs"
    tab.value("type('text', '-s59')")
    assert [name[-3:] for name in tab.value(FIRST)] == ["s59"]


def test_a_figure_opens_and_escape_closes_it(tab, own_page):
    tab.open(own_page, 390)
    tab.value("document.querySelector('.zoom').focus()")
    tab.press("Enter")
    assert tab.value("document.querySelector('dialog').open && !!document.querySelector('dialog img').naturalWidth")
    tab.press("Escape")
    assert not tab.value("document.querySelector('dialog').open")
    table = tab.value("atob(document.querySelector('[download]').href.split(',')[1])")
    assert table.startswith("set,seeds,documents")


def test_text_of_documents_is_only_text(tab, own_page):
    tab.open(own_page, 390)
    assert tab.value("document.querySelector('.original .text').textContent") == HOSTILE
    assert "hacked" not in tab.value("document.title")


def test_planted_says_so_across_the_top_and_what_lacks_is_a_sentence(tab, tmp_path):
    tab.open(make_page(tmp_path, "planted", optional=False), 390)
    assert tab.value("document.querySelector('.planted-banner').getBoundingClientRect().width") == 390
    assert tab.value("document.querySelectorAll('.absent').length") == 4  # claims, figures, examples, generations
    assert tab.value("document.documentElement.scrollWidth") == 390


def test_print_has_all_runs_and_no_controls(tab, own_page):
    tab.open(own_page, 1280, media="print")
    hidden = "['nav', '.controls', 'dialog'].map(part => document.querySelector(part).checkVisibility())"
    assert tab.value(hidden) == [False, False, False]
    whole = "t => t.scrollHeight <= t.clientHeight && t.scrollWidth <= t.clientWidth"
    assert tab.value(f"({whole})(document.querySelector('.tall'))")


ARMS = "[...document.querySelectorAll('.arms tbody tr')].map(row => row.dataset.arm)"


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_all_methods_are_the_first_screen_where_they_were_compared(tab, methods_page, width, dark):
    tab.open(methods_page, width, dark)
    assert tab.value("document.querySelector('main').firstElementChild.id") == "methods"
    assert tab.value("document.documentElement.scrollWidth") == width and tab.value(CONTRASTS) == []
    assert [event for kind in NOISE for event in tab.told(kind)] == []
    assert tab.value("document.querySelector('.arms').getBoundingClientRect().top < 900")


def test_methods_are_said_and_sorted(tab, methods_page, own_page):
    tab.open(methods_page, 1280)
    told = " ".join(tab.value("document.querySelector('#methods').textContent").split())
    assert "synpro did best: as good as 1.70×" in told and "meets that of latent" in told
    assert "Simple rephrases: 1.30×" in told and "outside the law's range" in told
    assert tab.value(ARMS)[:2] == ["mga", "oracle"] and tab.value(ARMS)[-1] == "repetition"
    press = "head => [...document.querySelectorAll('.arms th button')].find(b => b.textContent === head).click()"
    tab.value(f"({press})('efficiency')")
    assert tab.value(ARMS)[0] == "repetition" and tab.value(ARMS)[-1] == "mga"  # without a number: last
    tab.value(f"({press})('FLOPs of writing')")
    assert set(tab.value(ARMS)[:2]) == {"oracle", "repetition"} and tab.value(ARMS)[2] == "toedit"
    tab.open(own_page, 390)
    assert tab.value("document.querySelector('main').firstElementChild.id") == "answer"
