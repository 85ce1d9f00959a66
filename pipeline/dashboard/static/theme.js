// Before anything is painted: the theme that was chosen, else that of the system; and whether it is read from afar.
(() => {
  const root = document.documentElement;
  let chosen = null;
  let far = null;
  try {
    chosen = localStorage.getItem("theme");
    far = localStorage.getItem("far");
  } catch { /* a browser that keeps nothing */ }
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  if (far === "yes") root.dataset.far = "";
})();
