// SPDX-License-Identifier: Apache-2.0
#include "evaluate/report/style.h"

namespace pajamas::report {
namespace {

// Colours of marks are those of Okabe and Ito, which the colour-blind tell apart; lighter ones on
// dark ground.
constexpr std::string_view kStyle = R"css(
:root {
  color-scheme: light dark;
  --page: #f6f6f4; --card: #ffffff; --ink: #1d2025; --muted: #5c6470; --line: #e2e4e7;
  --strong-line: #9aa1ab; --accent: #0072b2; --second: #d55e00; --third: #00795a;
  --plain: #eceef0; --broken: #cc79a7; --mark: #ffe08a; --mark-ink: #1d2025;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #121417; --card: #1a1d22; --ink: #e8eaed; --muted: #9da5b0; --line: #2c3138;
    --strong-line: #5d6672; --accent: #56b4e9; --second: #f0914a; --third: #3fc79a;
    --plain: #262b31; --broken: #cc79a7; --mark: #6b5310; --mark-ink: #fff3cd;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  -webkit-text-size-adjust: 100%;
}
main { max-width: 1120px; margin: 0 auto; padding: 40px 24px 24px; }
header { margin-bottom: 28px; }
header .kind { margin: 0; color: var(--accent); font-weight: 600; font-size: 13px; }
h1 { margin: 2px 0 6px; font-size: 30px; line-height: 1.2; font-weight: 650; letter-spacing: -0.01em;
  overflow-wrap: anywhere; }
h2 { margin: 0 0 4px; font-size: 18px; line-height: 1.3; font-weight: 650; }
h3, h4 { margin: 0; font-size: 15px; font-weight: 600; }
h4 { color: var(--muted); font-size: 12.5px; font-weight: 500; overflow-wrap: anywhere; }
p { margin: 0; }
header p, .lead, .note, footer { color: var(--muted); }
header p { overflow-wrap: anywhere; }
.lead { max-width: 76ch; margin-bottom: 16px; font-size: 14px; }
.note { font-size: 12.5px; margin-top: 6px; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 22px 24px 24px; margin-bottom: 20px; }
footer { font-size: 12.5px; padding: 4px 2px 24px; overflow-wrap: anywhere; }

.scroll { overflow-x: auto; margin: 0 -24px; padding: 0 24px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { padding: 8px 10px; text-align: left; vertical-align: top; white-space: nowrap;
  border-bottom: 1px solid var(--line); }
tbody tr:last-child > * { border-bottom: 0; }
thead th { padding-top: 4px; color: var(--muted); font-size: 12.5px; font-weight: 500;
  border-bottom-color: var(--strong-line); }
thead th[title] { cursor: help; }
th.number, td.number { text-align: right; }
tbody th { font-weight: 600; background: var(--card); position: sticky; left: 0; padding-left: 0;
  min-width: 200px; max-width: 300px; white-space: normal; overflow-wrap: anywhere; }
thead th:first-child { padding-left: 0; }
.detail { display: block; font-weight: 400; font-size: 12.5px; color: var(--muted); }
.error { color: var(--muted); font-size: 12.5px; }
.summary .error { display: block; }

.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr));
  gap: 20px 28px; }
figure { margin: 0; min-width: 0; }
figcaption { font-size: 14px; font-weight: 600; margin-bottom: 4px; overflow-wrap: anywhere; }
.plot { max-width: 640px; }
.plot svg, .histogram svg { display: block; width: 100%; height: auto; }
.histograms { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 290px), 1fr));
  gap: 22px 28px; }
.histogram { max-width: 400px; }
svg { overflow: visible; }
svg text { font: 12.5px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial,
  sans-serif; fill: var(--ink); font-variant-numeric: tabular-nums; }
