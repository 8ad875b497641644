// What makes the page that it is evaluated in hard to use, a line each: for a screen reader, a
// keyboard, a narrow screen, or eyes that need contrast.
(() => {
  const problems = [];
  const say = (what, e) => problems.push(what + ": " + e.outerHTML.slice(0, 120));
  const only = (selector, n) => {
    const found = document.querySelectorAll(selector).length;
    if (found !== n) problems.push(`${found} of ${selector}, want ${n}`);
  };
  only("main", 1);
  only("h1", 1);
  only("html[lang]", 1);
  only("script", 0);
  if (document.title === "") problems.push("no title");
  const seen = new Set();
  for (const e of document.querySelectorAll("[id]")) {
    if (seen.has(e.id)) say("id twice", e);
    seen.add(e.id);
  }
  for (const e of document.querySelectorAll("[aria-labelledby]")) {
    if (!document.getElementById(e.getAttribute("aria-labelledby"))) say("no such label", e);
  }
  let level = 0;
  for (const e of document.querySelectorAll("h1, h2, h3, h4")) {
    const now = Number(e.tagName[1]);
    if (now > level + 1) say("a level of headings is left out", e);
    level = now;
  }
  for (const e of document.querySelectorAll("th")) if (!e.scope) say("no scope", e);
  for (const e of document.querySelectorAll("table")) if (!e.tHead || e.tHead.rows.length !== 1) say("no head", e);
  for (const e of document.querySelectorAll("input:not([type=hidden])")) if (!e.labels.length) say("no label", e);
  for (const e of document.querySelectorAll("svg")) if (e.getAttribute("role") !== "img" || !e.getAttribute("aria-label")) say("no text", e);
  for (const e of document.querySelectorAll("a, button")) if (e.textContent.trim() === "") say("no text", e);
  if (document.scrollingElement.scrollWidth > window.innerWidth) {
    problems.push(`wider than the screen: ${document.scrollingElement.scrollWidth} of ${window.innerWidth}`);
    for (const e of document.querySelectorAll("main *, header *")) {
      if (!e.closest(".table") && e.getBoundingClientRect().right > window.innerWidth + 1) say("too wide", e);
    }
  }

  // Contrast by WCAG 2.2, 1.4.3.
  const rgb = (text) => text.match(/[\d.]+/g).map(Number);
  const channel = (v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const low = new Set();
  for (let n = walker.nextNode(); n; n = walker.nextNode()) {
    const e = n.parentElement;
    if (n.textContent.trim() === "" || !e.checkVisibility()) continue;
    const [a, b] = [luminance(rgb(getComputedStyle(e).color)), luminance(ground(e))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5 && !low.has(e.tagName)) say(`contrast ${contrast.toFixed(1)}`, low.add(e.tagName) && e);
  }
  return problems;
})()
