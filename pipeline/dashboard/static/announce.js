// Words for those who do not see the page: seldom, and what happened at once in one sentence.

const EVERY = 5000;
let waiting = [];
let timer = 0;

export function announce(words) {
  if (!words) return;
  waiting.push(words);
  if (!timer) timer = setTimeout(speak, 300);
}

function speak() {
  document.getElementById("announcer").textContent = waiting.slice(-3).join(". ");
  waiting = [];
  timer = setTimeout(() => {
    timer = 0;
    if (waiting.length) speak();
  }, EVERY);
}
