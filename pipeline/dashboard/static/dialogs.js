// Dialogs in which cameras are added, changed, paused and removed. All of it goes through the API.
import { ask, cameraPath, json, Problem } from "./api.js";
import { announce } from "./announce.js";
import { h, mark } from "./elements.js";
import { icon } from "./icons.js";
import { TestPicture } from "./probe.js";

/** A dialog with a form. `act` is awaited on submit; a Problem it throws is shown, else the dialog closes. */
function open({ title, body, button, kind = "primary", act, after }) {
  const problem = h("div", { class: "problem", role: "alert" });
  const submit = h("button", { class: `button ${kind}`, type: "submit" }, button);
  const cancel = h("button", { class: "button", type: "button", onclick: () => dialog.close() }, "Cancel");
  const form = h(
    "form",
    { method: "dialog" },
    h("header", {}, h("h2", {}, title), h("button", { class: "plain-button", type: "button", "aria-label": "Close", onclick: () => dialog.close() }, icon("failed"))),
    h("div", { class: "dialog-body" }, ...body),
    problem,
    h("footer", {}, cancel, submit),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.replaceChildren();
    submit.disabled = true;
    mark(form, "aria-busy", "true");
    try {
      await act(form);
      dialog.close();
      after?.();
    } catch (error) {
      tell(problem, form, error);
    } finally {
      submit.disabled = false;
      mark(form, "aria-busy", null);
    }
  });
  const dialog = h("dialog", { "aria-label": title }, form);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** What went wrong, beside the fields it is about where that is known. */
function tell(place, form, error) {
  if (!(error instanceof Problem)) throw error;
  const faults = error.faults.map((fault) => {
    const name = fault.pointer.split("/").pop();
    const field = form.elements[name];
    field?.setAttribute?.("aria-invalid", "true");
    return h("li", {}, `${name}: ${fault.detail}`);
  });
  place.replaceChildren(h("p", {}, icon("alert"), error.message || error.title), h("ul", {}, ...faults));
}

function field(label, name, { hint, ...attributes } = {}) {
  const id = `field-${name}`;
  const input = h("input", { id, name, "aria-describedby": hint ? `${id}-hint` : null, spellcheck: "false", autocomplete: "off", ...attributes });
  input.addEventListener("input", () => mark(input, "aria-invalid", null));
  return h("div", { class: "field" }, h("label", { for: id }, label), input, hint ? h("p", { class: "hint", id: `${id}-hint` }, hint) : null);
}

const check = (label, name, checked, hint) =>
  h("label", { class: "check" }, h("input", { type: "checkbox", name, checked }), h("span", {}, label, hint ? h("small", {}, hint) : null));

/** What the form asks for, as the API takes it. */
function asked(form) {
  const { uri, fps, credentials, loop, fast } = form.elements;
  return {
    uri: uri.value.trim(),
    fps: fps.value === "" ? null : Number(fps.value),
    credentials: credentials.value.trim(),
    loop: loop.checked,
    realtime: !fast.checked,
  };
}

function cameraFields(wanted) {
  return [
    field("Address", "uri", {
      value: wanted?.uri,
      required: true,
      maxlength: "2000",
      placeholder: "rtsp://10.0.0.7:554/stream1",
      hint: "rtsp:// or http(s)://, without a password; synthetic:?people=2 draws some people",
    }),
    ...(wanted ? [] : [field("Name", "id", { maxlength: "63", placeholder: "room-12", hint: "Letters, digits, dot, dash, underscore. Left empty, it is made from the address." })]),
    h(
      "details",
      { class: "more", open: wanted && (wanted.fps !== null || wanted.credentials) ? true : null },
      h("summary", {}, "More"),
      field("Frames a second, at most", "fps", { type: "number", min: "0.1", max: "240", step: "any", value: wanted?.fps, hint: "Empty: as many as the camera gives" }),
      field("User and password", "credentials", { value: wanted?.credentials, placeholder: "env:CAMERA_ROOM_12", hint: "Name of a variable on the capture host that holds user:password" }),
      check("Begin again at its end", "loop", wanted?.loop, "for files"),
      check("As fast as the system takes it", "fast", wanted ? !wanted.realtime : false, "for files"),
    ),
  ];
}

function withTest(fields) {
  const test = new TestPicture((form) => asked(form));
  return [...fields, test.element];
}

export function addCamera() {
  open({
    title: "Add a camera",
    body: withTest(cameraFields(null)),
    button: "Add camera",
    act: async (form) => {
      const id = form.elements.id.value.trim();
      const camera = await json("POST", "/v1/cameras", { ...asked(form), ...(id ? { id } : {}) });
      announce(`Camera ${camera.id} is added`);
    },
  });
}

export function changeCamera(camera) {
  open({
    title: `Change ${camera.id}`,
    body: [...withTest(cameraFields(camera.desired)), h("p", { class: "hint" }, "The camera connects anew.")],
    button: "Save",
    act: async (form) => {
      await ask("PATCH", cameraPath(camera.id), asked(form));
      announce(`Camera ${camera.id} is changed`);
    },
  });
}

export function removeCamera(camera, after) {
  open({
    title: `Remove ${camera.id}?`,
    body: [h("p", {}, "Capture stops it. What was told of it stays in the topics as long as they keep it.")],
    button: "Remove",
    kind: "danger",
    act: async () => {
      await ask("DELETE", cameraPath(camera.id));
      announce(`Camera ${camera.id} is removed`);
    },
    after,
  });
}

export function pauseCamera(camera) {
  open({
    title: `Pause ${camera.id}?`,
    body: [
      h("p", {}, "Nothing is captured of it until it is resumed, and it raises no alarm meanwhile."),
      field("Why", "reason", { maxlength: "500", placeholder: "visitors, washing, repair", hint: "Kept in the audit log" }),
    ],
    button: "Pause",
    act: async (form) => {
      await ask("POST", `${cameraPath(camera.id)}/pause`, { reason: form.elements.reason.value.trim() });
      announce(`Camera ${camera.id} is paused`);
    },
  });
}

export async function resumeCamera(camera, button) {
  button.disabled = true;
  try {
    await ask("POST", `${cameraPath(camera.id)}/resume`, { reason: "" });
    announce(`Camera ${camera.id} is resumed`);
  } catch (error) {
    open({ title: `Resume ${camera.id}`, body: [h("p", { class: "problem" }, error.message)], button: "Try again", act: () => ask("POST", `${cameraPath(camera.id)}/resume`, { reason: "" }) });
  } finally {
    button.disabled = false;
  }
}

export function acknowledge(alert) {
  open({
    title: "Acknowledge this alert?",
    body: [
      h("p", {}, alert.reason),
      h("p", { class: "hint" }, "It says that you look after it. It calls nobody any more, and is told when it is over."),
      field("Note", "reason", { maxlength: "500", hint: "Kept in the audit log" }),
    ],
    button: "Acknowledge",
    act: (form) => ask("POST", `/v1/alerts/${encodeURIComponent(alert.id)}/acknowledge`, { reason: form.elements.reason.value.trim() }),
  });
}
