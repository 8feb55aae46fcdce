// Renders /openapi.json. It fetches that one document from its own host and builds every node with
// textContent, so nothing in the document can become markup.
"use strict";

let api = {};

function node(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// A paragraph in which `words` between backquotes are code.
function prose(text, attributes = {}) {
  return node("p", attributes, ...text.split("`").map((part, index) => (index % 2 ? node("code", {}, part) : part)));
}

function resolve(thing) {
  if (!thing || !thing.$ref) return thing;
  return thing.$ref.slice(2).split("/").reduce((at, step) => at[step.replaceAll("~1", "/")], api);
}

function nameOf(schema) {
  return schema && schema.$ref ? resolve(schema).title || schema.$ref.split("/").pop() : null;
}

// One line that says what values a schema takes.
function kindOf(schema) {
  if (!schema || Object.keys(schema).length === 0) return "anything";
  if (schema.$ref) return nameOf(schema);
  const options = schema.anyOf || schema.oneOf;
  if (options) return options.map(kindOf).join(" | ");
  if (schema.allOf) return kindOf(schema.allOf[0]);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.type === "array") return `list of ${kindOf(schema.items)}`;
  if (schema.type === "object" && schema.additionalProperties && !schema.properties) {
    return `mapping to ${kindOf(schema.additionalProperties)}`;
  }
  return schema.format ? `${schema.type} (${schema.format})` : String(schema.type || "anything");
}

function limitsOf(schema) {
  const said = [];
  const unit = schema.type === "array" ? "items" : "characters";
  const least = schema.minLength ?? schema.minItems;
  const most = schema.maxLength ?? schema.maxItems;
  if (least !== undefined && most !== undefined) said.push(`${least} to ${most} ${unit}`);
  else if (most !== undefined) said.push(`at most ${most} ${unit}`);
  else if (least !== undefined) said.push(`at least ${least} ${unit}`);
  if (schema.minimum !== undefined) said.push(`≥ ${schema.minimum}`);
  if (schema.maximum !== undefined) said.push(`≤ ${schema.maximum}`);
  if (schema.default !== undefined && schema.default !== null) {
    said.push(`default ${JSON.stringify(schema.default)}`);
  }
  if (schema.examples) said.push(`e.g. ${schema.examples.join(", ")}`);
  return said.length ? ` · ${said.join(", ")}` : "";
}

function row(name, schema, needed, about, seen) {
  const inner = fields(schema, seen);
  return node("tr", {},
    node("td", {}, node("code", {}, name), needed ? node("span", { class: "needed" }, " required") : null),
    node("td", {},
      node("span", { class: "kind" }, kindOf(schema) + limitsOf(schema)),
      about ? prose(about) : null,
      inner ? node("details", {}, node("summary", { class: "kind" }, "fields"), node("div", { class: "nested" }, inner)) : null));
}

// A table of a schema's fields, or null where it has none. `seen` stops what contains itself.
function fields(schema, seen = []) {
  if (!schema) return null;
  if (schema.$ref) {
    if (seen.includes(schema.$ref)) return null;
    return fields(resolve(schema), [...seen, schema.$ref]);
  }
  if (schema.type === "array") return fields(schema.items, seen);
  const options = (schema.anyOf || schema.oneOf || []).filter((option) => option.type !== "null");
  if (options.length) {
    const parts = options.map((option) => [option, fields(option, seen)]).filter(([, table]) => table);
    if (!parts.length) return null;
    return node("div", {}, ...parts.flatMap(([option, table]) =>
      parts.length > 1 ? [node("p", { class: "kind" }, kindOf(option)), table] : [table]));
  }
  if (!schema.properties) return null;
  const needed = schema.required || [];
  return node("table", {}, ...Object.entries(schema.properties).map(([name, field]) =>
    row(name, field, needed.includes(name), (resolve(field) || {}).description, seen)));
}

function content(holder) {
  const shown = [];
  for (const [type, media] of Object.entries(holder.content || {})) {
    shown.push(node("p", { class: "kind" }, `${type} · ${kindOf(media.schema)}`));
    const table = fields(media.schema);
    if (table) shown.push(table);
    if (media.example !== undefined) shown.push(node("pre", {}, JSON.stringify(media.example, null, 2)));
  }
  return shown;
}