svg text.tick, svg text.column, svg text.name { fill: var(--muted); }
svg .grid { stroke: var(--line); fill: none; }
svg .axis { stroke: var(--strong-line); fill: none; }
svg .reference { stroke: var(--muted); stroke-dasharray: 5 4; fill: none; }
svg text.reference-label { fill: var(--muted); }
svg .mark { stroke: var(--card); stroke-width: 1.5; }
svg .gguf { fill: var(--accent); }
svg .mlx { fill: var(--second); }
svg .other { fill: var(--third); }
svg text.label { font-weight: 600; paint-order: stroke; stroke: var(--card); stroke-width: 4px;
  stroke-linejoin: round; }
.histogram text { font-size: 12px; }
svg .bar { fill: var(--accent); }
svg .bar:hover { fill: var(--second); }
svg .quantile { stroke: var(--ink); stroke-dasharray: 3 3; fill: none; }
svg text.quantile-label { font-size: 11.5px; paint-order: stroke; stroke: var(--card);
  stroke-width: 4px; }

.legend { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 10px; font-size: 12.5px;
  color: var(--muted); margin-bottom: 12px; }
.legend svg { flex: none; }
.legend .key { display: inline-flex; align-items: center; gap: 6px; margin-right: 8px; }
.legend .unit { margin-left: 6px; }
.heat { display: block; }
.heat text { font-size: 12px; text-anchor: middle; }
.heat text.row { text-anchor: end; }
.heat text.outside { text-anchor: start; fill: var(--muted); }
.heat text.on-light { fill: #16181b; }
.heat text.on-dark { fill: #ffffff; }
.heat rect.exact { fill: var(--plain); }
.heat rect.broken { fill: var(--broken); }
.heat g:hover rect { stroke: var(--ink); stroke-width: 1.5; }

.worst { width: auto; min-width: min(100%, 620px); }
.worst-heading { margin: 18px 0 6px; }

.tabs { display: flex; flex-wrap: wrap; gap: 6px; }
.tabs > input { position: absolute; opacity: 0; pointer-events: none; }
.tabs > label { padding: 4px 12px; border: 1px solid var(--line); border-radius: 999px;
  font-size: 13px; cursor: pointer; max-width: 100%; overflow-wrap: anywhere; }
.tabs > label:hover { border-color: var(--strong-line); }
.tabs > input:checked + label { background: var(--accent); border-color: var(--accent);
  color: var(--card); font-weight: 600; }
.tabs > input:focus-visible + label { outline: 2px solid var(--accent); outline-offset: 2px; }
.tabs > .panel { order: 1; flex: 0 0 100%; min-width: 0; display: none; margin-top: 12px; }
.tabs > input:checked + label + .panel { display: block; }

.sample + .sample { margin-top: 22px; padding-top: 20px; border-top: 1px solid var(--line); }
.sample h3 { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 2px 16px;
  margin-bottom: 10px; overflow-wrap: anywhere; white-space: pre-wrap; }
.sample .verdict { font-weight: 400; font-size: 12.5px; color: var(--muted); }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr));
  gap: 12px 28px; }
.text { margin-top: 2px; white-space: pre-wrap; overflow-wrap: anywhere; }
.same { color: var(--muted); }
mark { background: var(--mark); color: var(--mark-ink); border-radius: 3px; padding: 0 2px; }
mark.end { font-style: italic; font-size: 12.5px; }

@media (max-width: 640px) {
  main { padding: 24px 12px 12px; }
  h1 { font-size: 24px; }
  section { padding: 18px 16px; border-radius: 8px; }
  .scroll { margin: 0 -16px; padding: 0 16px; }
  tbody th { min-width: 108px; max-width: 132px; }
  tbody th .detail { font-size: 11px; }
  svg text { font-size: 14.5px; }
  .heat text { font-size: 12px; }
  .histogram text { font-size: 12.5px; }
  .legend text { font-size: 12.5px; }
}
@media print {
  body { background: none; }
  section { break-inside: avoid; }
  .tabs > .panel { display: block; order: 0; }
}
)css";

}  // namespace

std::string_view style_sheet() { return kStyle; }

}  // namespace pajamas::report
