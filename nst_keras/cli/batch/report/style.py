"""What every report's page has: its head, its style for light and dark and for any width, and its filter."""

from __future__ import annotations

__all__ = ["CSS", "HEAD", "SCRIPT", "TOP"]

HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; \
style-src 'unsafe-inline'; script-src 'sha256-{digest}'">
<title>Pictures of a batch</title>
<style>
{style}
</style>
</head>
<body>
<main>"""

TOP = """<h1>Pictures of a batch</h1>
<p class="summary">{summary}.</p>
<ul class="counts">{counts}</ul>
<p>Began at {began}, with nst_keras {version}.</p>
{links}
{command}
<form id="filter" hidden>
<label>Text <input name="words" type="search" placeholder="part of a name"></label>
<label>Status <select name="status"><option value="">all</option>{choices}</select></label>
<output name="found"></output>
</form>"""

# The filter is hidden where no script runs: the page is whole without it.
SCRIPT = """
const form = document.getElementById("filter");
const rows = [...document.querySelectorAll("tbody tr")];
form.hidden = false;
form.addEventListener("submit", event => event.preventDefault());
form.addEventListener("input", () => {
  const words = form.words.value.toLowerCase(), status = form.status.value;
  let found = 0;
  for (const row of rows) {
    row.hidden = !((!status || row.className === status) && row.textContent.toLowerCase().includes(words));
    found += !row.hidden;
  }
  for (const section of document.querySelectorAll("section")) {
    section.hidden = !section.querySelector("tbody tr:not([hidden])");
  }
  form.found.value = `${found} of ${rows.length}`;
});
"""

CSS = """
:root {
  --page: #ffffff; --text: #1b1b1b; --soft: #595959; --line: #d4d4d4; --frame: #f1f1f1; --link: #0b57a4;
  --made: #1a6b35; --kept: #35506b; --failed: #a8201a; --stopped: #7a4b00; --waiting: #595959; --alarm: #fdf0ef;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #16181b; --text: #ececec; --soft: #b0b3b8; --line: #3d4148; --frame: #262a30; --link: #8ec1ff;
    --made: #7fd699; --kept: #a9c4e2; --failed: #ff9d94; --stopped: #f2bf6b; --waiting: #b0b3b8; --alarm: #331d1c;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.45 system-ui, sans-serif; }
main { max-width: 1280px; margin: 0 auto; padding: 16px; }
h1 { margin: 0 0 4px; font-size: 1.6rem; }
h2 { margin: 28px 0 8px; font-size: 1.2rem; }
a { color: var(--link); }
.summary { margin: 0 0 8px; font-size: 1.1rem; }
ul { margin: 0; padding: 0; list-style: none; }
.counts { display: flex; flex-wrap: wrap; gap: 8px; }
.counts li { padding: 2px 10px; border: 1px solid currentColor; border-radius: 999px; font-weight: 600; }
li.made, .made .status { color: var(--made); }
li.kept, .kept .status { color: var(--kept); }
li.failed, .failed .status { color: var(--failed); }
li.stopped, .stopped .status { color: var(--stopped); }
li.waiting, .waiting .status { color: var(--waiting); }
pre { margin: 4px 0; padding: 8px; background: var(--frame); white-space: pre-wrap; overflow-wrap: anywhere; }
summary { cursor: pointer; }
form { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; margin-top: 16px; }
input, select { font: inherit; padding: 4px 6px; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 8px; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { color: var(--soft); font-size: 0.85rem; font-weight: 600; }
tr.failed { background: var(--alarm); }
tr.failed th[scope="row"] { box-shadow: inset 4px 0 var(--failed); }
td { overflow-wrap: anywhere; }
td p { margin: 4px 0 0; }
td li { font-size: 0.9rem; }
.of-size, .of-steps, .of-time, .of-losses li { white-space: nowrap; font-variant-numeric: tabular-nums; }
.of-settings { min-width: 160px; }
.of-status { min-width: 130px; }
.status { font-weight: 600; white-space: nowrap; }
figure { margin: 0 0 6px; }
figcaption { color: var(--soft); font-size: 0.85rem; }
.of-content figure, .of-style figure { width: 96px; }
.of-picture figure { width: 160px; }
a figcaption { color: var(--link); }
figure img, figure .picture { display: block; max-width: 100%; }
figure .picture { background-size: cover; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
figure .frame {
  display: grid; place-items: center; width: 96px; height: 72px; border: 1px dashed var(--soft);
  background: var(--frame); color: var(--soft); font-size: 0.85rem;
}
.of-picture .frame { width: 160px; height: 96px; }
@media (max-width: 760px) {
  table, tbody, tr, td, tbody th { display: block; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { margin-bottom: 12px; padding: 8px; border: 1px solid var(--line); border-radius: 6px; }
  th, td { padding: 2px 0; border: 0; }
  tr.failed th[scope="row"] { box-shadow: none; }
  tr.failed { border-left: 4px solid var(--failed); }
  tbody th::before, .of-settings::before, .of-size::before, .of-steps::before, .of-time::before, .of-losses::before {
    content: attr(data-head) " "; color: var(--soft); font-weight: 400; font-size: 0.85rem;
  }
  .of-content, .of-style, .of-style figure, .of-size, .of-steps, .of-time {
    display: inline-block; margin-right: 12px; vertical-align: top;
  }
  .of-settings ul, .of-losses ul { display: inline; }
  .of-settings li, .of-losses li { display: inline-block; margin-right: 8px; }
  .empty { display: none; }
}
"""
