// Previews: fetched a few at a time, for stages that are in sight, the one that waits longest first.

const AT_ONCE = 4;
const waiting = new Map(); // stage -> since when
let running = 0;

export function want(stage) {
  if (!waiting.has(stage)) waiting.set(stage, performance.now());
  next();
}

export function forget(stage) {
  waiting.delete(stage);
}

function next() {
  while (running < AT_ONCE && waiting.size && !document.hidden) {
    const [stage] = waiting.keys();
    waiting.delete(stage);
    running += 1;
    load(stage).finally(() => {
      running -= 1;
      next();
    });
  }
}

async function load(stage) {
  const { id, wanted } = stage;
  try {
    const response = await fetch(`/previews/${encodeURIComponent(id)}?of=${encodeURIComponent(wanted)}`);
    if (response.status !== 200) return;
    const picture = await createImageBitmap(await response.blob());
    stage.draw(picture, wanted);
    picture.close();
  } catch { /* it goes on with the next one */ }
}

document.addEventListener("visibilitychange", next);
