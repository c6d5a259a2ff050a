// Makes the page live: forms without a reload, sections that follow the server, copy buttons. Without it all of them work.
"use strict";

const root = document.body.dataset.root;
const REFRESH_MILLISECONDS = 3000, RECORDS_MILLISECONDS = 10000, TOLD_MILLISECONDS = 6000;
const OWN = ["traffic", "records"]; // sections that are followed in another way
const sections = () => [...document.querySelectorAll("section[id]")];

// Copy buttons
const COPY = "M9 9h11v11H9zM5 15H4V4h11v1", DONE = "M5 12.5l4.5 4.5L19 7.5";
function icon(path) {
  const drawing = document.querySelector("svg.icon").cloneNode(true);
  drawing.querySelector("path").setAttribute("d", path);
  return drawing;
}

async function copy(button, text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // Only pages that came over TLS, or from this machine, may write to the clipboard.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    button.focus();
  }
  button.classList.add("copied");
  button.replaceChildren(icon(DONE));
  tell("Copied.");
  setTimeout(() => { button.replaceChildren(icon(COPY)); button.classList.remove("copied"); }, 1500);
}

function decorate(place) {
  for (const word of place.querySelectorAll("[data-copy]")) {
    const button = document.createElement("button"), text = word.textContent;
    button.type = "button";
    button.className = "copy";
    button.append(icon(COPY));
    button.setAttribute("aria-label", word.matches("pre") ? "Copy all lines" : `Copy ${text}`);
    button.addEventListener("click", () => copy(button, text));
    if (word.matches("pre")) word.previousElementSibling.append(button); else word.after(button);
  }
  for (const time of place.querySelectorAll("time[data-mode]")) time.shown = [Date.parse(time.dateTime), performance.now()];
}

// The clock runs between two answers.
setInterval(() => {
  for (const time of document.querySelectorAll('time[data-mode="real"], time[data-mode="offset"]')) {
    const [at, then] = time.shown;
    time.textContent = new Date(at + performance.now() - then).toISOString().slice(0, 19).replace("T", " ");
  }
}, 1000);

// Sections
const isEdited = field => field.type === "checkbox" ? field.checked !== field.defaultChecked
  : field.matches("select") ? [...field.options].some(option => option.selected !== option.defaultSelected && [...field.options].some(each => each.defaultSelected))
  : field.value !== field.defaultValue;

function isInUse(section) {
  const active = document.activeElement;
  return (section.contains(active) && active.matches("input, select")) || section.querySelector("details[open]") !== null
    || [...section.querySelectorAll("input:not([type=hidden]), select")].some(isEdited);
}

const likeness = element => [element.tagName, element.id, element.name, element.value, element.getAttribute("aria-label"), element.closest("form")?.getAttribute("action")].join("|");

function replace(old, fresh) {
  const active = old.contains(document.activeElement) ? likeness(document.activeElement) : null;
  const imported = document.importNode(fresh, true);
  decorate(imported);
  const scrolled = [...old.querySelectorAll(".scroll")].map(each => [each.scrollLeft, each.scrollTop]);
  old.replaceWith(imported);
  [...imported.querySelectorAll(".scroll")].forEach((each, index) => each.scrollTo(...(scrolled[index] ?? [0, 0])));
  if (active === null) return;
  const same = [...imported.querySelectorAll("a, button, input, select, summary, [tabindex]")].find(each => likeness(each) === active);
  const title = imported.querySelector("h2");
  title.tabIndex = -1;
  (same ?? title).focus({ preventScroll: true });
}

const parsed = text => new DOMParser().parseFromString(text, "text/html");

function swap(page, always = null) {
  for (const old of sections()) {
    const fresh = page.getElementById(old.id);
    if (fresh && !OWN.includes(old.id) && (old.id === always || !isInUse(old))) replace(old, fresh);
  }
}

async function refresh(name, query = "") {
  const answer = await fetch(`${root}/page/sections/${name}${query}`);
  if (answer.ok) return parsed(await answer.text()).querySelector("section");
  if (answer.status === 401) location.reload();
  return null;
}

