"""The style of the HTML report. Colours are told twice, for light and for dark; nothing depends on colour alone."""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """
:root { color-scheme: light dark; --back: #fbfbfa; --card: #fff; --text: #1c1e21; --dim: #62676f; --line: #dcdfe3;
  --error: #b3261e; --warning: #8a5a00; --info: #1f5fae; --good: #1e7a3c; --mark: #fde3e1; --came: #dff3e4; }
@media (prefers-color-scheme: dark) {
  :root { --back: #15171a; --card: #1d2024; --text: #e4e6e9; --dim: #9aa1ab; --line: #33383f;
    --error: #ff8a80; --warning: #f2b84b; --info: #84b6f4; --good: #7ad39a; --mark: #55201d; --came: #173d24; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
header, main, footer { max-width: 72rem; margin: 0 auto; padding: 1rem 1.5rem; }
header { border-left: .4rem solid var(--error); margin-top: 1.5rem; padding-block: .2rem; }
header.good { border-color: var(--good); }
header p { margin: .1rem 0; color: var(--dim); }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.1rem; margin: 1.6rem 0 .5rem; }
small, .count, .places, .rule, footer, dt { color: var(--dim); font-weight: normal; }
.totals { display: flex; flex-wrap: wrap; gap: .5rem; margin: 0; }
.totals div { background: var(--card); border: 1px solid var(--line); border-radius: .4rem; padding: .3rem .8rem; }
dt { font-size: .8rem; } dd { margin: 0; font-size: 1.15rem; font-variant-numeric: tabular-nums; }
details { background: var(--card); border: 1px solid var(--line); border-radius: .4rem; margin: .4rem 0;
  padding: .5rem .8rem; }
summary { cursor: pointer; } summary code { overflow-wrap: anywhere; }
details p { margin: .3rem 0; overflow-wrap: anywhere; }
code, pre { font: 13px/1.45 ui-monospace, monospace; }
.tag { border: 1px solid currentColor; border-radius: .3rem; padding: 0 .4rem; font-size: .8rem; }
.error, .failed, .unreadable { color: var(--error); } .warning { color: var(--warning); }
.info, .noted, .skipped { color: var(--info); }
pre { margin: .4rem 0 0; border: 1px solid var(--line); border-radius: .3rem; overflow-x: auto; padding: .4rem 0; }
pre span { display: block; padding: 0 .7rem; min-height: 1.45em; white-space: pre; }
pre .mark, pre .gone { background: var(--mark); border-left: 3px solid var(--error); padding-left: calc(.7rem - 3px); }
pre .came { background: var(--came); border-left: 3px solid var(--good); padding-left: calc(.7rem - 3px); }
.sides { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: .8rem; }
figure { margin: .4rem 0 0; min-width: 0; } figcaption { color: var(--dim); font-size: .85rem; }
.strip { width: 100%; height: 40px; } .strip line { stroke: var(--line); }
.strip .client { fill: var(--info); } .strip .server { fill: var(--good); } .strip .error { fill: var(--error); }
.strip .warning { fill: var(--warning); }
.frames { width: 100%; border-collapse: collapse; table-layout: fixed; }
.frames th { text-align: left; color: var(--dim); font-weight: normal; font-size: .85rem; }
.frames th:first-child { width: 6rem; }
.frames td { border-top: 1px solid var(--line); padding: .2rem .4rem; vertical-align: top; }
.frames td:first-child { font-variant-numeric: tabular-nums; color: var(--dim); }
.frames code { overflow-wrap: anywhere; color: var(--text); }
.frames tr.error td { background: var(--mark); } .frames tr.warning td:first-child { color: var(--warning); }
footer { font-size: .85rem; }
@media print { details { break-inside: avoid; } }
"""
