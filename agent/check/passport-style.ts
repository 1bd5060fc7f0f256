/** The passport's look: ink on paper, colour for states alone, hairlines; it prints on A4 and Letter, and folds into blocks on a narrow screen. */
export const passportStyle = `
:root { color-scheme: light; --text: #15181c; --text-2: #4b535c; --line: #d9dde1; --accent: #0b5d66; --live: #17693a; --live-soft: #e8f3ec; --wait: #8a5300; --wait-soft: #fbf1e0; --danger: #a8231d; --danger-soft: #fbe9e7; }
*, *::before, *::after { box-sizing: border-box }
body { margin: 0 auto; padding: 40px 48px; max-width: 1040px; background: #fff; color: var(--text); font: 14px/1.45 Inter, "Segoe UI", system-ui, -apple-system, sans-serif }
h1 { margin: 20px 0 2px; font-size: 28px; line-height: 1.2; font-weight: 620; letter-spacing: -.01em }
h2 { margin: 0 0 4px; font-size: 17px; line-height: 1.3; font-weight: 620 }
p { margin: 0 }
.brand { display: flex; align-items: center; gap: 8px; font-weight: 620; color: var(--text-2) }
.brand svg { width: 24px; fill: none }
.brand .device { stroke: var(--text); stroke-width: 3 } .brand .thread { stroke: var(--accent); stroke-width: 2.5 } .brand .end { fill: var(--accent) }
.subtitle { color: var(--text-2); font-size: 15px }
.facts { display: flex; flex-wrap: wrap; gap: 4px 24px; margin-top: 16px; padding-top: 12px; border-top: 1px solid var(--line); color: var(--text-2) }
.facts b { color: var(--text); font-weight: 550 }
section { margin-top: 28px }
.verdict { display: flex; gap: 16px; align-items: center; margin-top: 24px; padding: 16px 20px; border-radius: 8px; border: 1px solid currentColor }
.verdict h2 { font-size: 19px } .verdict p { color: var(--text) }
.verdict svg { width: 40px; flex: none; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round }
.verdict.open { color: var(--live); background: var(--live-soft) } .verdict.limited { color: var(--wait); background: var(--wait-soft) } .verdict.closed { color: var(--danger); background: var(--danger-soft) } .verdict.running { color: var(--text-2) }
table { width: 100%; margin-top: 12px; border-collapse: collapse }
th { padding: 6px 14px 6px 0; text-align: left; font-size: 12px; font-weight: 550; color: var(--text-2); border-bottom: 1px solid var(--text) }
td { padding: 9px 14px 9px 0; vertical-align: top; border-bottom: 1px solid var(--line) }
th:last-child, td:last-child { padding-right: 0 }
.host { font-weight: 550; overflow-wrap: anywhere } td:nth-child(3) { white-space: nowrap }
.mono, .host { font-family: "JetBrains Mono", ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace; font-size: 12.5px; font-variant-ligatures: none; line-height: 20px; overflow-wrap: anywhere }
.idle td { color: var(--text-2) }
.hops { margin: 0; padding: 0; list-style: none }
.hops li { display: flex; align-items: baseline; gap: 6px; white-space: nowrap }
.hops li::before { content: "✓"; width: 12px; font-weight: 620; color: var(--live) }
.hops em { font-style: normal; color: var(--text-2) }
.hops .fails, .hops .fails em { color: var(--danger); font-weight: 550 } .hops .fails::before { content: "✕"; color: var(--danger) }
.hops .not-tried::before, .hops .waiting::before { content: "–"; color: var(--text-2) } .hops .not-tried span, .hops .waiting span { color: var(--text-2) }
.clock { display: flex; gap: 14px; margin: 14px 0 0 } .clock dt { font-weight: 550 } .clock dd { margin: 0 }
.asks ol { margin: 10px 0 0; padding: 0 0 0 22px }
.asks li { padding: 8px 0 8px 6px; border-top: 1px solid var(--line); break-inside: avoid } .asks li::marker { font-weight: 620; color: var(--accent) }
.ask { font-size: 15px; font-weight: 550 } .what { margin-top: 2px; color: var(--text-2); overflow-wrap: anywhere }
footer { margin-top: 36px; padding-top: 12px; border-top: 1px solid var(--line); font-size: 12px; color: var(--text-2) }
tr { break-inside: avoid }
@media (max-width: 760px) {
  body { padding: 20px 16px }
  h1 { font-size: 24px }
  thead { display: none } table, tbody, tr, td { display: block }
  tr { padding: 10px 0; border-bottom: 1px solid var(--line) }
  td { display: grid; grid-template-columns: 104px minmax(0, 1fr); padding: 2px 0; border: 0 } td::before { content: attr(data-label); color: var(--text-2); font: 12px/20px Inter, system-ui, sans-serif }
}
@media print {
  @page { margin: 14mm }
  body { max-width: none; padding: 0; font-size: 11pt } * { print-color-adjust: exact; -webkit-print-color-adjust: exact }
}
`