async function refreshInPlace(section) {
  const fresh = await refresh(section.id).catch(() => null);
  const still = document.getElementById(section.id);
  if (fresh && still && !isInUse(still)) replace(still, fresh);
}

const typedInRecords = () => new URLSearchParams(new FormData(document.querySelector("#records form"))).toString();

async function refreshRecords(isAsked = true) {
  const query = location.search, typed = typedInRecords();
  const fresh = await refresh("records", query).catch(() => null);
  if (!fresh || query !== location.search || typed !== typedInRecords()) return; // Somebody has gone on meanwhile.
  if (isAsked || !isInUse(document.getElementById("records"))) replace(document.getElementById("records"), fresh);
}

async function refreshAll() {
  const answer = await fetch(`${root}/`).catch(() => null);
  if (answer?.ok) swap(parsed(await answer.text()));
}

setInterval(() => {
  if (document.visibilityState !== "visible") return;
  for (const section of sections()) if ("refresh" in section.dataset && !isInUse(section)) refreshInPlace(section);
}, REFRESH_MILLISECONDS);

setInterval(() => {
  if (document.visibilityState === "visible") refreshRecords(false);
}, RECORDS_MILLISECONDS);

// Forms
let toldTimer;
function tell(text) {
  const told = document.getElementById("told");
  told.hidden = false;
  told.querySelector("span").textContent = text;
  clearTimeout(toldTimer);
  toldTimer = setTimeout(() => { told.hidden = true; }, TOLD_MILLISECONDS);
}

async function send(form, submitter) {
  const fields = new URLSearchParams(new FormData(form, submitter));
  const section = form.closest("section")?.id ?? "traffic";
  const answer = await fetch(form.getAttribute("action"), { method: "POST", body: fields });
  if (answer.redirected && answer.url.includes("/page/login")) return location.reload();
  const page = parsed(await answer.text());
  form.closest("details.menu")?.removeAttribute("open");
  const told = page.querySelector("#told span")?.textContent;
  swap(page, section);
  if (answer.ok && told) tell(told);
  await refreshRecords();
}

document.addEventListener("submit", event => {
  const form = event.target;
  if (form.closest("#records")) {
    event.preventDefault();
    show(`?${new URLSearchParams(new FormData(form))}`);
  } else if (form.getAttribute("action").includes("/page/do/")) {
    event.preventDefault();
    const button = event.submitter;
    send(form, button).catch(() => tell("The stand-in does not answer."));
  }
});

function show(query) {
  history.replaceState(null, "", `${root}/${query}#records`);
  refreshRecords();
}

document.addEventListener("click", event => {
  const link = event.target.closest?.("#records .pages a");
  if (link) {
    event.preventDefault();
    show(new URL(link.href).search);
  }
  const menu = document.querySelector("details.menu[open]");
  if (menu && !menu.contains(event.target)) menu.removeAttribute("open");
});

document.addEventListener("change", event => {
  if (event.target.id === "table") event.target.form.requestSubmit();
});

document.addEventListener("keydown", event => {
  const menu = document.querySelector("details.menu[open]");
  if (event.key === "Escape" && menu) {
    menu.removeAttribute("open");
    menu.querySelector("summary").focus();
  }
});

// Samples
function live(text, isOff) {
  const pill = document.getElementById("live");
  pill.hidden = false;
  pill.textContent = text;
  pill.classList.toggle("off", isOff);
}

let state = document.body.dataset.state;
function listen() {
  const events = new EventSource(`${root}/events`);
  events.addEventListener("open", () => live("live", false));
  events.addEventListener("history", event => Plots.load(JSON.parse(event.data)));
  events.addEventListener("sample", event => {
    const sample = JSON.parse(event.data);
    Plots.push(sample);
    if (state !== sample.state) refreshAll();
    state = sample.state;
  });
  events.addEventListener("error", () => {
    live("not connected", true);
    if (events.readyState !== EventSource.CLOSED) return;
    setTimeout(listen, 5000); // A browser gives up by itself where the answer is a refusal.
  });
}

decorate(document);
if (new URLSearchParams(location.search).has("told")) setTimeout(() => { document.getElementById("told").hidden = true; }, TOLD_MILLISECONDS);
listen();
