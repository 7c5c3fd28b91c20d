"""The style and the script of the trace page. The script only shows what stands in the page; it loads and sends nothing."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root{color-scheme:light dark;--old:#b3261e;--new:#146c2e;--line:#8886;--there:#0072b2;--back:#00855f}
@media(prefers-color-scheme:dark){:root{--old:#ff8a80;--new:#7ee2a8;--there:#56a8e0;--back:#2fc79a}}
body{margin:0 auto;padding:1rem 1.5rem;max-width:120rem;font:15px/1.5 system-ui,sans-serif;background:Canvas;color:CanvasText}
h1{font-size:1.25rem;margin:0} h2{font-size:1.1rem;margin:1.5rem 0 .5rem} h3{font-size:1rem;margin:.8rem 0 .2rem}
code,.packet,.ends{font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:.9em}
.verdict{margin:.3rem 0 .8rem} .verdict b{color:var(--old)} .verdict.answered b{color:var(--new)}
#controls{display:flex;gap:.4rem;align-items:center;position:sticky;top:0;background:Canvas;padding:.4rem 0;z-index:1}
#controls[hidden]{display:none} button{font:inherit;padding:.2rem .7rem;min-width:2.6rem} .keys{opacity:.7;font-size:.85rem}
#where{min-width:8rem;text-align:center;font-variant-numeric:tabular-nums}
.stage{display:flex;gap:1.2rem;align-items:flex-start;flex-wrap:wrap} figure{margin:0;flex:3 1 40rem;overflow-x:auto}
figure svg{max-width:100%;height:auto;min-width:38rem} section{flex:1 1 22rem;min-height:12rem}
#packet{fill:var(--there);stroke:Canvas;stroke-width:2} #packet.back{fill:var(--back)} #packet.bad{fill:var(--old)}
#way{stroke:var(--there);stroke-width:3;opacity:.6} #way.back{stroke:var(--back)}
ol{padding-left:2.6rem} li{margin:.35rem 0;padding-left:.3rem;border-left:3px solid transparent} li.heading{list-style:none}
li.current{border-left-color:var(--there);background:#8882} .head time{opacity:.7;margin-left:.6rem}
del{color:var(--old)} ins{color:var(--new);text-decoration:none;font-weight:600}
.note,.why,.place{font-size:.9rem;opacity:.9} .bad{color:var(--old);font-weight:600}
.rule{margin:.2rem 0 .2rem .6rem} .element{margin-left:1.4rem} .place{display:inline-block;margin-left:.8rem;font-style:italic}
.why{display:block;margin-left:1.4rem;opacity:.8}
#now .head{font-size:1.1rem} #now .packet{font-size:1rem;padding:.4rem 0}
""".strip()

SCRIPT: Final = """
'use strict';
const stops = JSON.parse(document.getElementById('stops').textContent);
const get = name => document.getElementById(name);
const calm = matchMedia('(prefers-reduced-motion: reduce)');
let at = 0, timer = 0, frame = 0;
function item(number) { return document.querySelector('li[data-step="' + number + '"]'); }
function length(points) {
  let sum = 0;
  for (let n = 1; n < points.length; n++) sum += Math.hypot(points[n][0] - points[n-1][0], points[n][1] - points[n-1][1]);
  return sum;
}
function along(points, share) {
  let left = length(points) * share;
  for (let n = 1; n < points.length; n++) {
    const [x, y] = points[n-1], [u, v] = points[n], part = Math.hypot(u - x, v - y);
    if (part >= left && part > 0) return [x + (u - x) * left / part, y + (v - y) * left / part];
    left -= part;
  }
  return points[points.length - 1];
}
function put(point) { get('packet').setAttribute('cx', point[0]); get('packet').setAttribute('cy', point[1]); }
function move(points) {
  cancelAnimationFrame(frame);
  const end = points[points.length - 1];
  if (calm.matches || points.length < 2) return put(end);
  const begun = performance.now(), takes = Math.min(900, 250 + length(points));
  (function step(now) {
    const share = Math.min(1, Math.max(0, now - begun) / takes);
    put(along(points, share));
    if (share < 1) frame = requestAnimationFrame(step);
  })(begun);
}
function show(number, moving) {
  at = Math.max(0, Math.min(stops.length - 1, number));
  const stop = stops[at], own = item(stop.number), back = stop.direction !== 'forward';
  for (const one of document.querySelectorAll('li.current')) {
    one.classList.remove('current');
    one.removeAttribute('aria-current');
  }
  own.classList.add('current'); own.setAttribute('aria-current', 'step');
  get('now').replaceChildren(...Array.from(own.childNodes, one => one.cloneNode(true)));
  get('where').textContent = 'step ' + stop.number + ' of ' + stops[stops.length - 1].number;
  const packet = get('packet'), way = get('way');
  packet.removeAttribute('hidden');
  packet.classList.toggle('back', back); way.classList.toggle('back', back);
  packet.classList.toggle('bad', own.querySelector('.bad') !== null);
  const gone = stops.slice(0, at + 1).filter(one => one.direction === stop.direction).flatMap(one => one.way);
  way.setAttribute('points', gone.map(point => point.join(',')).join(' '));
  if (moving) move(stop.way); else { cancelAnimationFrame(frame); put(stop.way[stop.way.length - 1]); }
}
function label(text, pressed) { get('play').textContent = text; get('play').setAttribute('aria-pressed', String(pressed)); }
function stop() { clearInterval(timer); timer = 0; label('Play', false); }
function play() {
  if (timer) return stop();
  if (at === stops.length - 1) show(0, false);
  label('Pause', true);
  timer = setInterval(() => { if (at === stops.length - 1) stop(); else show(at + 1, true); }, 1200);
}
const act = {
  first: () => show(0, false), back: () => show(at - 1, false), on: () => show(at + 1, true),
  last: () => show(stops.length - 1, false),
};
for (const name of Object.keys(act)) get(name).addEventListener('click', () => { stop(); act[name](); });
get('play').addEventListener('click', play);
const keys = {ArrowRight: 'on', ArrowLeft: 'back', Home: 'first', End: 'last'};
document.addEventListener('keydown', event => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if (keys[event.key]) { event.preventDefault(); stop(); act[keys[event.key]](); }
  else if (event.key === ' ' && event.target.tagName !== 'BUTTON') { event.preventDefault(); play(); }
});
stops.forEach((one, number) => item(one.number).addEventListener('click', () => { stop(); show(number, false); }));
const wanted = stops.findIndex(one => location.hash === '#step-' + one.number);
if (stops.length) { get('controls').hidden = false; show(Math.max(0, wanted), false); }
""".strip()
