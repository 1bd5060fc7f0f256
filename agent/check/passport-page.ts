import { addressText } from '@gantry/shared/allow-list.ts'
import { type CheckedHost, hostPasses, type Passport } from '@gantry/shared/passport.ts'
import type { PassportWords } from '@gantry/shared/words/passport.en.ts'
import { html, Raw } from '../html.ts'
import { passportStyle } from './passport-style.ts'
import { asksOf, clockText, whenText } from './passport-text.ts'

/** The passport as one HTML page, for the screen and for paper: no script, nothing loaded from anywhere, and every text of the outside as text. */
export function passportPage(passport: Passport, words: PassportWords): string {
  const { device, verdict, hosts, proxy } = passport
  const said = words.verdict[verdict]
  const asks = asksOf(passport, words)
  const columns = Object.values(words.columns).map((column) => html`<th scope="col">${column}</th>`)
  return String(html`<!doctype html>
<html lang="${words.locale}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${words.title}, ${device}</title>
<style>${new Raw(passportStyle)}</style>
</head>
<body>
<header>
<div class="brand">${new Raw(mark)}<span>Gantry</span></div>
<h1>${words.title}</h1>
<p class="subtitle">${words.subtitle}</p>
<p class="facts"><b>${words.ofDevice(device)}</b><span>${words.madeAt(whenText(passport, words))}</span></p>
</header>
<main>
<section class="verdict ${verdict}">${new Raw(sign(verdict))}<div><h2>${said.short}</h2><p>${said.text}</p></div></section>
<section>
<h2>${words.needs}</h2>
<p>${proxy ? words.proxyText(addressText(proxy)) : words.needsText}</p>
<table>
<thead><tr>${columns}</tr></thead>
<tbody>${hosts.map((host) => hostRow(host, words))}</tbody>
</table>
<dl class="clock"><dt>${words.clock.title}</dt><dd>${clockText(passport, words)}</dd></dl>
</section>
<section class="asks">
<h2>${words.asks}</h2>
${asks.length === 0 ? html`<p>${words.nothingToAsk}</p>` : html`<p>${words.asksText}</p><ol>${asks.map(({ ask, what }) => html`<li><p class="ask">${ask}</p><p class="what">${words.seen(what)}</p></li>`)}</ol>`}
</section>
</main>
<footer>${words.page}</footer>
</body>
</html>
`)
}

function hostRow(host: CheckedHost, words: PassportWords): Raw {
  const { columns } = words
  const addresses = [...host.addresses, ...host.found]
  const hops = host.hops.map(({ hop, verdict }) => html`<li class="${verdict}"><span>${words.hops[hop]}</span> <em>${words.results[verdict]}</em></li>`)
  const state = host.needed ? (hostPasses(host) ? 'good' : 'bad') : 'idle'
  return html`<tr class="${state}">
<td data-label="${columns.purpose}">${words.purpose[host.purpose]}</td>
<td data-label="${columns.host}" class="host">${host.host}</td>
<td data-label="${columns.port}">TCP&nbsp;${host.port}</td>
<td data-label="${columns.addresses}" class="mono">${addresses.length > 0 ? addresses.join(' ') : words.byName}</td>
<td data-label="${columns.site}">${host.site || '–'}</td>
<td data-label="${columns.result}">${host.needed ? html`<ul class="hops">${hops}</ul>` : words.notNeeded}</td>
</tr>
`
}

const mark =
  '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M7.2 6.7A8 8 0 1 1 7.2 17.3" class="device"/><path d="M1 12h11" class="thread"/><circle cx="13" cy="12" r="3" class="end"/></svg>'

/** A state has a shape as well as a colour: a page may be printed in black. */
function sign(verdict: Passport['verdict']): string {
  const shapes = {
    running: 'M12 7v5l3 2',
    open: 'm7.5 12.5 3 3 6-6.5',
    limited: 'M12 7v6M12 16.5v.1',
    closed: 'm8.5 8.5 7 7M15.5 8.5l-7 7',
  }
  return `<svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="10"/><path d="${shapes[verdict]}"/></svg>`
}
