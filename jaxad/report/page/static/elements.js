// Building elements. Words reach the document as text alone, never as markup.

function el(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name === "on") {
      for (const [event, act] of Object.entries(value))
        made.addEventListener(event, act);
    } else if (value === true) {
      made.setAttribute(name, "");
    } else if (value !== false && value !== null && value !== undefined) {
      made.setAttribute(name, value);
    }
  }
  made.append(
    ...children.flat().filter((child) => child !== null && child !== undefined),
  );
  return made;
}

function fill(parent, ...children) {
  parent.replaceChildren(...children.flat().filter((child) => child !== null));
  return parent;
}

function section(id, title, ...children) {
  return el(
    "section",
    { id, "aria-labelledby": `${id}-title` },
    el("h2", { id: `${id}-title` }, title),
    ...children,
  );
}

function badge(status) {
  return el("span", { class: status === "oracle" ? "badge oracle" : "badge" }, status);
}

let lastId = 0;

function fresh(prefix) {
  lastId += 1;
  return `${prefix}-${lastId}`;
}

function chooser(words, options, chosen, change) {
  const id = fresh("choose");
  const select = el(
    "select",
    { id, on: { change: () => change(select.value) } },
    options.map(([value, label]) =>
      el("option", { value, selected: value === chosen }, label),
    ),
  );
  return el("div", {}, el("label", { for: id }, words), select);
}

// Four decimals that never round to a perfect 0 or 1.
function rate(value) {
  const words = value.toFixed(4);
  if (words === "1.0000" && value < 1) return ">0.9999";
  if (words === "0.0000" && value > 0) return "<0.0001";
  return words;
}

function brief(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  const words =
    size >= 1e5 || size < 1e-3 ? value.toExponential(3) : value.toPrecision(4);
  return words.replace(/(\.\d*?)0+(?=e|$)/, "$1").replace(/\.(?=e|$)/, "");
}

// A measure in words: a share, or any number.
function measured(measure, value) {
  return measure.share ? rate(value) : brief(value);
}

function count(value) {
  return value.toLocaleString("en-US");
}

function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed.base64), (sign) => sign.charCodeAt(0));
  if (packed.type === "u1") return bytes;
  const view = new DataView(bytes.buffer);
  const size = packed.type === "f4" ? 4 : 8;
  const found = new Float64Array(bytes.length / size);
  for (let i = 0; i < found.length; i += 1) {
    found[i] = size === 4 ? view.getFloat32(4 * i, true) : view.getFloat64(8 * i, true);
  }
  return found;
}
