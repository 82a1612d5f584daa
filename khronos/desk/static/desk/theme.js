// The admin's choice of light or dark, before anything is drawn. Without one the system's counts.

try {
  const choice = JSON.parse(localStorage.getItem("adminTheme"));
  if (choice === "light" || choice === "dark") document.documentElement.dataset.theme = choice;
} catch {
  // no storage, or not ours
}
