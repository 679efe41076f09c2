// Building the page from values: text is always text, never markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * Makes an element. `props`: `class`, `text`, listeners as `onclick` or in `on` (type to listener), `style`
 * (custom properties and plain ones, set through the object model, which the page's policy allows), `data`
 * (data attributes); some properties by their own name; everything else an attribute (false, null: left out;
 * true: empty).
 */
export function el(tag, props = {}, ...children) {
  return dress(document.createElement(tag), props, children);
}

/** The same for drawings. */
export function svg(tag, props = {}, ...children) {
  return dress(document.createElementNS(SVG, tag), props, children);
}

const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "inert", "tabIndex", "htmlFor"]);

function dress(node, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (name === "class") node.setAttribute("class", value);
    else if (name === "text") node.textContent = value;
    else if (name === "on") for (const [type, fn] of Object.entries(value)) node.addEventListener(type, fn);
    else if (name === "style") for (const [key, part] of Object.entries(value)) node.style.setProperty(key, part);
    else if (name === "data") Object.assign(node.dataset, value);
    else if (typeof value === "function") node.addEventListener(name.replace(/^on/, ""), value);
    else if (PROPERTIES.has(name)) node[name] = value;
    else if (value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  put(node, ...children);
  return node;
}

/** Puts children into an element: nodes, text, lists of them; null and false are left out. */
export function put(node, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
  return node;
}

/** Puts children in place of all that an element holds. */
export function fill(node, ...children) {
  node.replaceChildren();
  return put(node, ...children);
}

/** Sets an element's text, and touches the page only if it is another one. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets or removes an attribute, and touches the page only if it is another one. */
export function mark(node, name, value) {
  const text = value === true ? "" : value;
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(text)) node.setAttribute(name, text);
}

/** A button with a text. `props.on.click` as usual. */
export function button(text, props = {}, ...children) {
  return el("button", { type: "button", ...props, text }, ...children);
}

let labels = 0;

/** A label with its field, tied together; `hint` is read with it. */
export function field(label, input, hint) {
  if (!input.id) input.id = `f${++labels}`;
  const parts = [el("label", { htmlFor: input.id, text: label }), input];
  if (hint) {
    const note = el("small", { id: `${input.id}-hint`, text: hint });
    input.setAttribute("aria-describedby", note.id);
    parts.push(note);
  }
  return el("div", { class: "field" }, parts);
}

const CLICK_WITHIN_MS = 400; // what a browser makes of a press comes within this after it
let isPressed = false;
let releasedAt = -Infinity;

const release = () => {
  isPressed = false;
  releasedAt = performance.now();
};
addEventListener("pointerdown", () => (isPressed = true), true);
addEventListener("pointerup", release, true);
addEventListener("pointercancel", release, true);

/**
 * Whether a click that comes now is the end of a press, however long that was: whoever acts at `pointerdown`
 * has acted. Else it comes of a key, or of assistive technology.
 */
export function isClickOfPress() {
  return isPressed || performance.now() - releasedAt < CLICK_WITHIN_MS;
}
