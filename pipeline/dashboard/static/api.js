// The control API, through this page's own server. Whatever goes wrong is a Problem with words for a person.

export class Problem extends Error {
  /** `faults`: {pointer, detail} of each field that is wrong. */
  constructor(title, detail, faults = [], status = 0) {
    super(detail || title);
    this.title = title;
    this.faults = faults;
    this.status = status;
  }
}

export async function ask(method, path, body) {
  let response;
  try {
    response = await fetch(`/api${path}`, {
      method,
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Problem("No answer", "the page's server does not answer; try again");
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  throw new Problem(told.title ?? response.statusText, told.detail ?? "", told.errors ?? [], response.status);
}

export const json = async (method, path, body) => (await ask(method, path, body)).json();

export const cameraPath = (id) => `/v1/cameras/${encodeURIComponent(id)}`;