function answer(status, declared) {
  const response = resolve(declared);
  const refused = status >= "400";
  const head = node("summary", {},
    node("span", { class: `status ${refused ? "bad" : "good"}` }, status), " ",
    refused ? summaryOf(response.description) : response.description);
  const body = refused ? problems(response.description) : content(response);
  const headers = Object.entries(response.headers || {}).map(([name, header]) =>
    row(name, resolve(header).schema, resolve(header).required, resolve(header).description, []));
  const more = headers.length ? [node("p", { class: "kind" }, "headers"), node("table", {}, ...headers)] : [];
  const whole = node("details", {}, head, node("div", { class: "nested" }, ...body, ...more));
  if (!refused) whole.open = true;
  return whole;
}

function summaryOf(description) {
  return description.split("\n")[0].replace(/\.$/, "");
}

function problems(description) {
  return [...description.matchAll(/^- `(\S+)`: (.*)$/gm)].map(([, type, title]) =>
    node("p", {}, node("a", { href: type }, node("code", {}, type)), ` ${title}`));
}

function pathOf(path) {
  return node("code", { class: "path" }, ...path.split(/(\{.*?\})/).map((part) =>
    part.startsWith("{") ? node("i", {}, part) : part));
}

function operationOf(method, path, operation) {
  const parameters = operation.parameters.map((one) =>
    row(`${one.name}`, one.schema, one.required, [`in ${one.in}`, one.description].filter(Boolean).join(" · "), []));
  const body = operation.requestBody;
  return node("details", { class: "operation", id: operation.operationId, "data-text": `${method} ${path} ${operation.summary}`.toLowerCase() },
    node("summary", {},
      node("span", { class: `method ${method}` }, method.toUpperCase()), pathOf(path),
      node("span", { class: "said" }, operation.summary)),
    node("div", { class: "inside" },
      operation.description ? prose(operation.description) : null,
      operation.security ? null : node("p", { class: "soft" }, "No token needed."),
      parameters.length ? node("h3", {}, "Parameters") : null,
      parameters.length ? node("table", {}, ...parameters) : null,
      body ? node("h3", {}, "Body") : null,
      ...(body ? content(body) : []),
      node("h3", {}, "Answers"),
      ...Object.entries(operation.responses).map(([status, response]) => answer(status, response))));
}

function render() {
  document.title = `${api.info.title} API`;
  const reference = document.getElementById("reference");
  const index = document.getElementById("index");
  reference.append(
    node("h1", {}, api.info.title, " ", node("small", {}, api.info.version)),
    prose(api.info.description),
    node("p", { class: "soft" }, node("a", { href: "/openapi.json" }, "openapi.json"), ` · OpenAPI ${api.openapi}`));
  const groups = new Map(api.tags.map((tag) => [tag.name, { about: tag.description, operations: [] }]));
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags[0];
      if (!groups.has(tag)) groups.set(tag, { about: "", operations: [] });
      groups.get(tag).operations.push([method, path, operation]);
    }
  }
  for (const [tag, { about, operations }] of groups) {
    if (!operations.length) continue;
    reference.append(node("section", { class: "tag" }, node("h2", {}, tag),
      about ? node("p", { class: "soft" }, about) : null,
      ...operations.map((operation) => operationOf(...operation))));
    index.append(node("section", {}, node("h2", {}, tag), ...operations.map(([method, path, operation]) =>
      node("a", { href: `#${operation.operationId}`, "data-text": `${method} ${path} ${operation.summary}`.toLowerCase() },
        node("span", { class: `method ${method}` }, method.toUpperCase()), node("span", {}, operation.summary)))));
  }
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
  }
}

function filter(event) {
  const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const shown of document.querySelectorAll("[data-text]")) {
    shown.hidden = !words.every((word) => shown.dataset.text.includes(word));
  }
  for (const section of document.querySelectorAll("section")) {
    section.hidden = !section.querySelector("[data-text]:not([hidden])");
  }
}

fetch("/openapi.json").then((response) => response.json()).then((found) => {
  api = found;
  render();
  openTarget();
  addEventListener("hashchange", openTarget);
  document.getElementById("search").addEventListener("input", filter);
});
